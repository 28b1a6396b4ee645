//! The kill hook.

use crate::{
    common::eventually,
    red::{RED, SETTINGS, jpeg, open, prepare},
    server::Server,
    site::Site,
    wait::until,
    world::{Open, World, frame, new_hub, options},
};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
};
use jiff::SignedDuration;
use lazaret::streams::{Frame, Kill, kill::Hook};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

type Calls = Arc<Mutex<Vec<(String, HeaderMap, Value)>>>;

/// Stands for MediaMTX; its first answer to anybody is 500.
async fn mediamtx() -> (String, Calls) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, calls) = (listener.local_addr().unwrap(), Calls::default());
    let kept = Arc::clone(&calls);
    let answer = move |request: Request| async move {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 16).await.unwrap();
        let mut calls = kept.lock().unwrap();
        calls.push((
            format!("{} {}", head.method, head.uri),
            head.headers,
            serde_json::from_slice(&body).unwrap_or_default(),
        ));
        if calls.len() == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (format!("http://{address}/v3/rtmpconns/kick/{{external_id}}"), calls)
}

#[tokio::test]
async fn a_cut_ends_the_stream_where_it_is_published() {
    let (url, calls) = mediamtx().await;
    let hook = |tenant: &str| Hook {
        tenant: tenant.parse().unwrap(),
        url: url.clone(),
        authorization: Some("Basic c2VjcmV0".parse().unwrap()),
    };
    let world = World::start_with(Kill::new([hook("acme")], true).unwrap()).await;
    let tuning: Value = serde_json::from_str(crate::world::QUICK).unwrap();
    let stream = world.open_with(json!({ "external_id": "conn/1", "tuning": tuning })).await;
    assert_eq!(stream.decision("0.1").await, "pass");
    assert!(calls.lock().unwrap().is_empty());
    assert_eq!(stream.decision("0.995").await, "cut");
    eventually("it is called until it is done", async || calls.lock().unwrap().len() == 2).await;
    stream.judged("0.995").await;
    let calls = calls.lock().unwrap().clone();
    for (request, headers, said) in &calls {
        assert_eq!(request, "POST /v3/rtmpconns/kick/conn%2F1");
        assert_eq!(headers["authorization"], "Basic c2VjcmV0");
        assert_eq!((&said["id"], &said["reason"]), (&stream.id.as_str().into(), &"certain".into()));
    }
    assert_eq!(calls.len(), 2, "once, until it has gone on for a while");
}

/// Its watcher, whose watches last so long, has looked at the time that it is now.
async fn looked(world: &World, stream: &Open<'_>, term: SignedDuration) {
    let until = stream.now() + term;
    eventually("its watcher looks at the time", async || {
        world.store().stream(stream.stream()).await.unwrap().unwrap().held_until == Some(until)
    })
    .await;
}

fn fine(address: SocketAddr) -> Kill {
    let url = format!("http://{address}/fine/{{id}}");
    Kill::new([Hook { tenant: "acme".parse().unwrap(), url, authorization: None }], true).unwrap()
}

/// Regression: a publisher who came back while it was cut still was never ended again.
#[tokio::test]
async fn a_stream_that_is_cut_and_goes_on_is_ended_again_after_a_while() {
    let (address, calls) = hooks().await;
    let world = World::start_with(fine(address)).await;
    let (stream, hour) = (world.open().await, SignedDuration::from_hours(1));
    let called = || calls.lock().unwrap().len();
    assert_eq!(stream.decision("0.995").await, "cut");
    eventually("it is ended", async || called() == 1).await;
    for step in [10, 10, 9] {
        world.clock().advance(Duration::from_secs(step));
        assert_eq!(stream.decision("0.995").await, "cut");
    }
    looked(&world, &stream, hour).await;
    assert_eq!(called(), 1, "its publisher has not gone yet");
    world.clock().advance(Duration::from_secs(1));
    looked(&world, &stream, hour).await;
    assert_eq!(called(), 1, "nobody sends any more");
    eventually("its publisher came back", async || stream.decision("0.995").await == "cut" && called() == 2)
        .await;
    let paths = calls.lock().unwrap().clone();
    assert_eq!(paths, [format!("fine/{}", stream.id), format!("fine/{}", stream.id)]);
}

/// Regression: a cut whose process died was called out by nobody.
#[tokio::test]
async fn who_takes_over_what_is_cut_ends_it_at_its_first_frame() {
    let (address, calls) = hooks().await;
    // Of the first process nobody hears.
    let world = World::start().await;
    let stream = world.open().await;
    assert_eq!(stream.decision("0.995").await, "cut");
    world.hub.drain(Duration::from_secs(10)).await;
    let two = new_hub(&world.app.api, world.judge.clone(), fine(address), options("two"));
    let live = two.live(stream.stream()).await.unwrap().expect("it was left");
    world.clock().advance(Duration::from_secs(1));
    looked(&world, &stream, SignedDuration::from_secs(5)).await;
    assert!(calls.lock().unwrap().is_empty(), "nobody sends");
    let (reply, _outcome) = tokio::sync::mpsc::unbounded_channel();
    live.post(Frame::read(frame("0.1").into()).unwrap(), stream.now(), reply);
    eventually("it is ended", async || calls.lock().unwrap().len() == 1).await;
    two.drain(Duration::from_secs(10)).await;
}

