use crate::common::{TestApp, assert_problem, id_of, json, stage};
use lazaret::upload::{Decision, rendition::RenditionName};
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_upload_from_its_acceptance_to_its_verdict() {
    let app = TestApp::start().await;
    let response = app.post("/v1/uploads?filename=caf%C3%A9.jpg").body("hello").send().await.unwrap();
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let created = json(response).await;
    insta::assert_json_snapshot!("created", created);
    let id = created["id"].as_str().unwrap();
    assert_eq!(location, format!("/v1/uploads/{id}"));
    insta::assert_json_snapshot!("received", json(app.get(&location).send().await.unwrap()).await);
    app.clock.advance(Duration::from_secs(3));
    let copies = [
        stage::original("image/jpeg", b"stripped"),
        stage::Copy { name: RenditionName::Thumbnail, media_type: "image/webp", bytes: b"small" },
    ];
    app.publish(id, &copies).await;
    insta::assert_json_snapshot!("published", json(app.get(&location).send().await.unwrap()).await);

    let flagged = app.upload(b"virus").await;
    app.settle(&flagged, Decision::Quarantine, vec![]).await;
    let shown = json(app.get(&format!("/v1/uploads/{flagged}")).send().await.unwrap()).await;
    insta::assert_json_snapshot!("quarantined", shown);

    assert_eq!(app.delete(&location).send().await.unwrap().status(), 204);
    insta::assert_json_snapshot!("erased", json(app.get(&location).send().await.unwrap()).await);
}

#[tokio::test]
async fn erasing_removes_the_bytes_and_can_be_repeated() {
    let app = TestApp::start().await;
    let (id, target) = app.published("image/png", b"png").await;
    assert_eq!(app.files().len(), 2);
    assert_eq!(app.client.get(app.url(&target)).send().await.unwrap().status(), 200);
    for _ in 0..2 {
        assert_eq!(app.delete(&format!("/v1/uploads/{id}")).send().await.unwrap().status(), 204);
        assert_eq!(app.files(), Vec::<String>::new());
        assert_eq!(app.client.get(app.url(&target)).send().await.unwrap().status(), 403);
    }
    // One that was never settled, too.
    let waiting = app.upload(b"x").await;
    assert_eq!(app.delete(&format!("/v1/uploads/{waiting}")).send().await.unwrap().status(), 204);
    assert_eq!(app.files(), Vec::<String>::new());
}

#[tokio::test]
async fn hostile_names_are_kept_as_they_came_and_never_a_path() {
    let app = TestApp::start().await;
    let long = format!("{}.png", "é".repeat(5_200));
    let cases = [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.exe", "a.exe"),
        ("cute\u{202E}gpj.exe", "cutegpj.exe"),
        ("a\r\nSet-Cookie: x=1\0.png", "aSet-Cookie_ x=1.png"),
        ("/", "unnamed"),
        ("", "unnamed"),
        ("<script>alert(1)</script>.svg", "script_.svg"),
    ];
    for (sent, shown) in cases {
        let query: String = url::form_urlencoded::byte_serialize(sent.as_bytes()).collect();
        let response = app.post(&format!("/v1/uploads?filename={query}")).body("x").send().await.unwrap();
        assert_eq!(response.status(), 202, "{sent:?}");
        let view =
            json(app.get(&format!("/v1/uploads/{}", id_of(response).await)).send().await.unwrap()).await;
        assert_eq!((view["filename"].as_str(), view["display_name"].as_str()), (Some(sent), Some(shown)));
    }
    let query: String = url::form_urlencoded::byte_serialize(long.as_bytes()).collect();
    let response = app.post(&format!("/v1/uploads?filename={query}")).body("x").send().await.unwrap();
    let view = json(app.get(&format!("/v1/uploads/{}", id_of(response).await)).send().await.unwrap()).await;
    assert!(view["filename"].as_str().unwrap().len() <= 10 * 1024);
    assert!(view["display_name"].as_str().unwrap().chars().count() <= 120);
    for path in app.files() {
        assert!(!path.contains("passwd") && !path.contains("exe") && !path.contains("png"), "{path}");
    }
}

#[tokio::test]
async fn a_waiting_call_wakes_at_settlement_and_not_at_the_poll() {
    let app = TestApp::start_with(|api| api.limits.wait_poll = Duration::from_secs(3600)).await;
    let id = app.upload(b"x").await;
    let started = Instant::now();
    let waiting = tokio::spawn(app.get(&format!("/v1/uploads/{id}?wait=60s")).send());
    crate::common::eventually("the call waits", async || app.api.settled.waiting() == 1).await;
    app.settle(&id, Decision::Review, vec![]).await;
    let view = json(waiting.await.unwrap().unwrap()).await;
    assert_eq!((view["state"].as_str(), view["verdict"].as_str()), (Some("in_review"), Some("review")));
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(app.api.settled.waiting(), 0);
}

