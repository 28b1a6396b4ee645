//! What is over: streams that were forgotten, and episodes that a person ruled on.

use crate::{
    common::eventually,
    world::{QUICK, World},
};
use lazaret::{
    ports::{Clock, streams::EpisodeState},
    streams::retention::{Erased, erase},
};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: u64 = 86_400;
const KEEP: Duration = Duration::from_secs(90 * DAY);

/// Opened, and nothing was ever sent to it: no process ever watched it.
#[tokio::test]
async fn a_stream_that_was_opened_and_forgotten_is_closed_and_then_erased() {
    let world = World::start().await;
    let tuning: Value = serde_json::from_str(QUICK).unwrap();
    let forgotten = world.open_with(json!({ "tuning": tuning, "key_expires_in": "1h" })).await;
    let mut goes_on = world.open_with(json!({ "tuning": tuning, "key_expires_in": "1h" })).await;
    let round =
        async || erase(&**world.store(), &*world.app.api.blobs, world.clock().now(), KEEP).await.unwrap();
    world.clock().advance(KEEP);
    assert_eq!(round().await, Erased::default(), "its key was good for an hour of them");
    assert_eq!(forgotten.show().await["open"], true);
    // A new key, and a frame by it.
    let anew =
        world.app.post(&goes_on.path("/key")).json(&json!({ "expires_in": "1h" })).send().await.unwrap();
    goes_on.key = crate::common::json(anew).await["key"].as_str().unwrap().to_owned();
    assert_eq!(goes_on.decision("0.1").await, "pass");
    world.clock().advance(Duration::from_secs(2 * 3600));
    assert_eq!(round().await, Erased { closed: 1, ..Erased::default() });
    let view = forgotten.show().await;
    assert_eq!((&view["open"], &view["decision"]), (&false.into(), &"warn".into()), "{view}");
    assert_eq!(goes_on.show().await["open"], true);
    let log = world.store().audit(0, 100).await.unwrap();
    let closed = log.iter().find(|line| line.action == "stream.closed").expect("it is on record");
    assert!(closed.subject == forgotten.id && closed.detail.contains("forgotten"), "{closed:?}");
    world.clock().advance(KEEP + Duration::from_secs(1));
    assert_eq!(round().await.streams, 1);
    let gone = world.app.get(&forgotten.path("")).send().await.unwrap();
    assert_eq!(gone.status(), 404);
}

/// Regression: what was seen on a stream that went bad again while somebody ruled on its last episode was kept nowhere.
#[tokio::test]
async fn what_is_seen_after_a_ruling_is_an_episode_of_its_own() {
    let world = World::start().await;
    let stream = world.open().await;
    for says in ["0.1", "0.995", "0.1", "0.1", "0.1"] {
        stream.judged(says).await;
    }
    let episode = async |number| world.store().episode(stream.stream(), number).await.unwrap();
    eventually("it is in review", async || {
        episode(1).await.is_some_and(|one| one.state == EpisodeState::InReview && one.evidence.len() == 1)
    })
    .await;
    let first = episode(1).await.unwrap();
    // Somebody rules after the watcher has read the episode and before it writes: as late as can be.
    let path = world.app.folder.path().join("lazaret.db");
    let rule = move || {
        let ruling = r#"{"said":"confirmed","note":"","by":"u1","at":"2026-11-20T12:00:00Z"}"#;
        let sql = format!(
            "CREATE TRIGGER person BEFORE UPDATE OF standing ON streams BEGIN UPDATE episodes SET state = 'ruled', \
             ruling = '{ruling}', ruled_by = 'u1', ruled_at = 1 WHERE state = 'in_review' AND number = 1; END"
        );
        rusqlite::Connection::open(path).unwrap().execute_batch(&sql).unwrap();
    };
    tokio::task::spawn_blocking(rule).await.unwrap();
    assert_eq!(stream.decision("0.996").await, "cut");
    eventually("it is an episode, with its frame", async || {
        episode(2).await.is_some_and(|own| own.evidence.len() == 1)
    })
    .await;
    let own = episode(2).await.unwrap();
    assert_eq!((own.state, own.scores["tiny.red"]), (EpisodeState::Open, 0.996));
    assert!(own.evidence[0].key.starts_with(&format!("{}/2-", stream.id)), "{:?}", own.evidence);
    let ruled = episode(1).await.unwrap();
    assert_eq!((ruled.state, &ruled.evidence), (EpisodeState::Ruled, &first.evidence));
    let told = world.store().outbox(0, 100).await.unwrap().pop().unwrap();
    let told: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!((&told["decision"], &told["episode"]), (&"cut".into(), &2.into()), "{told}");
}

/// Regression: a stream that the broker feeds is never left, and the episode of one that nobody feeds any more never ended.
#[tokio::test]
async fn the_episode_of_a_stream_that_nobody_feeds_any_more_is_over_and_the_stream_is_not_left() {
    let world = World::start().await;
    let stream = world.open().await;
    let (path, id) = (world.app.folder.path().join("lazaret.db"), stream.id.clone());
    let queue = move || {
        let store = rusqlite::Connection::open(path).unwrap();
        assert_eq!(store.execute("UPDATE streams SET queued = 1 WHERE id = ?1", [id]).unwrap(), 1);
    };
    tokio::task::spawn_blocking(queue).await.unwrap();
    assert_eq!(stream.decision("0.995").await, "cut");
    let episode = async || world.store().episode(stream.stream(), 1).await.unwrap();
    eventually("its frame is kept", async || episode().await.is_some_and(|one| one.evidence.len() == 1))
        .await;
    // What was judged last holds for a while.
    world.clock().advance(Duration::from_secs(6));
    // Half a minute, by the clock on the wall.
    eventually("it is over", async || episode().await.unwrap().state == EpisodeState::InReview).await;
    assert!(world.hub.here(stream.stream()).is_some(), "somebody listens on");
    assert_eq!(stream.decision("0.1").await, "cut", "as it was");
    assert_eq!(stream.decision("0.996").await, "cut");
    eventually("what is seen goes on with it", async || {
        let episode = episode().await.unwrap();
        episode.state == EpisodeState::Open && episode.evidence.len() == 2
    })
    .await;
}
