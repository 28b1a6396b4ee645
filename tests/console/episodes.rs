//! What was seen on live streams and in films, as moderators see it.

use crate::{
    browser::Browser,
    drafts::{again, away},
    people::{Visitor, arrive, field, location},
    world::World,
};
use lazaret_fixtures::picture;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use std::process::Command;

/// Any picture at all is beyond doubt.
const CERTAIN: &str = "[console]\ntotp = false\n[streams]\n\
    labels = [{ label = \"neutral\", near = 0.00001, bad = 0.00001, certain = 0.00001 }]\n";

/// A stream that was cut, and is over; its id.
async fn cut(world: &World, tenant: &str) -> String {
    let made = world.site.run(&["key", "create", "--tenant", tenant, "--scopes", "stream", "--json"]).await;
    let key = made.json()[0]["key"].as_str().unwrap().to_owned();
    let url = format!("{}/v1/streams", world.server.url);
    let client = &world.server.client;
    let opened: Value =
        client.post(&url).bearer_auth(&key).json(&json!({})).send().await.unwrap().json().await.unwrap();
    let url = format!("{url}/{}", opened["id"].as_str().unwrap());
    for seed in [3, 4] {
        let frame = picture::jpeg(&picture::landscape(640, 360, seed), 85);
        let sent = client.post(format!("{url}/frames")).bearer_auth(&key).body(frame).send().await.unwrap();
        assert_eq!(sent.json::<Value>().await.unwrap()["decision"], "cut");
    }
    crate::wait::until("the episode is on record", async || {
        let view: Value = client.get(&url).bearer_auth(&key).send().await.unwrap().json().await.unwrap();
        let held = world.site.objects("held").len();
        if view["decision"] == "cut" && held >= 2 { Ok(()) } else { Err((view, held)) }
    })
    .await;
    client.delete(&url).bearer_auth(&key).send().await.unwrap();
    opened["id"].as_str().unwrap().to_owned()
}

/// The first picture on a page.
fn shown(page: &str, path: &str) -> String {
    let at = page.find(&format!("<img src=\"{path}")).unwrap_or_else(|| panic!("no {path} in {page}")) + 10;
    page[at..].split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_episode_of_a_stream_is_one_item() {
    let world = World::start(CERTAIN).await;
    let stream = cut(&world, "acme").await;
    let path = format!("/console/episodes/{stream}/1");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "acme").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "globex").await;
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    let listed =
        async |who: &Visitor| who.page("/console/queue").await.matches(&format!("href=\"{path}\"")).count();
    crate::wait::until(
        "it is in the queue",
        async || {
            if listed(&ann).await == 1 { Ok(()) } else { Err("not yet") }
        },
    )
    .await;
    assert_eq!((listed(&bob).await, listed(&eve).await), (0, 1), "of their own tenants alone");
    assert_eq!(bob.get(&path).await.status(), 404);
    let page = ann.page(&path).await;
    assert!(page.contains("neutral") && page.contains("UTC, frame 0"), "{page}");
    let picture = shown(&page, &format!("{path}/frames/0"));
    let answer = ann.get(&picture).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"image/jpeg".parse().unwrap())
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.bytes().await.unwrap().starts_with(&[0xff, 0xd8]));
    for who in [&bob, &eve] {
        assert_eq!(who.get(&picture).await.status(), 404, "the URL is good in one session");
    }
    assert!(eve.page(&path).await.contains("change nothing"));

    let browser = Browser::start().await;
    arrive(&browser, &world, "zoe@example.org", "moderator").await;
    browser.go(&world.url(&path)).await;
    browser.click("#take button").await;
    browser.shows("What it was").await;
    browser.shoot("episode").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("#leave button").await;
    browser.shows("Given back to the queue").await;

    let send = async |who: &Visitor, deed: &str, choice: &str, fence: &str| {
        let csrf = who.csrf("/console/queue").await;
        let fields =
            [("csrf", csrf.as_str()), ("choice", choice), ("note", "a <b>wolf</b>"), ("fence", fence)];
        who.send(&format!("{path}/{deed}"), &fields).await
    };
    for (who, status) in [(&eve, 403), (&bob, 404)] {
        for deed in ["take", "rule"] {
            assert_eq!(send(who, deed, "confirmed", "1").await.status(), status, "{deed}");
        }
    }
    assert_eq!(send(&ann, "rule", "confirmed", "1").await.status(), 409, "who has not taken it");
    assert_eq!(send(&ann, "take", "", "").await.status(), 303);
    let fence = field(&ann.page(&path).await, "fence");
    assert_eq!(send(&ann, "rule", "nonsense", &fence).await.status(), 422);
    assert!(location(&send(&ann, "rule", "confirmed", &fence).await).ends_with("said=said"));
    let late = send(&ann, "rule", "mistaken", &fence).await;
    assert_eq!(late.status(), 409, "once");
    let late = late.text().await.unwrap();
    assert!(late.contains("It was decided already") && late.contains("a &#60;b&#62;wolf"), "{late}");
    let page = ann.page(&path).await;
    assert!(page.contains("as bad as it was taken for") && page.contains("ann@example.org"), "{page}");
    assert!(!page.contains("<b>wolf"), "{page}");
    assert_eq!(listed(&ann).await, 0);
    // Taken back by who said it, and by nobody else; then it is theirs again, and can be decided otherwise.
    let bar = "Episode decided: It was as bad as it was taken for";
    assert!(page.contains(bar) && !browser_sees(&browser, &world, bar).await, "{page}");
    let zoe = Visitor::arrive(&world, "zed@example.org", "moderator", "acme").await;
    let under = field(&page, "fence");
    for (who, fence, status, said) in [
        (&zoe, &*under, 303, "said=late_episode"),
        (&ann, "7", 303, "said=late_episode"),
        (&bob, &under, 404, ""),
        (&eve, &under, 403, ""),
        (&ann, &under, 303, "said=undone_episode"),
        (&ann, &under, 303, "said=late_episode"),
    ] {
        let answer = send(who, "undo", "", fence).await;
        assert_eq!(
            (answer.status().as_u16(), location(&answer).ends_with(said)),
            (status, true),
            "{answer:?}"
        );
    }
    assert_eq!((listed(&ann).await, listed(&eve).await), (1, 1));
    let page = ann.page(&format!("{path}?said=undone_episode")).await;
    assert!(page.contains("The episode is yours again") && !page.contains(bar), "{page}");
    assert!(zoe.page(&path).await.contains("Somebody else is looking at it"));
    let fence = field(&page, "fence");
    assert!(location(&send(&ann, "rule", "mistaken", &fence).await).ends_with("said=said"));
    assert!(ann.page(&path).await.contains("Episode decided: There was nothing wrong with it"));
    let undone = eve.page("/console/audit/export?format=jsonl&action=episode.undone").await;
    assert!(undone.lines().count() == 1 && undone.contains(&stream), "{undone}");
    // Taken back when the session was over, it is offered again, once.
    let page = ann.page(&path).await;
    let (csrf, under) = (field(&page, "csrf"), field(&page, "fence"));
    let fields = [("csrf", csrf.as_str()), ("fence", &under)];
    let kept = away(&world, &format!("{path}/undo"), &fields).await;
    assert_eq!(again(&ann, &kept).await, format!("{path}?said=undone_episode"));
    let kept = away(&world, &format!("{path}/undo"), &fields).await;
    assert!(ann.page(&kept).await.contains("It cannot be taken back any more"));
    let log = eve.page("/console/audit").await;
    assert!(log.contains("episode.ruled") && log.contains("episode.viewed"), "{log}");
}

