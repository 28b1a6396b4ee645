//! Streams whose frames are fetched, on many machines: who watches fetches.

use crate::{
    red::{SETTINGS, open, prepare},
    server::Server,
    site::Site,
    sources::{LIVE, Page, Web, film},
    streams::{process, show},
    wait::until,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn the_next_process_fetches_what_one_that_was_killed_did() {
    let site = Site::new(&format!("{SETTINGS}pull_private = [\"127.0.0.1\"]\nterm = \"2s\"\n"));
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = prepare(&site).await;
    let front = process(&site, &key, "api,events", "front").await;
    let web = Web::start().await;
    let (_, clip) = film(&site.path(""), "grey.flv", "color=0x5a5a5a:s=320x180:r=10:d=120", &LIVE);
    let url = web.put("/grey.flv", Page::Bytes(clip));
    // A process that answers about streams and watches none opens it; it is fetched once somebody is there.
    let stream = open(&front, json!({ "source": url })).await;
    let show = async |server: &Server| -> Value {
        let url = format!("{}/v1/streams/{}", server.url, stream.0);
        server.client.get(url).bearer_auth(&stream.1).send().await.unwrap().json().await.unwrap()
    };
    let passes = async || {
        until("it passes", async || {
            let view = show(&front).await;
            let stands = (&view["decision"], &view["pull"]["state"]);
            if stands == (&"pass".into(), &"reading".into()) { Ok(()) } else { Err(view) }
        })
        .await;
    };
    let fetched = || web.asked.lock().unwrap().len();
    assert_eq!(fetched(), 0);
    let first = process(&site, &key, "streams", "first").await;
    passes().await;
    assert_eq!(fetched(), 1);
    first.kill().await;
    until("nobody watches", async || {
        let view = show(&front).await;
        if view["reason"] == "unwatched" { Ok(()) } else { Err(view) }
    })
    .await;
    let second = process(&site, &key, "streams", "second").await;
    passes().await;
    assert_eq!(fetched(), 2, "from its beginning");
    // One that leaves in good order hands it on.
    let third = process(&site, &key, "streams", "third").await;
    second.terminate();
    assert!(second.ended().await.success());
    until("the third one fetches it", async || if fetched() == 3 { Ok(()) } else { Err(fetched()) }).await;
    passes().await;
    third.kill().await;
}

/// One for whose source there is no place here is left to a process that has one; where none has, nobody takes it and
/// leaves it again and again.
#[tokio::test]
async fn a_source_without_a_place_goes_to_a_process_that_has_one() {
    let settings = "pull_private = [\"127.0.0.1\"]\npull_stall = \"5s\"\npull_patience = \"8s\"\npulls = 1\nterm = \"2s\"\n";
    let site = Site::new(&format!("{SETTINGS}{settings}"));
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = prepare(&site).await;
    let front = process(&site, &key, "api,events", "front").await;
    let web = Web::start().await;
    let (_, clip) = film(&site.path(""), "grey.flv", "color=0x5a5a5a:s=320x180:r=10:d=300", &LIVE);
    let url = web.put("/grey.flv", Page::Bytes(clip));
    let stands = async |stream: &(String, String), decision: &str, state: &str, code: Option<&str>| {
        until(state, async || {
            let view = show(&front, stream).await;
            let pull = &view["pull"];
            let told = (&view["decision"], &pull["state"], pull["trouble"]["code"].as_str());
            if told == (&decision.into(), &state.into(), code) { Ok(()) } else { Err(view) }
        })
        .await;
    };
    let first = process(&site, &key, "streams", "first").await;
    let one = open(&front, json!({ "source": url })).await;
    stands(&one, "pass", "reading", None).await;
    let two = open(&front, json!({ "source": url })).await;
    stands(&two, "warn", "waiting", Some("source.no_place")).await;
    let second = process(&site, &key, "streams", "second").await;
    stands(&two, "pass", "reading", None).await;
    let three = open(&front, json!({ "source": url })).await;
    stands(&three, "warn", "waiting", Some("source.no_place")).await;
    let told = |message: &str| {
        [&first, &second].map(|server| {
            let events = server.events();
            events.iter().filter(|e| e["message"] == message && e["stream.id"] == three.0.as_str()).count()
        })
    };
    let waits = async || {
        let view = show(&front, &three).await;
        assert_eq!((&view["open"], &view["reason"]), (&true.into(), &"unwatched".into()), "{view}");
    };
    until("both have tried", async || {
        waits().await;
        let tried = told("a source has no place here");
        if tried.iter().all(|times| *times > 0) { Ok(()) } else { Err(tried) }
    })
    .await;
    // By now it has waited for longer than a source may fail. Each process looks once a second for what nobody watches.
    let taken = told("a stream is watched");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        waits().await;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(told("a stream is watched"), taken, "nobody takes it again");
    first.kill().await;
    stands(&one, "warn", "waiting", Some("source.no_place")).await;
    let closed = front.client.delete(format!("{}/v1/streams/{}", front.url, two.0)).bearer_auth(&key);
    assert_eq!(closed.send().await.unwrap().status(), 204);
    until("one of them is fetched", async || {
        let (one, three) = (show(&front, &one).await, show(&front, &three).await);
        if one["decision"] == "pass" || three["decision"] == "pass" { Ok(()) } else { Err((one, three)) }
    })
    .await;
    second.kill().await;
}
