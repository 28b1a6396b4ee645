//! Uploads by reference over HTTP.

use crate::{
    common::{TestApp, assert_problem, json},
    place::{Place, noise},
    proxy::Mode,
};
use serde_json::json;
use sha2::{Digest, Sha256};

async fn hand_over(app: &TestApp, url: &str) -> reqwest::Response {
    let body = json!({"source": {"url": url}, "filename": "a.bin", "external_id": url});
    app.post("/v1/uploads/by-reference").json(&body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_the_tenants_own_is_fetched_whatever_happens_to_the_connection() {
    let place = Place::new().await;
    let source = place.server.bucket();
    let app = place.app(Some(&source), |_| {}).await;
    let bytes = noise(5 << 20);
    place.server.tamper(&source, "new/a b.bin", &bytes);
    place.proxy.set(Mode::CutDown(2 << 20));
    let url = format!("s3://{source}/new/a b.bin");
    let response = hand_over(&app, &url).await;
    assert_eq!(response.status(), 202);
    let id = json(response).await["id"].as_str().unwrap().to_owned();
    place.proxy.set(Mode::Pass);
    let shown = json(app.get(&format!("/v1/uploads/{id}")).send().await.unwrap()).await;
    assert_eq!(shown["sha256"], lazaret::hex(&Sha256::digest(&bytes)));
    assert_eq!(place.objects(), [(format!("held/{id}"), bytes.len() as u64)]);
    let again = hand_over(&app, &url).await;
    assert_eq!(
        (again.status().as_u16(), &again.headers()["idempotent-replay"]),
        (202, &"true".parse().unwrap())
    );
    assert_eq!(json(again).await["id"], id);
}

#[tokio::test]
async fn what_is_refused() {
    let place = Place::new().await;
    let source = place.server.bucket();
    let app = place.app(Some(&source), |api| {
        if let Some(fetching) = &mut api.remote.fetching {
            fetching.max_bytes = 10;
        }
    });
    let app = app.await;
    place.server.tamper(&source, "large", b"12345678901");
    place.server.tamper(&source, "empty", b"");
    let elsewhere = place.server.bucket();
    place.server.tamper(&elsewhere, "a", b"another's");
    let cases = [
        (format!("s3://{elsewhere}/a"), 403, "source.forbidden"),
        (format!("s3://{}/held/x", place.bucket), 403, "source.forbidden"),
        (format!("s3://{source}/../{elsewhere}/a"), 403, "source.forbidden"),
        (format!("s3://{source}/missing"), 422, "source.missing"),
        (format!("s3://{source}/large"), 413, "upload.too_large"),
        (format!("s3://{source}/empty"), 400, "upload.empty"),
        (format!("https://{source}/a"), 400, "body.malformed"),
        (format!("s3://{source}"), 400, "body.malformed"),
    ];
    for (url, status, code) in cases {
        assert_problem(hand_over(&app, &url).await, status, code, &url).await;
    }
    assert_eq!((app.count().await, place.objects()), (0, vec![]));
}
