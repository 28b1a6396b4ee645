//! Verdicts, as a tenant's webhook is told them.

use crate::{samples, server::Server, site::Site, wait::until};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Calls = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A tenant's server; its first answer to anybody is 500.
async fn receiver() -> (SocketAddr, Calls) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, calls) = (listener.local_addr().unwrap(), Calls::default());
    let kept = Arc::clone(&calls);
    let answer = move |headers: HeaderMap, body: Bytes| async move {
        let mut calls = kept.lock().unwrap();
        calls.push((headers, body));
        if calls.len() == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (address, calls)
}

#[tokio::test]
async fn a_webhook_is_told_the_verdict_signed_and_again_until_it_takes_it() {
    let (address, calls) = receiver().await;
    let site = Site::new(&format!(
        "[events]\nallow_private = true\n[[events.webhooks]]\nname = \"shop\"\ntenant = \"acme\"\n\
         url = \"http://{address}/hook\"\nsecrets = [\"{SECRET}\"]"
    ));
    let server = Server::ready(&site).await;
    let upload = server.verdict_on("a.txt", &samples::text(1)).await;
    // Another tenant's is none of its business.
    let other = site.key("other").await;
    let sent = server.client.post(format!("{}/v1/uploads", server.url)).bearer_auth(&other);
    crate::upload::accepted(sent.body(samples::text(2)).send().await.unwrap()).await;
    let told = until("it is called until it takes the event", async || {
        let calls = calls.lock().unwrap().clone();
        if calls.len() >= 2 { Ok(calls) } else { Err(calls.len()) }
    })
    .await;
    let verifier = standardwebhooks::Webhook::new(SECRET).unwrap();
    for (headers, body) in &told {
        verifier.verify(body, headers).unwrap();
        let event: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&event["type"], &event["subject"]),
            (&"io.lazaret.upload.published.v1".into(), &upload["id"])
        );
        assert_eq!(event["id"], headers["webhook-id"].to_str().unwrap());
        assert_eq!(event["data"]["verdict_digest"].as_str().unwrap().len(), 64);
    }
    assert_eq!(told[0].0["webhook-id"], told[1].0["webhook-id"]);
}
