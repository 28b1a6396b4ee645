//! From frames to decisions, events and what a moderator gets.

use crate::{
    common::eventually,
    world::{World, frame},
};
use futures_util::StreamExt;
use lazaret::{
    ports::{blobs::Zone, streams::EpisodeState},
    streams::Kill,
    upload::{Because, KnownBad, Standing},
};
use sha2::{Digest, Sha256};
use std::{io::Read, time::Duration};

fn is(decision: &str, reason: &str) -> (String, String) {
    (decision.to_owned(), reason.to_owned())
}

#[tokio::test]
async fn frames_warn_cut_and_clear_and_every_change_is_an_event() {
    let world = World::start().await;
    let stream = world.open().await;
    assert_eq!(stream.stands().await, is("warn", "unwatched"), "before the first frame");
    assert_eq!(stream.decision("0.1").await, "pass");
    assert_eq!(stream.decision("0.9").await, "pass", "one stray frame");
    assert_eq!(stream.decision("0.1").await, "pass");
    assert_eq!(stream.decision("0.5").await, "warn");
    assert_eq!(stream.decision("0.8").await, "warn");
    assert_eq!(stream.decision("0.8").await, "cut");
    assert_eq!(stream.stands().await, is("cut", "bad"));
    for _ in 0..2 {
        assert_eq!(stream.decision("0.1").await, "cut");
    }
    assert_eq!(stream.decision("0.1").await, "pass");
    assert_eq!(stream.decision("0.995").await, "cut", "one that is beyond doubt");
    assert_eq!(stream.stands().await, is("cut", "certain"));
    eventually("all of it is told", async || world.told().await.len() == 5).await;
    let expected = ["stream.cleared", "stream.warned", "stream.cut", "stream.cleared", "stream.cut"];
    assert_eq!(world.told().await, expected);
    assert_eq!(world.store().audit_verify().await.unwrap(), Ok(6 + 1), "and on record");
}

