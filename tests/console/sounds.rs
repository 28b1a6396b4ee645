//! Sound alone: a copy of it is played to who asks, by the browser's own controls, and never by itself.

use crate::{
    browser::Browser,
    films::{address, ask},
    people::{Visitor, arrive},
    wait::until,
    world::World,
};
use std::{fs, process::Command};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

/// Three seconds of a tone.
fn tone(world: &World, name: &str) -> Vec<u8> {
    let path = world.site.path(name);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=3"])
        .args(["-metadata", "title=SECRET"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg; scripts/setup.sh installs it").success());
    fs::read(&path).unwrap()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_is_played_by_range_to_who_asked_and_to_nobody_else() {
    let world = World::start(LONG).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let auditor = Visitor::arrive(&world, "audit@example.org", "auditor", "*").await;
    // The last comes in what films come in.
    for name in ["tone.mp3", "tone.ogg", "tone.wav", "tone.m4a", "tone.mp4"] {
        let file = tone(&world, name);
        assert!(holds(&file, b"SECRET"));
        let id = world.in_review(name, &file).await;
        let item = format!("/console/items/{id}");
        let (hers, his) = (address(&ann, &id).await, address(&bob, &id).await);
        assert_eq!(ann.get(&hers).await.status(), 404, "{name}: nobody asked for it");
        assert_eq!(ask(&ann, &id).await, format!("{item}#player"));
        let whole = until("the copy is there", async || {
            let answer = ann.get(&hers).await;
            if answer.status() == 200 { Ok(answer) } else { Err((answer.status(), answer.text().await)) }
        })
        .await;
        let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("content-type").as_str(), header("cache-control").as_str()),
            ("audio/mp4", "no-store")
        );
        let bytes = whole.bytes().await.unwrap();
        assert!(bytes.len() > 10_000 && bytes[4..8] == *b"ftyp" && !holds(&bytes, b"SECRET"), "{name}");
        let some =
            ann.client.get(world.url(&hers)).header("cookie", format!("lazaret_session={}", ann.cookie));
        let some = some.header("range", "bytes=100-199").send().await.unwrap();
        assert_eq!(some.status(), 206);
        assert_eq!(some.bytes().await.unwrap(), bytes[100..200]);
        for address in [&hers, &his] {
            assert_eq!(bob.get(address).await.status(), 404, "{name}: he asked for none");
        }
        // Without scripts it stands on the page from then on, and keeps still.
        let page = ann.page(&item).await;
        assert!(!page.contains("<template>") && page.contains("aria-label=\"The sound\""), "{name}: {page}");
        assert!(page.contains(&format!("<audio src=\"{hers}\" controls preload=\"none\"")), "{name}: {page}");
        assert!(!page.contains("autoplay"), "{name}");
        let log = format!("/console/audit/export?format=jsonl&subject={id}&action=item.played");
        assert_eq!(auditor.page(&log).await.lines().count(), 1, "{name}");
        world.server.erase(&id).await;
        assert_eq!(ann.get(&hers).await.status(), 404, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_that_nothing_here_decodes_says_so_and_is_decided_all_the_same() {
    let world = World::start(LONG).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    // No copy is made of sound in this container, so none is offered; of what is no sound at all none comes of it.
    let flac = world.in_review("tone.flac", &tone(&world, "tone.flac")).await;
    let page = ann.page(&format!("/console/items/{flac}")).await;
    assert!(!page.contains("id=\"player\"") && page.contains("no copy to be played is made of it"), "{page}");
    let cut = world.in_review("cut.wav", &tone(&world, "tone.wav")[..44]).await;
    let hers = address(&ann, &cut).await;
    ask(&ann, &cut).await;
    let why = until("it is told why", async || {
        let answer = ann.get(&hers).await;
        if answer.status() == 422 { Ok(answer.text().await.unwrap()) } else { Err(answer.status()) }
    })
    .await;
    assert!(why.contains("media.undecodable"), "{why}");
    let page = ann.page(&format!("/console/items/{cut}")).await;
    assert!(page.contains("It cannot be played: ") && page.contains("media.undecodable"), "{page}");
    assert_eq!(ann.rule(&cut, "quarantine:spam", &[]).await.status(), 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_is_heard_when_its_controls_or_its_key_say_so() {
    let world = World::start(LONG).await;
    let id = world.in_review("tone.mp3", &tone(&world, "tone.mp3")).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    browser.shows("no model listens to it").await;
    assert_eq!(browser.eval("return document.querySelectorAll('video, audio').length").await, 0);
    browser.press("p").await;
    let audio =
        async |what: &str| browser.eval(&format!("return document.querySelector('audio')?.{what}")).await;
    until("there is a player", async || {
        let paused = audio("paused").await;
        if paused == true { Ok(()) } else { Err((paused, browser.text("#player").await)) }
    })
    .await;
    let still = (audio("autoplay").await, audio("preload").await, audio("readyState").await);
    assert_eq!(still, (false.into(), "none".into(), 0.into()), "nothing of it is fetched before");
    browser.shoot("item-sound").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.press("p").await;
    until("it plays", async || {
        let (at, error) = (audio("currentTime").await, audio("error?.message").await);
        if at.as_f64() > Some(0.3) { Ok(()) } else { Err((at, error)) }
    })
    .await;
    browser.press("p").await;
    until("it is silent", async || if audio("paused").await == true { Ok(()) } else { Err(()) }).await;
}
