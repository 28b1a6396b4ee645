//! The kill hook.

use crate::{common::eventually, world::World};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
};
use lazaret::streams::{Kill, kill::Hook};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

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
    assert_eq!(calls.len(), 2, "once a cut");
}
