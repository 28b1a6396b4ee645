//! Animations: still until somebody asks, then a copy of that person's own moves, veiled as pictures are, until it is
//! stopped.

use crate::{
    browser::Browser,
    films::{address, ask},
    people::{Visitor, arrive, location},
    wait::until,
    world::World,
};
use lazaret_fixtures::picture;
use reqwest::Response;

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
const ENTER: &str = "\u{E007}";

/// For how long each frame of an animated WebP is shown, in ms (RFC 9649).
fn times(webp: &[u8]) -> Vec<u32> {
    assert_eq!((&webp[..4], &webp[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
    let (mut rest, mut times) = (&webp[12..], Vec::new());
    while rest.len() > 8 {
        let length = u32::from_le_bytes(*rest[4..].first_chunk().unwrap()) as usize;
        let content = &rest[8..8 + length];
        if rest.starts_with(b"ANMF") {
            times.push(u32::from_le_bytes([content[12], content[13], content[14], 0]));
        }
        rest = &rest[8 + length + length % 2..];
    }
    times
}

/// The answer with this status, once it comes.
async fn answers(who: &Visitor, address: &str, status: u16) -> Response {
    until("the copy is made, or it is told why not", async || {
        let answer = who.get(address).await;
        if answer.status() == status { Ok(answer) } else { Err(answer.status()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_animation_is_played_to_who_asked_and_to_nobody_else() {
    let world = World::start(LONG).await;
    let id = world.in_review("moving.gif", &picture::animation(5)).await;
    let photo = world.photo("photo.jpg", 3).await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let other = Visitor::arrive(&world, "eve@example.org", "moderator", "globex").await;
    assert!(
        !ann.page(&format!("/console/items/{photo}")).await.contains("id=\"player\""),
        "it does not move"
    );
    let (hers, his) = (address(&ann, &id).await, address(&bob, &id).await);
    assert_eq!(ann.get(&hers).await.status(), 404, "nobody asked for it");
    assert_eq!(ask(&ann, &id).await, format!("{item}?plays=1#player"));
    let whole = answers(&ann, &hers, 200).await;
    let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-type").as_str(), header("cache-control").as_str()),
        ("image/webp", "no-store")
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"));
    let bytes = whole.bytes().await.unwrap();
    assert_eq!(times(&bytes), [80; 5]);
    // Another's session opens it with neither URL, and another's copy bears another name.
    assert_eq!(bob.get(&hers).await.status(), 404);
    ask(&bob, &id).await;
    assert_ne!(answers(&bob, &his, 200).await.bytes().await.unwrap(), bytes);
    assert_eq!(bob.get(&hers).await.status(), 404, "not with a copy of his own either");
    let csrf = other.csrf("/console/queue").await;
    assert_eq!(other.send(&format!("{item}/play"), &[("csrf", &csrf)]).await.status(), 404);
    // Each time that it is asked for is on record, and leads back to the part of the queue that one works on.
    let csrf = ann.csrf("/console/queue").await;
    let again = ann.send(&format!("{item}/play"), &[("csrf", &csrf), ("type", "image/")]).await;
    assert_eq!(location(&again), format!("{item}?type=image%2F&plays=1#player"));
    let auditor = Visitor::arrive(&world, "audit@example.org", "auditor", "*").await;
    let log =
        auditor.page(&format!("/console/audit/export?format=jsonl&subject={id}&action=item.played")).await;
    assert_eq!(log.lines().count(), 3, "{log}");
    world.server.erase(&id).await;
    assert_eq!(ann.get(&hers).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_an_animation_moves_on_the_page_that_was_asked_for_alone() {
    let world = World::start(LONG).await;
    let id = world.in_review("moving.gif", &picture::animation(5)).await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let hers = address(&ann, &id).await;
    let asked = format!("{item}?plays=1");
    let stop = format!("data-do=\"stop\" href=\"{item}\"");
    // Scripts take it out of the template; without them what is in there is nothing.
    let moves = |page: &str| page.contains(&stop) && !page.contains("<template>");
    assert!(!moves(&ann.page(&asked).await), "nobody asked for it");
    assert_eq!(format!("{asked}#player"), ask(&ann, &id).await);
    answers(&ann, &hers, 200).await;
    let page = ann.page(&asked).await;
    assert!(moves(&page), "{page}");
    assert!(page.contains(&format!(
        "<img src=\"{hers}\" alt=\"The held animation as it moves: 5 frames in 0:00.4, "
    )));
    assert!(page.contains("id=\"media\""), "the sheet stays");
    let page = ann.page(&item).await;
    assert!(!moves(&page) && page.contains(&format!("action=\"{item}/play\"")), "{page}");
    let page = ann.with_header(&asked, "sec-fetch-site", "cross-site").await;
    assert!(!moves(&page), "a link of another site starts nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_animation_that_cannot_be_played_says_why_and_is_decided_all_the_same() {
    let world = World::start(&format!("{LONG}[media]\nmax_frames = 20\n")).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let whole = picture::animation(8);
    let files = [
        ("cut.gif", whole[..whole.len() * 3 / 4].to_vec(), "media.undecodable"),
        ("long.gif", picture::long_animation(64, 48, 10_000), "more than 20 frames"),
    ];
    for (name, bytes, expected) in files {
        let id = world.in_review(name, &bytes).await;
        let (item, hers) = (format!("/console/items/{id}"), address(&ann, &id).await);
        ask(&ann, &id).await;
        let why = answers(&ann, &hers, 422).await.text().await.unwrap();
        assert!(why.contains(expected), "{name}: {why}");
        let page = ann.page(&format!("{item}?plays=1")).await;
        assert!(page.contains("It cannot be played: ") && page.contains(expected), "{name}: {page}");
        assert!(page.contains(&format!("action=\"{item}/play\"")), "{name}: it can be tried again");
        assert!(page.contains("id=\"media\""), "{name}: what was looked at is shown");
        assert_eq!(ann.rule(&id, "quarantine:spam", &[]).await.status(), 303);
        assert!(ann.page(&item).await.contains("quarantine: spam"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_animation_moves_when_asked_is_veiled_until_held_and_stops() {
    let world = World::start(LONG).await;
    let id = world.in_review("moving.gif", &picture::animation(5)).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    until("the sheet is shown", async || {
        let width = browser.eval("return document.querySelector('#media').naturalWidth").await;
        if width.as_u64() > Some(0) { Ok(()) } else { Err(width) }
    })
    .await;
    browser.eval("window.here = true").await;
    let is_shown = async |wanted: u32| {
        until("it moves, or is gone", async || {
            let script = "return document.querySelector('#player img')?.naturalWidth ?? 0";
            let width = browser.eval(script).await;
            if width == wanted { Ok(()) } else { Err((width, browser.text("#player").await)) }
        })
        .await;
    };
    let is_seen = async |wanted: &str| {
        until(wanted, async || {
            let script = "return getComputedStyle(document.querySelector('#player img')).filter";
            let seen = browser.eval(script).await;
            if seen.as_str().is_some_and(|seen| seen.contains(wanted)) { Ok(()) } else { Err(seen) }
        })
        .await;
    };
    is_shown(0).await;
    browser.press("p").await;
    is_shown(160).await;
    is_seen("blur(28px) grayscale(1)").await;
    browser.hold("v").await;
    is_seen("none").await;
    browser.shoot("item-animation-played").await;
    browser.let_go("v").await;
    is_seen("blur").await;
    browser.grab("#player [data-do=reveal]").await;
    is_seen("none").await;
    browser.release().await;
    is_seen("blur").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.press("p").await;
    is_shown(0).await;
    browser.shows("Play it").await;
    // By the button, and by keyboard from there: who goes on is where they were.
    let focus = async || browser.eval("return document.activeElement.textContent").await;
    browser.click("#player form button").await;
    is_shown(160).await;
    assert_eq!(focus().await, "Stop P");
    browser.press(ENTER).await;
    is_shown(0).await;
    assert_eq!(focus().await, "Play it P");
    assert_eq!(browser.eval("return window.here").await, true, "the page is the same");
    assert_eq!(browser.eval("return document.querySelector('#media').naturalWidth > 0").await, true);
}
