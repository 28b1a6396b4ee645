use crate::common::{TestApp, json};
use std::collections::BTreeSet;

/// What the server itself says that it answers, asked by a method that no call has.
async fn served(app: &TestApp) -> BTreeSet<(String, String)> {
    let mut calls = BTreeSet::new();
    for (path, _) in lazaret::http::router::routes() {
        let url = app.url(&path.replace("{id}", "x"));
        let response = app.client.request("BREW".parse().unwrap(), url).send().await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        for method in response.headers()["allow"].to_str().unwrap().split(',').filter(|m| *m != "HEAD") {
            calls.insert((method.to_lowercase(), path.to_owned()));
        }
    }
    calls.insert(("get".to_owned(), lazaret::delivery::serve::ROUTE.to_owned()));
    calls
}

#[tokio::test]
async fn the_description_names_exactly_the_calls_there_are() {
    let app = TestApp::start().await;
    let document = json(app.client.get(app.url("/openapi.json")).send().await.unwrap()).await;
    let mut described = BTreeSet::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        described.extend(calls.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
    }
    assert_eq!(described, served(&app).await);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}

/// Every `$ref` leads somewhere, and every call under /v1 asks for a key.
#[tokio::test]
async fn the_description_is_whole() {
    let document = serde_json::to_value(lazaret::http::openapi::document()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
    }
    for (path, calls) in document["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            assert_eq!(call.get("security").is_some(), path.starts_with("/v1/"), "{method} {path}");
        }
    }
}

/// Every problem that exists says something, under a stable name.
#[test]
fn the_codes() {
    let lines: Vec<_> = lazaret::http::codes::ALL
        .iter()
        .map(|code| format!("{} {} {}", code.status.as_u16(), code.name, code.title))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
