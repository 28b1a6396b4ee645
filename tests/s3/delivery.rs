//! Published bytes out of a bucket: no more of them than are asked for, or by way of the store itself.

use crate::{
    common::{TestApp, json},
    place::{Place, noise},
    server::SECRET_KEY,
};
use serde_json::{Value, json};
use std::time::Duration;

const MIB: usize = 1 << 20;

async fn code(answer: reqwest::Response) -> Value {
    json(answer).await["code"].take()
}

async fn ranged(app: &TestApp, target: &str, range: &str) -> reqwest::Response {
    app.client.get(app.url(target)).header("range", range).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_fetches_that_range() {
    let place = Place::new().await;
    let app = place.app(None, |_| {}).await;
    let bytes = noise(32 * MIB);
    let (_, target) = app.published("video/mp4", &bytes).await;
    let before = place.proxy.down();
    let part = ranged(&app, &target, "bytes=20000000-20099999").await;
    assert_eq!((part.status().as_u16(), part.content_length()), (206, Some(100_000)));
    assert_eq!(part.headers()["content-range"], format!("bytes 20000000-20099999/{}", bytes.len()));
    assert!(part.bytes().await.unwrap() == bytes[20_000_000..20_100_000]);
    let came = place.proxy.down() - before;
    assert!(came < 120_000, "{came} bytes came for a range of 100,000");

    let before = place.proxy.down();
    let head = app.client.head(app.url(&target)).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], bytes.len().to_string());
    assert!(place.proxy.down() - before < 5_000, "HEAD fetches nothing");
    let all = app.client.get(app.url(&target)).send().await.unwrap();
    assert_eq!(all.headers()["x-content-type-options"], "nosniff");
    assert!(all.bytes().await.unwrap() == bytes);
    assert_eq!(ranged(&app, &target, "bytes=99999999-").await.status(), 416);
}

/// Small ones are held against their verdict, then kept.
#[tokio::test]
async fn a_small_object_that_was_swapped_is_not_sent() {
    let place = Place::new().await;
    let app = place.app(None, |_| {}).await;
    let (id, target) = app.published("image/png", b"the published bytes").await;
    place.server.tamper(&place.bucket, &format!("published/{id}/original"), b"the unchecked bytes");
    let answer = app.client.get(app.url(&target)).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), code(answer).await), (500, json!("service.internal")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_redirect_the_store_is_asked_first_and_no_cache_keeps_it() {
    let place = Place::new().await;
    let app = place.app(None, |api| api.remote.redirect = Some(Duration::from_secs(3600))).await;
    let bytes = noise(MIB);
    let (id, target) = app.published("image/png", &bytes).await;
    let answer = app.client.get(app.url(&target)).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (302, &"private, no-store".parse().unwrap())
    );
    let url = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(url.contains("X-Amz-Expires=60&"), "60 s at most: {url}");
    assert!(url.contains("/published/") && !url.contains(SECRET_KEY), "{url}");
    let object = reqwest::get(&url).await.unwrap();
    assert_eq!(object.status(), 200);
    assert!(object.bytes().await.unwrap() == bytes);
    // Signed for this one object alone.
    let other = reqwest::get(url.replace("/published/", "/held/")).await.unwrap();
    assert_eq!(other.status(), 403);

    assert_eq!(app.delete(&format!("/v1/uploads/{id}")).send().await.unwrap().status(), 204);
    let gone = app.client.get(app.url(&target)).send().await.unwrap();
    assert_eq!((gone.status().as_u16(), code(gone).await), (403, json!("link.refused")));
}
