use crate::common::{TestApp, assert_problem, json};
use lazaret::http::Component;
use std::time::Duration;

#[tokio::test]
async fn health_is_about_the_process_and_readiness_about_its_parts() {
    let app = TestApp::start().await;
    let part = |name: &str, why: Option<&str>| Component {
        name: name.into(),
        ready: why.is_none(),
        why: why.map(Into::into),
    };
    let get = |path: &'static str| app.client.get(app.url(path)).send();
    *app.readiness.0.lock().unwrap() = vec![part("store", None), part("antivirus", None)];
    let ready = get("/readyz").await.unwrap();
    assert_eq!(ready.status(), 200);
    assert_eq!(json(ready).await["ready"], true);
    *app.readiness.0.lock().unwrap() = vec![part("store", None), part("antivirus", Some("clamd is loading"))];
    let not = get("/readyz").await.unwrap();
    assert_eq!(not.status(), 503);
    insta::assert_json_snapshot!("not_ready", json(not).await);
    *app.readiness.0.lock().unwrap() = vec![part("store", None), part("worker", Some("no clamd"))];
    for (role, status) in [("", 503), ("?role=worker", 503), ("?role=api", 200), ("?role=cook", 400)] {
        let answer = app.client.get(app.url(&format!("/readyz{role}"))).send().await.unwrap();
        assert_eq!(answer.status(), status, "{role}");
    }
    assert_eq!(get("/healthz").await.unwrap().status(), 200);
}

#[tokio::test]
async fn readiness_and_metrics_tell_how_many_wait_and_since_when() {
    let app = TestApp::start().await;
    let shown = async || {
        let ready = json(app.client.get(app.url("/readyz")).send().await.unwrap()).await;
        let text = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
        let figure = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
            line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"))
        };
        let measured = [figure("lazaret_uploads_backlog "), figure("lazaret_uploads_backlog_age_seconds ")];
        let backlog = &ready["backlog"];
        assert_eq!([&backlog["uploads"], &backlog["oldest_age_seconds"]], [&measured[0], &measured[1]]);
        (measured, ready["ready"] == true)
    };
    assert_eq!(shown().await, ([0, 0], true));
    let first = app.upload(b"12345").await;
    app.clock.advance(Duration::from_secs(60));
    app.upload(b"67890").await;
    app.clock.advance(Duration::from_secs(30));
    assert_eq!(shown().await, ([2, 90], true), "a backlog is no trouble of this process");
    app.publish(&first, &[]).await;
    assert_eq!(shown().await, ([1, 30], true), "the oldest is another one now");
}

#[tokio::test]
async fn metrics_count_by_route_and_never_by_path() {
    let app = TestApp::start().await;
    let id = app.upload(b"12345").await;
    app.get(&format!("/v1/uploads/{id}")).send().await.unwrap();
    app.get("/secret-path").send().await.unwrap();
    app.client.get(app.url("/f/x/y")).send().await.unwrap();
    let response = app.client.get(app.url("/metrics")).send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = response.text().await.unwrap();
    for line in [
        "lazaret_uploads_accepted_total 1",
        "lazaret_uploads_accepted_bytes_total 5",
        "lazaret_uploads_backlog 1",
        "lazaret_http_requests_total{method=\"GET\",route=\"/v1/uploads/{id}\",status=\"200\"} 1",
        "lazaret_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
        "lazaret_http_requests_total{method=\"GET\",route=\"/f/{upload}/{rendition}\",status=\"403\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains(&id) && !text.contains("secret-path"));
}

#[tokio::test]
async fn unknown_calls_and_methods_are_problems_too() {
    let app = TestApp::start().await;
    for path in ["/", "/v1", "/v1/uploads/", "/v2/uploads", "/v1/uploads/x/y/z", "/%ff"] {
        let problem = assert_problem(app.get(path).send().await.unwrap(), 404, "route.unknown", path).await;
        insta::assert_json_snapshot!("route_unknown", problem);
    }
    let response = app.client.patch(app.url("/v1/uploads")).send().await.unwrap();
    assert_eq!(response.headers()["allow"], "POST,GET,HEAD");
    let problem = assert_problem(response, 405, "method.not_allowed", "PATCH").await;
    insta::assert_json_snapshot!("method_not_allowed", problem);
}

#[tokio::test]
async fn a_request_keeps_its_own_id_where_that_is_harmless() {
    let app = TestApp::start().await;
    let long = "x".repeat(65);
    for (sent, kept) in
        [("abc-1.2_3", true), ("a b", false), ("", false), (long.as_str(), false), ("<x>", false)]
    {
        let response = app.get("/v1/uploads").header("x-request-id", sent).send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"] == sent, kept, "{sent}");
    }
}