#[tokio::test]
async fn an_episode_is_one_item_with_its_frames_and_they_are_never_delivered() {
    let world = World::start().await;
    let stream = world.open().await;
    for says in ["0.1", "0.45", "0.8", "0.9", "0.75"] {
        stream.judged(says).await;
    }
    let acme = "acme".parse().unwrap();
    let episodes = async || world.store().episodes(&acme, None, None, 10).await.unwrap();
    eventually("its frames are kept", async || {
        episodes().await.first().is_some_and(|episode| episode.evidence.len() == 4)
    })
    .await;
    let episode = episodes().await.remove(0);
    assert_eq!((episode.number, episode.state, episode.worst), (1, EpisodeState::Open, Standing::Cut));
    assert_eq!((episode.because, episode.scores["tiny.red"]), (Because::Bad, 0.9));
    let mut kept = Vec::new();
    for evidence in &episode.evidence {
        let mut bytes = Vec::new();
        let file = world.app.api.blobs.open(Zone::Held, &evidence.key).await.unwrap();
        file.expect("the frame itself").read_to_end(&mut bytes).unwrap();
        kept.push(bytes);
        assert!(world.app.api.blobs.open(Zone::Published, &evidence.key).await.unwrap().is_none());
    }
    assert_eq!(kept, ["0.45", "0.8", "0.9", "0.75"].map(frame), "those that led to it, too");

    for _ in 0..3 {
        stream.judged("0.1").await;
    }
    eventually("it is over", async || episodes().await[0].state == EpisodeState::InReview).await;
    // What flaps goes on with it.
    for says in ["0.9", "0.9"] {
        stream.judged(says).await;
    }
    eventually("it goes on, with its frames", async || {
        let episode = episodes().await.remove(0);
        episode.state == EpisodeState::Open && episode.evidence.iter().any(|kept| kept.sequence == 9)
    })
    .await;
    assert_eq!(episodes().await.len(), 1);
    assert_eq!(world.app.delete(&stream.path("")).send().await.unwrap().status(), 204);
    let ended = episodes().await.remove(0);
    assert_eq!(ended.state, EpisodeState::InReview, "it ends with its stream");
    // A sweep as at a start: what episodes name stays, what nobody names goes.
    let stray = format!("{}/1-9-9", stream.id);
    let spool = world.app.api.blobs.spool().await.unwrap();
    world.app.api.blobs.put(Zone::Held, &stray, &spool).await.unwrap();
    let (store, blobs) = (&*world.app.api.store, &*world.app.api.blobs);
    assert_eq!(lazaret::pipeline::sweep(store, blobs, lazaret::pipeline::Company::Alone).await.unwrap(), 1);
    for evidence in &ended.evidence {
        assert!(blobs.open(Zone::Held, &evidence.key).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_stream_whose_frames_stop_is_unwatched() {
    let world = World::start().await;
    let stream = world.open().await;
    assert_eq!(stream.decision("0.1").await, "pass");
    world.clock().advance(Duration::from_secs(5));
    assert_eq!(stream.stands().await, is("pass", "clean"), "not before its deadline");
    world.clock().advance(Duration::from_secs(1));
    eventually("it is told", async || world.told().await == ["stream.cleared", "stream.warned"]).await;
    assert_eq!(stream.stands().await, is("warn", "unwatched"));
    let acme = "acme".parse().unwrap();
    assert!(world.store().episodes(&acme, None, None, 9).await.unwrap().is_empty(), "nothing was seen");
    assert_eq!(stream.decision("0.1").await, "pass", "and watched again");
}

#[tokio::test]
async fn followers_hear_of_each_change_and_of_the_end() {
    let world = World::start().await;
    let stream = world.open().await;
    let follow = world.app.client.get(world.app.url(&stream.path("")));
    let follow = follow.bearer_auth(&stream.key).header("accept", "text/event-stream");
    let answer = follow.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut events = answer.bytes_stream();
    let mut text = String::new();
    let mut hear = async |what: &str| {
        while !text.contains(what) {
            let more = tokio::time::timeout(Duration::from_secs(30), events.next()).await.unwrap();
            let Some(more) = more else { return false };
            text.push_str(std::str::from_utf8(&more.unwrap()).unwrap());
        }
        true
    };
    assert!(hear(r#""decision":"warn","reason":"unwatched""#).await);
    stream.judged("0.1").await;
    assert!(hear(r#""decision":"pass""#).await);
    stream.judged("0.995").await;
    assert!(hear(r#""decision":"cut","reason":"certain""#).await);
    world.app.delete(&stream.path("")).send().await.unwrap();
    assert!(hear(r#""open":false"#).await);
    assert!(!hear("nothing more").await, "it ends");
}

/// What is worse is shown although it cannot be written, and better only once it is.
#[tokio::test]
async fn a_store_that_fails_holds_back_no_cut_and_gives_no_pass() {
    let world = World::start().await;
    let stream = world.open().await;
    assert_eq!(stream.decision("0.1").await, "pass");
    let live = world.hub.live(stream.stream()).await.unwrap().unwrap();
    let path = world.app.folder.path().join("lazaret.db");
    // On a thread of its own, or it would wait for a transaction that waits for this one.
    let sql = async |text: &'static str| {
        let path = path.clone();
        let run = move || rusqlite::Connection::open(path).unwrap().execute_batch(text).unwrap();
        tokio::task::spawn_blocking(run).await.unwrap();
    };
    sql("CREATE TRIGGER broken BEFORE UPDATE ON streams BEGIN SELECT RAISE(ABORT, 'told to fail'); END")
        .await;
    assert_eq!(stream.decision("0.995").await, "cut");
    for _ in 0..4 {
        assert_eq!(stream.decision("0.1").await, "cut");
    }
    assert_eq!(world.told().await, ["stream.cleared"], "of the beginning");
    sql("DROP TRIGGER broken").await;
    eventually("it is written", async || live.shown().state.standing == Standing::Pass).await;
    assert_eq!(world.told().await, ["stream.cleared", "stream.cut", "stream.cleared"], "the cut, too");
}

/// Settings were changed since it was opened: its tenant's rules hold.
#[tokio::test]
async fn a_stream_whose_own_rules_are_no_good_any_more_is_watched_all_the_same() {
    let world = World::start().await;
    let stream = world.open().await;
    let (path, id) = (world.app.folder.path().join("lazaret.db"), stream.id.clone());
    let spoil = move || {
        let store = rusqlite::Connection::open(path).unwrap();
        let sql = r#"UPDATE streams SET tuning = '{"hits":1}' WHERE id = ?1"#;
        assert_eq!(store.execute(sql, [id]).unwrap(), 1);
    };
    tokio::task::spawn_blocking(spoil).await.unwrap();
    assert_eq!(stream.judged("0.1").await, ("judged".into(), "pass".into(), "clean".into()));
}

/// By its bytes alone, whatever a judge would say; for the tenant whose list it is on.
#[tokio::test]
async fn a_frame_that_is_known_to_be_bad_cuts_at_once() {
    let hex = lazaret::hex(&Sha256::digest(frame("0.01")));
    for (tenant, decision) in [("acme", "cut"), ("globex", "pass")] {
        let mut known = KnownBad::default();
        known.add(Some(&tenant.parse().unwrap()), &hex).unwrap();
        let world = World::start_knowing(Kill::default(), known).await;
        let stream = world.open().await;
        assert_eq!(stream.decision("0.02").await, "pass");
        assert_eq!(stream.decision("0.01").await, decision);
        if decision == "cut" {
            assert_eq!(stream.stands().await, is("cut", "certain"));
            assert_eq!(*world.judge.seen.lock().unwrap(), ["0.02"], "nobody had to look at it");
            let (tenant, state) = ("acme".parse().unwrap(), None);
            eventually("it is kept", async || {
                let all = world.store().episodes(&tenant, state, None, 9).await.unwrap();
                all.iter().any(|episode| episode.scores.contains_key("hash.known_bad"))
            })
            .await;
        }
    }
}