#[tokio::test]
async fn what_another_process_settles_shows_at_the_poll() {
    let app = TestApp::start_with(|api| api.limits.wait_poll = Duration::from_millis(20)).await;
    let id = app.upload(b"x").await;
    let waiting = tokio::spawn(app.get(&format!("/v1/uploads/{id}?wait=60")).send());
    crate::common::eventually("the call waits", async || app.api.settled.waiting() == 1).await;
    // Erased in the store, and nobody here is told.
    let now = lazaret::ports::Clock::now(&*app.clock);
    app.api.store.erase(&"acme".parse().unwrap(), id.parse().unwrap(), "other", now).await.unwrap().unwrap();
    assert_eq!(json(waiting.await.unwrap().unwrap()).await["state"], "erased");
}

#[tokio::test]
async fn waiting_ends_when_the_time_is_up_or_the_service_stops() {
    let app = TestApp::start_with(|api| api.limits.max_wait = Duration::from_millis(50)).await;
    let id = app.upload(b"x").await;
    for wait in ["1ms", "0", "60s"] {
        let started = Instant::now();
        let view = json(app.get(&format!("/v1/uploads/{id}?wait={wait}")).send().await.unwrap()).await;
        assert_eq!(view["state"], "received");
        assert!(started.elapsed() < Duration::from_secs(5), "{wait}");
    }
    for wait in ["soon", "-1", "1.5s", ""] {
        let response = app.get(&format!("/v1/uploads/{id}?wait={wait}")).send().await.unwrap();
        assert_problem(response, 400, "query.malformed", wait).await;
    }
    let app = TestApp::start().await;
    let id = app.upload(b"x").await;
    let waiting = tokio::spawn(app.get(&format!("/v1/uploads/{id}?wait=60s")).send());
    crate::common::eventually("the call waits", async || app.api.settled.waiting() == 1).await;
    app.api.settled.close();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn lists_go_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(1));
        ids.insert(0, app.upload(b"x").await);
    }
    app.settle(&ids[1], Decision::Review, vec![]).await;
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = json(app.get(&format!("/v1/uploads{query}")).send().await.unwrap()).await;
        seen.extend(page["uploads"].as_array().unwrap().iter().map(|u| u["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(seen, ids);
    let flagged = json(app.get("/v1/uploads?state=in_review").send().await.unwrap()).await;
    assert_eq!(flagged["uploads"].as_array().unwrap().len(), 1);
    assert_eq!(flagged["uploads"][0]["id"].as_str(), Some(&*ids[1]));
    for query in
        ["?limit=0", "?limit=201", "?limit=x", "?state=nice", "?cursor=abc", "?state=", "?limit=1&limit=2"]
    {
        let response = app.get(&format!("/v1/uploads{query}")).send().await.unwrap();
        assert_problem(response, 400, "query.malformed", query).await;
    }
}

#[tokio::test]
async fn urls_are_made_for_what_is_published() {
    let app = TestApp::start().await;
    let id = app.upload(b"x").await;
    let path = format!("/v1/uploads/{id}/urls");
    let mint =
        |body: &'static str| app.post(&path).header("content-type", "application/json").body(body).send();
    assert_problem(mint("{}").await.unwrap(), 409, "upload.not_published", "received").await;
    app.publish(&id, &[stage::original("image/png", b"png")]).await;
    let cases = [
        ("{}", "2026-11-20T12:10:00Z"),
        (r#"{"expires_in": 60}"#, "2026-11-20T12:01:00Z"),
        (r#"{"expires_in": "2h", "rendition": "original"}"#, "2026-11-20T14:00:00Z"),
        (r#"{"expires_in": "7d"}"#, "2026-11-27T12:00:00Z"),
    ];
    for (body, expires_at) in cases {
        let response = mint(body).await.unwrap();
        assert_eq!(response.status(), 201, "{body}");
        let made = json(response).await;
        assert_eq!(made["expires_at"], expires_at, "{body}");
        let got = app.client.get(made["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(got.bytes().await.unwrap(), "png");
    }
    let refused = [
        (r#"{"rendition": "thumbnail"}"#, 404, "rendition.unknown"),
        (r#"{"rendition": "../x"}"#, 404, "rendition.unknown"),
        (r#"{"expires_in": 0}"#, 400, "body.malformed"),
        (r#"{"expires_in": -5}"#, 400, "body.malformed"),
        (r#"{"expires_in": "8d"}"#, 400, "body.malformed"),
        (r#"{"expires_in": "soon"}"#, 400, "body.malformed"),
        (r#"{"expires": 5}"#, 400, "body.malformed"),
        (r#"{"#, 400, "body.malformed"),
        ("", 400, "body.malformed"),
    ];
    for (body, status, code) in refused {
        assert_problem(mint(body).await.unwrap(), status, code, body).await;
    }
    let no_type = app.post(&path).body("{}").send().await.unwrap();
    assert_problem(no_type, 400, "body.malformed", "no content type").await;
    let huge = app.post(&path).json(&"x".repeat(100_000)).send().await.unwrap();
    assert_problem(huge, 400, "body.malformed", "huge").await;
}
