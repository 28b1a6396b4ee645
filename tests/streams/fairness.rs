//! More frames than can be judged.

use crate::{
    common::eventually,
    world::{Socket, World, frame},
};

/// Waits until the judge has as many frames.
async fn seen(world: &World, count: usize) {
    eventually("the judge has them", async || world.judge.seen.lock().unwrap().len() == count).await;
}

#[tokio::test]
async fn the_newest_frame_is_judged_and_skipped_ones_are_counted_and_never_clean() {
    let world = World::start().await;
    let stream = world.open().await;
    let mut socket = stream.socket().await;
    socket.send(frame("held 0.995")).await;
    seen(&world, 1).await;
    for n in 0..10 {
        socket.send(frame(&format!("0.0{n}"))).await;
    }
    // All have come once nine of them made room for a newer one.
    eventually("they are skipped", async || stream.show().await["counts"]["skipped"] == 9).await;
    assert_eq!(stream.stands().await.1, "unwatched");
    world.judge.gate.add_permits(1);
    let first = socket.next_of("frame").await;
    assert_eq!((&first["decision"], &first["counts"]["skipped"]), (&"cut".into(), &9.into()));
    let second = socket.next_of("frame").await;
    assert_eq!((&second["sequence"], &second["decision"]), (&10.into(), &"cut".into()));
    assert_eq!(*world.judge.seen.lock().unwrap(), ["held 0.995", "0.09"]);
    // Nine that nobody saw and one clean one are one clean one.
    assert_eq!(stream.decision("0.1").await, "cut");
    assert_eq!(stream.decision("0.1").await, "pass");
}

/// Two places: a stream that floods holds one frame at a time, and others come to their turn.
#[tokio::test]
async fn each_stream_has_its_share() {
    let world = World::start().await;
    let (flood, other, third) = (world.open().await, world.open().await, world.open().await);
    let mut flooding = flood.socket().await;
    for _ in 0..50 {
        flooding.send(frame("held 0.1")).await;
    }
    let mut sockets: Vec<Socket> = vec![other.socket().await, third.socket().await];
    for socket in &mut sockets {
        socket.send(frame("held 0.2")).await;
    }
    // Both places are taken; the one that floods has but one of them.
    seen(&world, 2).await;
    for let_go in 3..=4 {
        world.judge.gate.add_permits(1);
        seen(&world, let_go).await;
    }
    world.judge.gate.add_permits(100);
    for socket in &mut sockets {
        assert_eq!(socket.next_of("frame").await["outcome"], "judged");
    }
    let seen = world.judge.seen.lock().unwrap().clone();
    assert!(seen[..4].iter().filter(|says| *says == "held 0.2").count() == 2, "{seen:?}");
}

#[tokio::test]
async fn frames_that_come_too_soon_are_skipped_and_the_answer_says_when_the_next_is_wanted() {
    let world = World::start().await;
    let slow = serde_json::json!({ "tuning": { "labels": [{ "label": "red", "near": 0.4, "bad": 0.7 }],
        "deadline": "20m", "fastest": "10m", "slowest": "10m" } });
    let stream = world.open_with(slow).await;
    let mut socket = stream.socket().await;
    socket.send(frame("0.1")).await;
    let first = socket.next_of("frame").await;
    let wanted = first["next_in_ms"].as_u64().unwrap();
    assert!((590_000..=600_000).contains(&wanted), "{first}");
    for _ in 0..5 {
        socket.send(frame("0.1")).await;
    }
    eventually("they are skipped", async || stream.show().await["counts"]["skipped"] == 4).await;
    assert_eq!(world.judge.seen.lock().unwrap().len(), 1);
}

/// Regression: while a frame was judged, that nobody watched was told only once it was.
#[tokio::test]
async fn a_frame_that_takes_its_time_holds_up_nothing_that_is_to_be_told() {
    let world = World::start().await;
    let stream = world.open().await;
    assert_eq!(stream.decision("0.1").await, "pass");
    let mut socket = stream.socket().await;
    socket.send(frame("held 0.1")).await;
    seen(&world, 2).await;
    world.clock().advance(std::time::Duration::from_secs(6));
    eventually("it is told", async || world.told().await == ["stream.cleared", "stream.warned"]).await;
    assert_eq!(stream.stands().await.1, "unwatched");
    world.judge.gate.add_permits(1);
    // It came before nobody watched: of now it says nothing.
    let late = socket.next_of("frame").await;
    assert_eq!((&late["outcome"], &late["decision"]), (&"judged".into(), &"warn".into()));
    assert_eq!(stream.decision("0.1").await, "pass");
}
