use crate::common::{TestApp, assert_problem, id_of, json};
use lazaret::access::Scopes;

#[tokio::test]
async fn a_repeat_gets_the_first_uploads_id_and_leaves_no_bytes() {
    let app = TestApp::start().await;
    let send = |key: &str, name: &str, body: &'static str| {
        app.post(&format!("/v1/uploads?filename={name}")).header("idempotency-key", key).body(body).send()
    };
    let first = send("k", "a.txt", "body").await.unwrap();
    assert!(first.status() == 202 && !first.headers().contains_key("idempotent-replay"));
    let id = id_of(first).await;
    let repeat = send("k", "a.txt", "body").await.unwrap();
    assert_eq!(repeat.status(), 202);
    assert_eq!(repeat.headers()["idempotent-replay"], "true");
    assert_eq!(repeat.headers()["location"], format!("/v1/uploads/{id}"));
    assert_eq!(id_of(repeat).await, id);
    assert_problem(send("k", "a.txt", "other").await.unwrap(), 422, "idempotency.conflict", "other bytes")
        .await;
    assert_problem(send("k", "b.txt", "body").await.unwrap(), 422, "idempotency.conflict", "other name")
        .await;
    assert_eq!((app.count().await, app.files().len()), (1, 1));
    assert_ne!(id_of(send("k2", "a.txt", "body").await.unwrap()).await, id);

    // Another tenant's key is another key.
    let other = app.new_key("other", &Scopes::all()).await;
    let request = app.client.post(app.url("/v1/uploads?filename=a.txt")).bearer_auth(other);
    let theirs = request.header("idempotency-key", "k").body("body").send().await.unwrap();
    assert!(!theirs.headers().contains_key("idempotent-replay"));
    assert_ne!(id_of(theirs).await, id);
}

#[tokio::test]
async fn twenty_at_once_with_one_key_are_one_upload() {
    let app = TestApp::start().await;
    let sends = (0..20)
        .map(|_| app.post("/v1/uploads").header("idempotency-key", "once").body(vec![5; 100_000]).send());
    let responses = futures_util::future::join_all(sends).await;
    let mut fresh = 0;
    let mut ids = std::collections::BTreeSet::new();
    for response in responses {
        let response = response.unwrap();
        assert_eq!(response.status(), 202);
        fresh += usize::from(!response.headers().contains_key("idempotent-replay"));
        ids.insert(id_of(response).await);
    }
    assert_eq!((ids.len(), fresh, app.count().await, app.files().len()), (1, 1, 1, 1));
}

#[tokio::test]
async fn keys_that_are_no_keys() {
    let app = TestApp::start().await;
    for key in [String::new(), "x".repeat(256), "a b".to_owned(), "é".to_owned()] {
        let request = app.post("/v1/uploads").header("idempotency-key", key.as_bytes()).body("x");
        assert_problem(request.send().await.unwrap(), 400, "header.malformed", &key).await;
    }
    let request =
        app.post("/v1/uploads").header("idempotency-key", "a").header("idempotency-key", "b").body("x");
    assert_problem(request.send().await.unwrap(), 400, "header.malformed", "two").await;
    app.assert_nothing_kept("bad keys").await;
    let longest =
        app.post("/v1/uploads").header("idempotency-key", "x".repeat(255)).body("x").send().await.unwrap();
    assert_eq!(longest.status(), 202);
}

#[tokio::test]
async fn the_senders_own_id_stands_for_one_upload() {
    let app = TestApp::start().await;
    let send = |id: &str, body: &'static str| {
        app.post(&format!("/v1/uploads?filename=a.txt&external_id={id}")).body(body).send()
    };
    let first = send("order%2017", "body").await.unwrap();
    assert!(first.status() == 202 && !first.headers().contains_key("idempotent-replay"));
    let id = id_of(first).await;
    let repeat = send("order%2017", "body").await.unwrap();
    assert_eq!(
        (repeat.status().as_u16(), &repeat.headers()["idempotent-replay"]),
        (202, &"true".parse().unwrap())
    );
    assert_eq!(id_of(repeat).await, id);
    let shown = json(app.get(&format!("/v1/uploads/{id}")).send().await.unwrap()).await;
    assert_eq!(shown["external_id"], "order 17");
    let conflict = send("order%2017", "other").await.unwrap();
    assert_problem(conflict, 422, "idempotency.conflict", "other bytes").await;
    assert_ne!(id_of(send("order%2018", "body").await.unwrap()).await, id);
    assert_eq!((app.count().await, app.files().len()), (2, 2));
    for bad in ["", "a%0Ab", &"x".repeat(256)] {
        assert_problem(send(bad, "body").await.unwrap(), 400, "query.malformed", bad).await;
    }
}

#[tokio::test]
async fn who_of_the_applications_users_sent_it_is_kept() {
    let app = TestApp::start().await;
    let shown = async |answer: reqwest::Response| {
        assert_eq!(answer.status(), 202);
        let id = id_of(answer).await;
        json(app.get(&format!("/v1/uploads/{id}")).send().await.unwrap()).await["uploader"].clone()
    };
    let send = |uploader: &str| app.post(&format!("/v1/uploads?uploader={uploader}")).body("body").send();
    assert_eq!(shown(send("user%2F17").await.unwrap()).await, "user/17");
    let none = app.post("/v1/uploads").body("body").send().await.unwrap();
    assert!(shown(none).await.is_null());
    for bad in ["", "a%0Ab", &"%C3%A9".repeat(128)] {
        assert_problem(send(bad).await.unwrap(), 400, "query.malformed", bad).await;
    }
    let form = |name: &str, query: &str| {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"uploader\"\r\n\r\n{name}\r\n--b\r\n\
             Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nbody\r\n--b--\r\n"
        );
        let sent = app.post(&format!("/v1/uploads{query}"));
        sent.header("content-type", "multipart/form-data; boundary=b").body(body).send()
    };
    assert_eq!(shown(form("user 18", "").await.unwrap()).await, "user 18");
    assert_eq!(shown(form("user 18", "?uploader=user-19").await.unwrap()).await, "user-19");
    assert_problem(form(&"x".repeat(256), "").await.unwrap(), 400, "body.malformed", "too long").await;
}
