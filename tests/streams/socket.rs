//! The WebSocket.

use crate::world::{Socket, World, frame, numbered};
use lazaret::ports::Clock;
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

#[tokio::test]
async fn decisions_come_on_the_same_socket() {
    let world = World::start().await;
    let stream = world.open().await;
    let mut socket = stream.socket().await;
    let hello = socket.next().await.unwrap();
    assert_eq!(
        (&hello["type"], &hello["decision"], &hello["reason"]),
        (&"state".into(), &"warn".into(), &"unwatched".into())
    );
    socket.send(numbered(7, 1, "0.25")).await;
    let judged = socket.next_of("frame").await;
    assert_eq!((&judged["sequence"], &judged["outcome"]), (&7.into(), &"judged".into()));
    assert_eq!((&judged["decision"], &judged["scores"]["tiny.red"]), (&"pass".into(), &0.25.into()));
    for bytes in [Vec::new(), b"garbage".to_vec()] {
        socket.send(bytes).await;
        assert!(!socket.next_of("error").await["why"].as_str().unwrap().is_empty());
    }
    socket.text("hello").await;
    assert!(socket.next_of("error").await["why"].as_str().unwrap().contains("binary"));
    socket.send(numbered(7, 1, "0.25")).await;
    assert_eq!(socket.next_of("frame").await["outcome"], "late");
    socket.send(frame("0.995")).await;
    assert_eq!(socket.next_of("frame").await["decision"], "cut");
    // Another connection has an order of its own.
    let mut second = stream.socket().await;
    assert_eq!(second.next().await.unwrap()["decision"], "cut");
    second.send(numbered(1, 1, "0.1")).await;
    assert_eq!(second.next_of("frame").await["outcome"], "judged");
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_the_connection_and_counts() {
    let world = World::start().await;
    let stream = world.open().await;
    for _ in 0..3 {
        assert_eq!(stream.decision("0.1").await, "pass");
    }
    let mut socket = stream.socket().await;
    socket.send_into_the_void(vec![0xff; (1 << 20) + 33]).await;
    let closed = ended(&mut socket).await;
    assert_eq!(u16::from(closed.code), 1009, "{closed:?}");
    assert!(closed.reason.contains("1048608 bytes"), "{closed:?}");
    socket.drained().await;
    // More than is read to its end.
    let mut socket = stream.socket().await;
    socket.send_into_the_void(vec![0xff; 4 << 20]).await;
    while socket.next().await.is_ok() {}
    let view = stream.show().await;
    assert_eq!(view["counts"]["failed"], 2, "{view}");
    assert_eq!(stream.decision("0.1").await, "pass", "and nothing else");
}

#[tokio::test]
async fn a_key_that_was_changed_or_ended_sends_no_more() {
    let world = World::start().await;
    let stream = world.open().await;
    let mut socket = stream.socket().await;
    socket.send(frame("0.1")).await;
    socket.next_of("frame").await;
    let rotated =
        world.app.post(&stream.path("/key")).json(&json!({ "expires_in": "1h" })).send().await.unwrap();
    let rotated = crate::common::json(rotated).await;
    let closed = loop {
        if let Err(closed) = socket.next().await {
            break closed.unwrap();
        }
    };
    assert_eq!(u16::from(closed.code), 4401, "{closed:?}");
    assert_eq!(stream.send(frame("0.1")).await.status(), 401, "the old key");
    let fresh = rotated["key"].as_str().unwrap();
    let url = world.app.url(&stream.path("/frames"));
    let send = async || {
        world.app.client.post(&url).bearer_auth(fresh).body(frame("0.1")).send().await.unwrap().status()
    };
    assert_eq!(send().await, 200);
    world.clock().advance(std::time::Duration::from_secs(3600));
    assert_eq!(send().await, 401, "it has ended");
}

#[tokio::test]
async fn the_end_of_a_stream_ends_its_connections() {
    let world = World::start().await;
    let stream = world.open().await;
    let mut socket = stream.socket().await;
    socket.next().await.unwrap();
    assert_eq!(world.app.delete(&stream.path("")).send().await.unwrap().status(), 204);
    let closed = socket.next().await.unwrap_err().unwrap();
    assert_eq!(u16::from(closed.code), 1012);
}

/// Without a reset, whoever closes, and whatever is on its way: a sender must learn how it ended.
#[tokio::test]
async fn connections_end_by_the_book() {
    let world = World::start().await;
    let stream = world.open().await;
    let mut leaving = stream.socket().await;
    leaving.send(frame("0.1")).await;
    leaving.next_of("frame").await;
    leaving.close().await;
    leaving.drained().await;
    let mut left = stream.socket().await;
    left.next().await.unwrap();
    assert_eq!(world.app.delete(&stream.path("")).send().await.unwrap().status(), 204);
    assert_eq!(u16::from(ended(&mut left).await.code), 1012);
    left.drained().await;
}

/// Nobody sends anything, and nobody tells the connection: it finds out by itself.
#[tokio::test]
async fn a_key_that_is_good_no_more_ends_what_it_opened() {
    let world = World::start().await;
    let stream = world.open_with(json!({ "key_expires_in": "10m" })).await;
    let revoked = world.app.key_with(&[lazaret::access::Scope::Stream]).await;
    let mut by_tenant = Socket::connect(&world, &stream.path("/frames"), &revoked).await;
    let mut other = Socket::connect(&world, &stream.path("/frames"), &world.app.key).await;
    let mut by_stream = stream.socket().await;
    for socket in [&mut by_tenant, &mut other, &mut by_stream] {
        socket.next().await.unwrap();
    }
    let follow = async |key: &str| {
        let asked = world.app.client.get(world.app.url(&stream.path(""))).bearer_auth(key);
        asked.header("accept", "text/event-stream").send().await.unwrap()
    };
    let (of_revoked, of_stream) = (follow(&revoked).await, follow(&stream.key).await);
    let id = lazaret::access::Presented::parse(&revoked).unwrap().id;
    assert!(world.store().revoke_key(&id, "test", world.clock().now()).await.unwrap());
    assert_eq!(u16::from(ended(&mut by_tenant).await.code), 4401);
    // Its events end, too: the body comes to its end.
    assert!(of_revoked.text().await.unwrap().contains("unwatched"));
    world.clock().advance(std::time::Duration::from_secs(600));
    assert_eq!(u16::from(ended(&mut by_stream).await.code), 4401);
    assert!(of_stream.text().await.unwrap().contains("unwatched"));
    other.send(frame("0.1")).await;
    assert_eq!(other.next_of("frame").await["outcome"], "judged", "a good one goes on");
}

async fn ended(socket: &mut Socket) -> CloseFrame {
    loop {
        if let Err(closed) = socket.next().await {
            return closed.unwrap();
        }
    }
}
