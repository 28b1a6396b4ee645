//! Direct uploads over HTTP: announced, put by a client that knows nothing of S3, completed.

use crate::{
    common::{TestApp, assert_problem, json},
    place::{Place, noise},
};
use axum::http::header;
use lazaret::{access::Scopes, intake::direct::sweep, upload::UploadId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

const TERM: Duration = Duration::from_secs(3600);

async fn announce(app: &TestApp, body: Value) -> reqwest::Response {
    app.post("/v1/uploads/direct").json(&body).send().await.unwrap()
}

async fn announced(app: &TestApp, size: usize) -> Value {
    let response = announce(app, json!({"filename": "a.bin", "size": size})).await;
    assert_eq!(response.status(), 201);
    json(response).await
}

/// 403 too where the server hangs up on a body before it has come: it refuses by the head alone.
async fn put(awaited: &Value, bytes: Vec<u8>) -> reqwest::StatusCode {
    let url = awaited["url"].as_str().unwrap();
    let mut put = reqwest::Client::new().put(url);
    for (name, value) in awaited["headers"].as_object().unwrap() {
        if name != header::CONTENT_LENGTH.as_str() {
            put = put.header(name, value.as_str().unwrap());
        }
    }
    match put.body(bytes).send().await {
        Ok(answer) => answer.status(),
        Err(error) if error.is_request() && !error.is_connect() => reqwest::StatusCode::FORBIDDEN,
        Err(error) => panic!("{error}"),
    }
}

async fn complete(app: &TestApp, id: &str) -> reqwest::Response {
    app.post(&format!("/v1/uploads/{id}/complete")).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_announcement_to_the_held_zone() {
    let place = Place::new().await;
    let app = place.app(None, |_| {}).await;
    let bytes = noise(9 << 20);
    let body =
        json!({"filename": "a.bin", "media_type": "image/png", "size": bytes.len(), "external_id": "mine"});
    let awaited = json(announce(&app, body.clone()).await).await;
    let id = awaited["id"].as_str().unwrap();
    assert_eq!(awaited["state"], "awaiting");
    assert_eq!(awaited["expires_at"], "2026-11-20T13:00:00Z");
    assert_eq!(app.api.store.oldest().await.unwrap(), None, "nothing to scan yet");
    assert_problem(complete(&app, id).await, 409, "upload.not_put", "before it is put").await;

    assert_eq!(put(&awaited, bytes[1..].to_vec()).await, 403, "a byte less than announced");
    assert_problem(complete(&app, id).await, 409, "upload.not_put", "what was refused is not there").await;
    assert_eq!(put(&awaited, bytes.clone()).await, 200);
    for time in ["first", "again"] {
        let response = complete(&app, id).await;
        assert_eq!(response.status(), 202, "{time}");
        assert_eq!(json(response).await, json!({"id": id, "state": "received"}), "{time}");
    }
    assert_eq!(place.objects(), [(format!("held/{id}"), bytes.len() as u64)], "incoming is forgotten");
    let shown = json(app.get(&format!("/v1/uploads/{id}")).send().await.unwrap()).await;
    assert_eq!(shown["sha256"], lazaret::hex(&Sha256::digest(&bytes)));
    assert_eq!((&shown["state"], &shown["size"]), (&json!("received"), &json!(bytes.len())));
    assert!(app.api.store.oldest().await.unwrap().is_some());

    let repeat = announce(&app, body).await;
    assert_eq!(repeat.headers()["idempotent-replay"], "true");
    let repeat = json(repeat).await;
    assert_eq!(
        (&repeat["id"], &repeat["state"], &repeat["url"]),
        (&json!(id), &json!("received"), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_refused() {
    let place = Place::new().await;
    let app = place.app(None, |_| {}).await;
    let cases = [
        (json!({"size": 0}), 400, "upload.empty"),
        (json!({"size": (64 << 20) + 1}), 413, "upload.too_large"),
        (json!({"filename": "a"}), 400, "body.malformed"),
        (json!({"size": 1, "colour": "red"}), 400, "body.malformed"),
        (json!({"size": 1, "media_type": "x\ny"}), 400, "body.malformed"),
        (json!({"size": 1, "external_id": ""}), 400, "body.malformed"),
    ];
    for (body, status, code) in cases {
        assert_problem(announce(&app, body.clone()).await, status, code, &body.to_string()).await;
    }
    assert_eq!(app.count().await, 0);
    let id = announced(&app, 3).await["id"].as_str().unwrap().to_owned();
    let other = app.new_key("beta", &Scopes::all()).await;
    let url = app.url(&format!("/v1/uploads/{id}/complete"));
    let theirs = app.client.post(url).bearer_auth(other).send().await.unwrap();
    assert_problem(theirs, 404, "upload.unknown", "another tenant's").await;
    assert_eq!(app.delete(&format!("/v1/uploads/{id}")).send().await.unwrap().status(), 204);
    assert_problem(complete(&app, &id).await, 409, "upload.not_awaited", "erased").await;
}

/// A store that does not hold senders to the length they signed.
#[tokio::test]
async fn other_bytes_than_announced_are_not_taken() {
    let place = Place::new().await;
    let app = place.app(None, |_| {}).await;
    let awaited = announced(&app, 5).await;
    let id = awaited["id"].as_str().unwrap();
    place.server.tamper(&place.bucket, &format!("incoming/{id}"), b"123456");
    assert_problem(complete(&app, id).await, 422, "size.mismatch", "six bytes").await;
    assert_eq!(place.objects(), [(format!("incoming/{id}"), 6)], "nothing is held");
    assert_eq!(put(&awaited, b"12345".to_vec()).await, 200);
    assert_eq!(complete(&app, id).await.status(), 202);
}

#[tokio::test]
async fn without_a_bucket_there_are_none() {
    let app = TestApp::start().await;
    assert_problem(announce(&app, json!({"size": 1})).await, 501, "direct.unavailable", "announce").await;
    let id = app.upload(b"x").await;
    assert_problem(complete(&app, &id).await, 501, "direct.unavailable", "complete").await;
    let body = json!({"source": {"url": "s3://b/k"}});
    let response = app.post("/v1/uploads/by-reference").json(&body).send().await.unwrap();
    assert_problem(response, 501, "source.unavailable", "by reference").await;
}

#[tokio::test]
async fn what_is_never_completed_expires() {
    let place = Place::new().await;
    let app = place.app(None, |_| {}).await;
    let (late, done, fresh) = (announced(&app, 3).await, announced(&app, 3).await, "x");
    for awaited in [&late, &done] {
        assert_eq!(put(awaited, b"123".to_vec()).await, 200);
    }
    let id = |awaited: &Value| awaited["id"].as_str().unwrap().to_owned();
    assert_eq!(complete(&app, &id(&done)).await.status(), 202);
    let (s3, api) = (place.s3().await, &app.api);
    let sweep = async || sweep(&*api.store, &*s3, &api.settled, api.clock.now(), TERM).await.unwrap();
    app.clock.advance(TERM + Duration::from_secs(16 * 60));
    assert_problem(complete(&app, &id(&late)).await, 409, "upload.not_awaited", "its time is over").await;
    assert_eq!(sweep().await, 0, "one that is being completed just now would still be let through");
    let fresh_one = announced(&app, fresh.len()).await;
    app.clock.advance(Duration::from_secs(3600));
    assert_eq!(sweep().await, 1);
    let state = async |awaited: &Value| {
        let id: UploadId = id(awaited).parse().unwrap();
        api.store.upload(&"acme".parse().unwrap(), id).await.unwrap().unwrap().state.to_string()
    };
    assert_eq!(
        [state(&late).await, state(&done).await, state(&fresh_one).await],
        ["erased", "received", "awaiting"]
    );
    assert_eq!(place.objects(), [(format!("held/{}", id(&done)), 3)]);
    assert_eq!(sweep().await, 0);

    // Put again with a URL that was still good, after it was completed: nobody will ask for it.
    let again = format!("incoming/{}", id(&done));
    place.server.tamper(&place.bucket, &again, b"456");
    place.server.date(&place.bucket, &again, api.clock.now().into());
    sweep().await;
    assert_eq!(place.objects().len(), 2, "it may still be somebody's");
    app.clock.advance(Duration::from_secs(5 * 24 * 3600));
    sweep().await;
    assert_eq!(place.objects(), [(format!("held/{}", id(&done)), 3)]);
}
