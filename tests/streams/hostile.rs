//! What a publisher may send that is no good, each with a clear outcome; the decoders' part is in `end_to_end`.

use crate::{
    common::{assert_problem, eventually, json},
    world::{World, frame, numbered},
};
use std::time::Duration;

#[tokio::test]
async fn what_is_no_frame_is_refused_counted_and_never_clean() {
    let world = World::start().await;
    let stream = world.open().await;
    let cases = [
        ("zero-length", Vec::new()),
        ("garbage", b"no picture at all".to_vec()),
        ("a header cut short", b"LZF1\0\0".to_vec()),
        ("a header alone", numbered(1, 1, "")[..32].to_vec()),
        ("another format", b"GIF89a".to_vec()),
    ];
    let count = cases.len();
    for (case, bytes) in cases {
        assert_problem(stream.send(bytes).await, 400, "frame.malformed", case).await;
    }
    let large = [frame("0.1"), vec![0; 2 << 20]].concat();
    assert_problem(stream.send(large).await, 413, "frame.too_large", "large").await;
    for says in ["broken", "blind"] {
        let outcome = json(stream.send(frame(says)).await).await;
        assert_eq!((&outcome["outcome"], &outcome["decision"]), (&"failed".into(), &"warn".into()), "{says}");
        assert!(outcome["why"].as_str().unwrap().contains("told to be"), "{outcome}");
    }
    let view = stream.show().await;
    assert_eq!((&view["counts"]["failed"], &view["counts"]["judged"]), (&(count + 3).into(), &0.into()));
    assert_eq!((&view["decision"], &view["reason"]), (&"warn".into(), &"unwatched".into()));
}

/// Frames that nobody can judge do not keep a stream passing, however many come.
#[tokio::test]
async fn a_stream_of_spoiled_frames_is_unwatched_after_its_deadline() {
    let world = World::start().await;
    let stream = world.open().await;
    assert_eq!(stream.decision("0.1").await, "pass");
    for _ in 0..6 {
        assert_eq!(stream.judged("broken").await.0, "failed");
        world.clock().advance(Duration::from_secs(1));
    }
    eventually("it is warned", async || stream.stands().await.1 == "unwatched").await;
    // And one that is cut stays cut.
    stream.judged("0.995").await;
    for _ in 0..10 {
        assert_eq!(stream.judged("broken").await.1, "cut");
    }
    world.clock().advance(Duration::from_secs(60));
    assert_eq!(stream.judged("broken").await.1, "cut");
}

#[tokio::test]
async fn numbers_and_times_are_the_publishers_word_and_change_no_decision() {
    let world = World::start().await;
    let stream = world.open().await;
    let day = 86_400_000;
    let now = stream.now().as_millisecond();
    let send =
        async |sequence, captured, says| json(stream.send(numbered(sequence, captured, says)).await).await;
    assert_eq!(send(10, now, "0.1").await["outcome"], "judged");
    // Backward, and the same again.
    for sequence in [9, 10, 3] {
        let late = send(sequence, now, "0.1").await;
        assert_eq!((&late["outcome"], &late["sequence"]), (&"late".into(), &sequence.into()));
    }
    // Times of yesterday, tomorrow and no calendar, and a gap.
    for (n, captured) in [(11, now - day), (12, now + 10 * day), (13, i64::MIN), (20, i64::MAX)] {
        assert_eq!(send(n, captured, "0.1").await["outcome"], "judged", "{captured}");
    }
    let view = stream.show().await;
    assert_eq!((&view["counts"]["late"], &view["counts"]["lost"]), (&3.into(), &6.into()));
    // What is cut is not cleared by claiming that hours have passed.
    let calm = serde_json::json!({ "tuning": { "labels": [{ "label": "red", "near": 0.4, "bad": 0.7, "certain": 0.9 }],
        "window": 3, "hits": 2, "calm": "5s", "fastest": "0s", "slowest": "0s" } });
    let stream = world.open_with(calm).await;
    let send = async |sequence, captured, says| {
        json(stream.send(numbered(sequence, captured, says)).await).await["decision"].clone()
    };
    assert_eq!(send(1, now, "0.95").await, "cut");
    for n in 2..20 {
        assert_eq!(send(n, now + i64::try_from(n).unwrap() * 3_600_000, "0.1").await, "cut");
    }
    world.clock().advance(Duration::from_secs(5));
    assert_eq!(send(20, now, "0.1").await, "pass", "by the service's own clock");
}

/// Regression: the few frames that could be judged kept a stream passing, and the rest were only counted.
#[tokio::test]
async fn a_stream_most_of_whose_frames_are_spoiled_does_not_pass_on_the_few_that_are_not() {
    let world = World::start().await;
    let stream = world.open().await;
    let is = |decision: &str, reason: &str| (decision.to_owned(), reason.to_owned());
    let stands = async |says| {
        let (_, decision, reason) = stream.judged(says).await;
        (decision, reason)
    };
    // Of three looks one may fail, two may not.
    assert_eq!(stands("0.1").await, is("pass", "clean"));
    assert_eq!(stands("broken").await, is("pass", "clean"));
    assert_eq!(stands("broken").await, is("warn", "undecodable"));
    for _ in 0..4 {
        assert_eq!(stands("0.1").await, is("warn", "undecodable"));
        assert_eq!(stands("broken").await, is("warn", "undecodable"));
    }
    for expected in ["warn", "warn", "pass"] {
        assert_eq!(stream.decision("0.1").await, expected);
    }
    // What is no frame at all counts with the next one that is, whether it is posted or comes on a socket.
    let mut socket = stream.socket().await;
    for n in 0..3 {
        socket.send(b"no picture".to_vec()).await;
        assert!(socket.next_of("error").await["why"].is_string(), "{n}");
        assert_problem(stream.send(b"no picture".to_vec()).await, 400, "frame.malformed", "posted").await;
    }
    assert_eq!(stands("0.1").await, is("warn", "undecodable"));
    eventually("it is told", async || world.told().await.last().is_some_and(|kind| kind == "stream.warned"))
        .await;
    let said = world.store().outbox(0, 100).await.unwrap();
    let said: serde_json::Value = serde_json::from_str(&said.last().unwrap().body).unwrap();
    assert_eq!((&said["reason"], &said["sequence"]), (&"undecodable".into(), &serde_json::Value::Null));
    assert_eq!(world.store().episode(stream.stream(), 1).await.unwrap(), None, "nobody saw anything");
    // An engine's trouble is not the publisher's.
    let stream = world.open().await;
    assert_eq!(stream.decision("0.1").await, "pass");
    stream.judged("blind").await;
    stream.judged("blind").await;
    assert_eq!(stream.judged("0.1").await.2, "unwatched");
}