async fn browser_sees(browser: &Browser, world: &World, words: &str) -> bool {
    browser.go(&world.url("/console/queue")).await;
    browser.text("body").await.contains(words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_on_an_episode_is_taken_back_by_key_and_in_time() {
    let world = World::start(&CERTAIN.replace("totp = false\n", "totp = false\nundo = \"15s\"\n")).await;
    let stream = cut(&world, "acme").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    let decide = async || {
        browser.element("#decision").await;
        browser.press("2").await;
        browser.press("\u{E007}").await;
        browser.shows("Episode decided: There was nothing wrong with it").await;
    };
    browser.go(&world.url(&format!("/console/episodes/{stream}/1"))).await;
    browser.click("#take button").await;
    decide().await;
    browser.press("u").await;
    browser.shows("Taken back. The episode is yours again.").await;
    decide().await;
    let bar = browser
        .eval("return new URLSearchParams(new FormData(document.querySelector('form.undo'))).toString()")
        .await;
    browser.shoot("episode-undo").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    crate::wait::until("its time is over", async || {
        if browser.has("form.undo").await { Err("not yet") } else { Ok(()) }
    })
    .await;
    // The page shows no bar any more, and the form of before is refused.
    let late = format!(
        "const done = arguments[arguments.length - 1]; fetch('/console/episodes/{stream}/1/undo', {{ method: 'POST', \
         headers: {{ 'content-type': 'application/x-www-form-urlencoded' }}, body: '{}' }}).then((a) => done(a.url))",
        bar.as_str().unwrap()
    );
    let to = browser.eval_async(&late).await;
    assert!(to.as_str().unwrap().ends_with("said=late_episode"), "{to}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_moderators_one_has_an_episode() {
    let world = World::start(&CERTAIN.replace("totp = false\n", "totp = false\nlease = \"4s\"\n")).await;
    let stream = cut(&world, "acme").await;
    let path = format!("/console/episodes/{stream}/1");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let (hers, his) = (ann.csrf("/console/queue").await, bob.csrf("/console/queue").await);
    let next =
        async |who: &Visitor, csrf: &str| location(&who.send("/console/next", &[("csrf", csrf)]).await);
    // Reviewing hands it out like any item, and to nobody else.
    crate::wait::until("ann is handed it", async || {
        let place = next(&ann, &hers).await;
        if place == path { Ok(()) } else { Err(place) }
    })
    .await;
    assert_eq!(next(&bob, &his).await, "/console/queue?said=none");
    assert!(bob.page("/console/queue").await.contains(">in review</span>"));
    let page = bob.page(&path).await;
    assert!(page.contains("Somebody else is looking at it") && !page.contains("name=\"choice\""), "{page}");
    let fence = field(&ann.page(&path).await, "fence");
    let rule = [("csrf", his.as_str()), ("fence", &fence), ("choice", "confirmed")];
    let answer = bob.send(&format!("{path}/rule"), &rule).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains("is looking at this item now"));
    let take = location(&bob.send(&format!("{path}/take"), &[("csrf", &his)]).await);
    assert!(take.contains("said=taken"), "{take}");
    // Given back it is anybody's; and once more when a lease runs out, whose holder is told.
    let leave = [("csrf", hers.as_str()), ("fence", &fence)];
    ann.send(&format!("{path}/leave"), &leave).await;
    assert_eq!(next(&bob, &his).await, path);
    let old = field(&bob.page(&path).await, "fence");
    crate::wait::until("it comes back", async || {
        let place = next(&ann, &hers).await;
        if place == path { Ok(()) } else { Err(place) }
    })
    .await;
    let late = [("csrf", his.as_str()), ("fence", &old), ("choice", "confirmed")];
    assert_eq!(bob.send(&format!("{path}/rule"), &late).await.status(), 409);
    let fence = field(&ann.page(&path).await, "fence");
    let rule = [("csrf", hers.as_str()), ("fence", &fence), ("choice", "confirmed"), ("then", "next")];
    let to = location(&ann.send(&format!("{path}/rule"), &rule).await);
    assert_eq!(to, "/console/queue?said=none", "and on to the next");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_episodes_counts_as_looking_at_items() {
    let care = "[console.care]\noffer = 0.5\n[console.care.high]\nviews = 1\n";
    let world = World::start(&CERTAIN.replace("[streams]", &format!("{care}[streams]"))).await;
    let (first, second) = (cut(&world, "acme").await, cut(&world, "acme").await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let csrf = ann.csrf("/console/queue").await;
    let episode = |stream: &str| format!("/console/episodes/{stream}/1");
    crate::wait::until("it can be taken", async || {
        ann.send(&format!("{}/take", episode(&first)), &[("csrf", &csrf)]).await;
        let page = ann.page(&episode(&first)).await;
        if page.contains("What it was") { Ok(()) } else { Err("not yet") }
    })
    .await;
    assert_eq!(location(&ann.get("/console/queue").await), "/console/pause", "one was enough");
    for path in [episode(&second), "/console/queue".to_owned()] {
        assert_eq!(location(&ann.get(&path).await), "/console/pause", "{path}");
    }
    let take = ann.send(&format!("{}/take", episode(&second)), &[("csrf", &csrf)]).await;
    assert_eq!(location(&take), "/console/pause");
    // What is in hand is brought to its end, and how long it took is on record.
    let page = ann.page(&episode(&first)).await;
    assert_eq!(ann.get(&shown(&page, &format!("{}/frames/0", episode(&first)))).await.status(), 200);
    let fence = field(&page, "fence");
    // Once her time with it is over it is not shown, and not hers again because a page of hers asks.
    let file = format!("sqlite:{}", world.site.data("lazaret.db").display());
    let mut store = SqliteConnection::connect(&file).await.unwrap();
    let over =
        sqlx::query("UPDATE episodes SET held_until = 1 WHERE stream = $1 AND held_until > 1").bind(&first);
    assert_eq!(over.execute(&mut store).await.unwrap().rows_affected(), 1);
    store.close().await.unwrap();
    assert_eq!(location(&ann.get(&episode(&first)).await), "/console/pause");
    let more = [("csrf", csrf.as_str()), ("fence", fence.as_str())];
    assert_eq!(ann.send(&format!("{}/extend", episode(&first)), &more).await.status(), 409);
    assert_eq!(location(&ann.get(&episode(&first)).await), "/console/pause");
    let rule = [("csrf", csrf.as_str()), ("fence", &fence), ("choice", "confirmed"), ("then", "stay")];
    assert_eq!(ann.send(&format!("{}/rule", episode(&first)), &rule).await.status(), 303);
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    let log = eve.page("/console/audit/export?format=jsonl&action=episode.left").await;
    assert!(log.contains("\"level\":\"high\"") && log.contains(&first), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_shows_its_contact_sheet() {
    let world = World::start("[console]\ntotp = false\n").await;
    let path = world.site.path("film.mp4");
    let graph = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=4", "-pix_fmt", "yuv420p"];
    let made = Command::new("ffmpeg").args(["-nostdin", "-v", "error"]).args(graph).arg(&path).status();
    assert!(made.expect("ffmpeg is not installed; run scripts/setup.sh").success());
    let id = world.in_review("film.mp4", &std::fs::read(path).unwrap()).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let page = ann.page(&format!("/console/items/{id}")).await;
    assert!(page.contains("Frames on the sheet"), "the times of its frames: {page}");
    let sheet = shown(&page, &format!("/console/items/{id}/media"));
    let answer = ann.get(&sheet).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"image/jpeg".parse().unwrap())
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    assert_eq!(bob.get(&sheet).await.status(), 404, "the URL is good in one session");
}