const FAILED: &str = "a stream that was cut could not be ended by its hook";

/// Answers by the first part of the path; that and more is kept of each call.
async fn hooks() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, calls) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let kept = Arc::clone(&calls);
    let answer = move |request: Request| async move {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        kept.lock().unwrap().push(path.clone());
        match path.split('/').next() {
            Some("gone") => StatusCode::NOT_FOUND,
            Some("broken") => StatusCode::INTERNAL_SERVER_ERROR,
            Some("silent") => std::future::pending().await,
            _ => StatusCode::OK,
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (address, calls)
}

/// The real executable with these settings of streams, and a stream of it that was cut.
async fn cut(settings: &str) -> (Site, Server, String) {
    let site = Site::new(&format!("{SETTINGS}{settings}"));
    site.hold_clamd_down();
    let key = prepare(&site).await;
    let server = Server::start_with(&site, &key).await;
    let (id, secret) = open(&server, json!({})).await;
    let mut sequence = 0;
    until("it is cut", async || {
        sequence += 1;
        let sent = server.client.post(format!("{}/v1/streams/{id}/frames", server.url));
        let outcome: Value =
            sent.bearer_auth(&secret).body(jpeg(sequence, RED)).send().await.unwrap().json().await.unwrap();
        if outcome["decision"] == "cut" { Ok(()) } else { Err(outcome) }
    })
    .await;
    (site, server, id)
}

/// Each hook has its own answer, and none waits for another: all that can be done is done, and told where it was in vain.
#[tokio::test]
async fn a_hook_that_fails_is_tried_and_told_and_holds_up_no_other() {
    let (address, calls) = hooks().await;
    let hook = |path: &str| format!("{{ tenant = \"acme\", url = \"http://{address}/{path}/{{id}}\" }}");
    // Names that lead to this machine are another matter.
    let kill = ["gone", "broken", "silent", "fine"].map(hook).join(", ");
    let (_site, server, id) = cut(&format!("allow_private = true\nkill = [{kill}]\n")).await;
    let count = |path: &str| calls.lock().unwrap().iter().filter(|call| call.starts_with(path)).count();
    let failures = || {
        let events = server.events();
        let told = events.iter().filter(|event| event["message"] == FAILED);
        told.map(|event| event.to_string()).collect::<Vec<_>>()
    };
    until("it is told of those that failed", async || {
        let told = failures();
        if told.len() == 2 { Ok(()) } else { Err(format!("{told:?} {:?}", calls.lock().unwrap())) }
    })
    .await;
    let told = failures();
    assert!(told.iter().all(|line| line.contains(&id)), "{told:?}");
    assert!(told.iter().any(|line| line.contains("it answered 500")), "{told:?}");
    // One that is gone is done with, as there is nobody left to end.
    assert_eq!(["gone", "broken", "silent", "fine"].map(count), [1, 4, 4, 1]);
    let all = calls.lock().unwrap().clone();
    let first = |path: &str| all.iter().position(|call| call.starts_with(path)).unwrap();
    let again = all.iter().rposition(|call| call.starts_with("silent")).unwrap();
    assert!(first("fine") < again, "{all:?}");
    server.kill().await;
}

/// A name that leads to a private address, unless that is permitted: nobody is asked, and that is told.
#[tokio::test]
async fn a_hooks_name_that_leads_inside_is_not_called_unless_that_is_permitted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = format!("kill = [{{ tenant = \"acme\", url = \"https://localhost:{port}/{{id}}\" }}]\n");
    let (_site, server, id) = cut(&settings).await;
    let told = until("it is told", async || {
        let events = server.events();
        let told = events.iter().find(|event| event["message"] == FAILED);
        told.map(Value::to_string).ok_or("nothing")
    })
    .await;
    assert!(told.contains(&id) && !told.contains("localhost"), "{told}");
    let came = tokio::time::timeout(Duration::from_millis(10), listener.accept()).await;
    assert!(came.is_err(), "somebody came");
    server.kill().await;
    // The same name, permitted.
    let (_site, server, _) = cut(&format!("allow_private = true\n{settings}")).await;
    let called = until("somebody comes", async || {
        tokio::time::timeout(Duration::from_millis(20), listener.accept()).await.map_err(|_| ())
    });
    called.await.unwrap();
    server.kill().await;
}
