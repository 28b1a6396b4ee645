//! Who may open, follow, feed and close.

use crate::{
    common::{assert_problem, json},
    world::{World, frame},
};
use lazaret::{
    access::{Scope, Scopes},
    app::front,
    config::Config,
    streams::Front,
};
use serde_json::json as body;

#[tokio::test]
async fn a_stream_from_its_opening_to_its_end() {
    let world = World::start().await;
    let opening = body!({ "external_id": "camera 1", "key_expires_in": "2h" });
    let answer = world.app.post("/v1/streams").json(&opening).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let opened = json(answer).await;
    assert_eq!(location, format!("/v1/streams/{}", opened["id"].as_str().unwrap()));
    assert_eq!(opened["frames"], format!("{location}/frames"));
    assert_eq!(opened["key_expires_at"], "2026-11-20T14:00:00Z");
    let key = opened["key"].as_str().unwrap();
    let view = json(world.app.get(&location).send().await.unwrap()).await;
    assert_eq!((&view["open"], &view["external_id"]), (&true.into(), &"camera 1".into()));
    assert!(!view.to_string().contains(key), "the key is shown once");
    for _ in 0..2 {
        assert_eq!(world.app.delete(&location).send().await.unwrap().status(), 204);
    }
    let view = json(world.app.get(&location).send().await.unwrap()).await;
    assert_eq!((&view["open"], &view["decision"]), (&false.into(), &"warn".into()));
    let late = world.app.post(&format!("{location}/frames")).body(frame("0.1")).send().await.unwrap();
    assert_problem(late, 409, "stream.closed", "a frame after the end").await;
    let late = world.app.post(&format!("{location}/key")).json(&body!({})).send().await.unwrap();
    assert_problem(late, 404, "stream.unknown", "a key after the end").await;
}

#[tokio::test]
async fn only_its_tenant_and_its_key_see_a_stream() {
    let world = World::start().await;
    let (stream, another) = (world.open().await, world.open().await);
    let globex = world.app.new_key("globex", &Scopes::all()).await;
    let reader = world.app.key_with(&[Scope::Read, Scope::Upload]).await;
    let unknown = "/v1/streams/01900000-0000-7000-8000-000000000000";
    let cases = [
        ("another tenant's key", globex.as_str(), stream.path(""), 404, "stream.unknown"),
        ("no such stream", world.app.key.as_str(), unknown.to_owned(), 404, "stream.unknown"),
        ("no id", world.app.key.as_str(), "/v1/streams/x".to_owned(), 404, "stream.unknown"),
        ("without the scope", reader.as_str(), stream.path(""), 403, "scope.missing"),
        ("another stream's key", another.key.as_str(), stream.path(""), 401, "key.refused"),
        ("a stream's key, no such stream", stream.key.as_str(), unknown.to_owned(), 401, "key.refused"),
        ("a stream's key, no id", stream.key.as_str(), "/v1/streams/x".to_owned(), 401, "key.refused"),
        ("garbage", "lzs_x", stream.path(""), 401, "key.refused"),
        ("nothing", "", stream.path(""), 401, "key.refused"),
    ];
    for (case, key, path, status, code) in cases {
        let answer = world.app.client.get(world.app.url(&path)).bearer_auth(key).send().await.unwrap();
        assert_problem(answer, status, code, case).await;
        let url = world.app.url(&format!("{path}/frames"));
        let answer = world.app.client.post(url).bearer_auth(key).body(frame("0.1")).send().await.unwrap();
        assert_problem(answer, status, code, case).await;
    }
    // What a stream's key does not open.
    for (method, path) in
        [("DELETE", stream.path("")), ("POST", stream.path("/key")), ("POST", "/v1/streams".to_owned())]
    {
        let request = world.app.client.request(method.parse().unwrap(), world.app.url(&path));
        let answer = request.bearer_auth(&stream.key).json(&body!({})).send().await.unwrap();
        assert_problem(answer, 401, "key.refused", &path).await;
    }
    let deleted = world.app.client.delete(world.app.url(&stream.path(""))).bearer_auth(&globex).send();
    assert_problem(deleted.await.unwrap(), 404, "stream.unknown", "another's to close").await;
    assert_eq!(stream.decision("0.1").await, "pass", "nothing happened");
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let world = World::start().await;
    let cases = [
        (body!({ "tuning": { "hits": 1 } }), 400, "body.malformed", "hits"),
        (body!({ "tuning": { "hit": 3 } }), 400, "body.malformed", "hit"),
        (body!({ "tuning": { "calm": "soon" } }), 400, "body.malformed", "duration"),
        (body!({ "external_id": "" }), 400, "body.malformed", "external_id"),
        (body!({ "external_id": "a\u{0}b" }), 400, "body.malformed", "external_id"),
        (body!({ "key_expires_in": "9999999999d" }), 400, "body.malformed", "key"),
        (body!({ "queue": true }), 501, "stream.no_queue", "queue.url"),
        (body!({ "source": "rtmp://10.0.0.1/live/x" }), 403, "stream.source_forbidden", "pull_private"),
        (body!({ "source": "udp://example.com:9000" }), 501, "stream.no_source", "rtmp:"),
        (body!({ "source": "srt://example.com" }), 400, "body.malformed", "port"),
        (body!({ "source": "live.m3u8" }), 400, "body.malformed", "source"),
        (body!({ "what": 1 }), 400, "body.malformed", "what"),
    ];
    for (opening, status, code, says) in cases {
        let answer = world.app.post("/v1/streams").json(&opening).send().await.unwrap();
        let problem = assert_problem(answer, status, code, &opening.to_string()).await;
        assert!(problem["detail"].as_str().unwrap().contains(says), "{opening}: {problem}");
    }
}

#[tokio::test]
async fn a_tenant_has_so_many_open_at_a_time() {
    let app = crate::common::TestApp::start_with(|api| {
        let streams = front(&Config::load(None, &[]).unwrap(), None).unwrap();
        api.streams = std::sync::Arc::new(Front { max_open: 2, ..streams });
    })
    .await;
    let open = async || app.post("/v1/streams").json(&body!({})).send().await.unwrap();
    let first = json(open().await).await;
    assert_eq!(open().await.status(), 201);
    let problem = assert_problem(open().await, 429, "stream.too_many", "the third").await;
    assert!(problem["detail"].as_str().unwrap().contains("at most 2"), "{problem}");
    let globex = app.new_key("globex", &Scopes::all()).await;
    let other = app.client.post(app.url("/v1/streams")).bearer_auth(&globex).json(&body!({})).send();
    assert_eq!(other.await.unwrap().status(), 201, "another's");
    let path = format!("/v1/streams/{}", first["id"].as_str().unwrap());
    assert_eq!(app.delete(&path).send().await.unwrap().status(), 204);
    assert_eq!(open().await.status(), 201);
    assert_problem(open().await, 429, "stream.too_many", "the third again").await;
}

#[tokio::test]
async fn a_process_that_watches_no_streams_says_so() {
    let app = crate::common::TestApp::start().await;
    let opened = json(app.post("/v1/streams").json(&body!({})).send().await.unwrap()).await;
    let path = format!("/v1/streams/{}/frames", opened["id"].as_str().unwrap());
    let answer = app.post(&path).body(frame("0.1")).send().await.unwrap();
    assert_problem(answer, 501, "streams.unavailable", "a frame").await;
}
