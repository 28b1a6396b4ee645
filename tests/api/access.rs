use crate::common::{TestApp, assert_problem};
use lazaret::access::{Scope, Scopes};

#[tokio::test]
async fn without_a_good_key_every_call_is_401_and_says_nothing_of_why() {
    let app = TestApp::start().await;
    let revoked = app.new_key("acme", &Scopes::all()).await;
    let id = app.upload(b"x").await;
    assert_eq!(
        app.client.get(app.url("/v1/uploads")).bearer_auth(&revoked).send().await.unwrap().status(),
        200
    );
    let now = lazaret::ports::Clock::now(&*app.clock);
    assert!(app.api.store.revoke_key(&revoked[3..15], "test", now).await.unwrap());

    let unknown = format!("lz_{}_{}", "a".repeat(12), &app.key[16..]);
    let wrong_secret = format!("{}{}", &app.key[..16], &revoked[16..]);
    let cases = [
        ("none", None),
        ("no scheme", Some(app.key.clone())),
        ("other scheme", Some(format!("Basic {}", app.key))),
        ("empty", Some("Bearer ".into())),
        ("garbage", Some("Bearer lz_".into())),
        ("unknown id", Some(format!("Bearer {unknown}"))),
        ("another's secret", Some(format!("Bearer {wrong_secret}"))),
        ("revoked", Some(format!("Bearer {revoked}"))),
        ("upper case", Some(format!("Bearer {}", app.key.to_uppercase()))),
        ("not ASCII", Some("Bearer é".into())),
    ];
    let calls = [
        ("POST", "/v1/uploads".to_owned()),
        ("GET", "/v1/uploads".to_owned()),
        ("GET", format!("/v1/uploads/{id}")),
        ("GET", "/v1/uploads/no-id".to_owned()),
        ("DELETE", format!("/v1/uploads/{id}")),
        ("POST", format!("/v1/uploads/{id}/urls")),
    ];
    let mut bodies = Vec::new();
    for (name, authorization) in &cases {
        for (method, path) in &calls {
            let mut request = app.client.request(method.parse().unwrap(), app.url(path)).body("body");
            if let Some(value) = authorization {
                request = request.header("authorization", value.as_bytes());
            }
            let response = request.send().await.unwrap();
            let case = format!("{name}: {method} {path}");
            assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"lazaret\"", "{case}");
            bodies.push(assert_problem(response, 401, "key.refused", &case).await);
        }
    }
    assert!(bodies.iter().all(|body| body == &bodies[0]));
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn a_key_allows_what_its_scopes_name_and_nothing_else() {
    let app = TestApp::start().await;
    let id = app.upload(b"x").await;
    let calls = [
        (Scope::Upload, "POST", "/v1/uploads".to_owned(), 202),
        (Scope::Read, "GET", "/v1/uploads".to_owned(), 200),
        (Scope::Read, "GET", format!("/v1/uploads/{id}"), 200),
        (Scope::Mint, "POST", format!("/v1/uploads/{id}/urls"), 400),
        (Scope::Erase, "DELETE", format!("/v1/uploads/{id}"), 204),
    ];
    for scope in Scope::ALL {
        let key = app.key_with(&[scope]).await;
        for (needed, method, path, status) in &calls {
            let request =
                app.client.request(method.parse().unwrap(), app.url(path)).bearer_auth(&key).body("b");
            let response = request.send().await.unwrap();
            let case = format!("{scope} at {method} {path}");
            if scope == *needed {
                assert_eq!(response.status(), *status, "{case}");
            } else {
                let problem = assert_problem(response, 403, "scope.missing", &case).await;
                assert!(problem["detail"].as_str().unwrap().contains(needed.as_str()), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_anothers_and_what_does_not_exist_is_the_same_404() {
    let app = TestApp::start().await;
    let (id, _) = app.published("image/png", b"png").await;
    let other = app.new_key("other", &Scopes::all()).await;
    let unknown = format!("{}0", &id[..id.len() - 1]);
    assert_ne!(unknown, id);
    let upper = id.to_uppercase();
    let mut bodies = Vec::new();
    for (key, id) in [
        (&other, id.as_str()),
        (&app.key, unknown.as_str()),
        (&app.key, "no-id"),
        (&app.key, upper.as_str()),
        (&app.key, "..%2f.."),
        (&app.key, "%ff"),
    ] {
        for (method, path) in [("GET", ""), ("GET", "?wait=30s"), ("DELETE", ""), ("POST", "/urls")] {
            let url = app.url(&format!("/v1/uploads/{id}{path}"));
            let request = app.client.request(method.parse().unwrap(), url).bearer_auth(key);
            let response = request.json(&serde_json::json!({})).send().await.unwrap();
            bodies
                .push(assert_problem(response, 404, "upload.unknown", &format!("{method} {id}{path}")).await);
        }
    }
    assert!(bodies.iter().all(|body| body == &bodies[0]));
    let theirs = app.client.get(app.url("/v1/uploads")).bearer_auth(&other).send().await.unwrap();
    assert_eq!(crate::common::json(theirs).await, serde_json::json!({"uploads": [], "next": null}));
    assert_eq!(app.get(&format!("/v1/uploads/{id}")).send().await.unwrap().status(), 200);
}
