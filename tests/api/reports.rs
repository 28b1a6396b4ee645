use crate::common::{TestApp, assert_problem, json, stage};
use lazaret::{access::Scope, ports::reports::Report, upload::Decision};
use serde_json::{Value, json as body};

async fn send(app: &TestApp, key: &str, path: &str, body: &Value) -> reqwest::Response {
    app.client.post(app.url(path)).bearer_auth(key).json(body).send().await.unwrap()
}

async fn reports(app: &TestApp, id: &str) -> Vec<Report> {
    app.api.store.reports(id.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_report_is_heard_once_and_leaves_the_upload_published() {
    let app = TestApp::start().await;
    let id = app.upload(b"photo").await;
    let path = format!("/v1/uploads/{id}/reports");
    let hate = body!({ "category": "hate", "text": "  it insults us\u{0}  ", "reporter": "u-1" });
    let early = send(&app, &app.key, &path, &hate).await;
    assert_problem(early, 409, "upload.not_settled", "before anybody was shown it").await;
    app.publish(&id, &[stage::original("image/jpeg", b"copy")]).await;
    for new in [true, false] {
        let heard = send(&app, &app.key, &path, &hate).await;
        assert_eq!(heard.status(), 202);
        assert_eq!(json(heard).await, body!({ "id": id, "new": new }));
    }
    let kept = reports(&app, &id).await;
    assert_eq!((kept.len(), kept[0].text.as_str()), (1, "it insults us\u{FFFD}"));
    let upload = json(app.get(&format!("/v1/uploads/{id}")).send().await.unwrap()).await;
    assert_eq!(upload["state"], "published");
    app.delete(&format!("/v1/uploads/{id}")).send().await.unwrap();
    assert_problem(send(&app, &app.key, &path, &hate).await, 409, "upload.not_settled", "erased").await;
    assert_eq!(reports(&app, &id).await, []);
}

#[tokio::test]
async fn what_is_not_a_report_is_refused() {
    let app = TestApp::start().await;
    let id = app.upload(b"photo").await;
    app.publish(&id, &[stage::original("image/jpeg", b"copy")]).await;
    let path = format!("/v1/uploads/{id}/reports");
    let long = "é".repeat(2_001);
    let cases = [
        body!({ "category": "hate" }),
        body!({ "category": "ugly", "reporter": "u" }),
        body!({ "category": "hate", "reporter": "" }),
        body!({ "category": "hate", "reporter": "  " }),
        body!({ "category": "hate", "reporter": "u".repeat(129) }),
        body!({ "category": "hate", "reporter": "u", "text": long }),
        body!({ "category": "hate", "reporter": "u", "severity": 100 }),
        body!(["hate"]),
    ];
    for case in &cases {
        let answer = send(&app, &app.key, &path, case).await;
        assert_problem(answer, 400, "body.malformed", &case.to_string()).await;
    }
    let good = body!({ "category": "hate", "reporter": "u", "text": "é".repeat(2_000) });
    let reader = app.key_with(&[Scope::Read]).await;
    assert_problem(send(&app, &reader, &path, &good).await, 403, "scope.missing", "reads only").await;
    assert_problem(send(&app, "lz_x", &path, &good).await, 401, "key.refused", "no key").await;
    let other = app.new_key("globex", &lazaret::access::Scopes::all()).await;
    assert_problem(send(&app, &other, &path, &good).await, 404, "upload.unknown", "another tenant's").await;
    let none = "/v1/uploads/none/reports";
    assert_problem(send(&app, &app.key, none, &good).await, 404, "upload.unknown", "no id").await;
    assert_eq!(reports(&app, &id).await, []);
    assert_eq!(send(&app, &app.key, &path, &good).await.status(), 202);
}

#[tokio::test]
async fn an_appeal_is_heard_against_a_quarantine_alone() {
    let app = TestApp::start().await;
    let id = app.upload(b"photo").await;
    let path = format!("/v1/uploads/{id}/appeals");
    let appeal = |text: &str| body!({ "text": text, "appellant": "u-1" });
    let early = send(&app, &app.key, &path, &appeal("why?")).await;
    assert_problem(early, 409, "upload.not_quarantined", "nothing was decided").await;
    app.settle(&id, Decision::Quarantine, vec![]).await;
    for new in [true, false] {
        let heard = send(&app, &app.key, &path, &appeal("it is art")).await;
        assert_eq!(heard.status(), 202);
        assert_eq!(json(heard).await["new"], new);
    }
    let more = send(&app, &app.key, &path, &appeal("answer me")).await;
    assert_problem(more, 409, "appeal.spent", "one waits").await;
    for case in [body!({ "text": "x" }), body!({ "text": "x".repeat(2_001), "appellant": "u" })] {
        let answer = send(&app, &app.key, &path, &case).await;
        assert_problem(answer, 400, "body.malformed", &case.to_string()).await;
    }
    let reader = app.key_with(&[Scope::Read]).await;
    assert_problem(send(&app, &reader, &path, &appeal("x")).await, 403, "scope.missing", "reads only").await;
    assert_eq!(app.api.store.appeals(id.parse().unwrap()).await.unwrap().len(), 1);
}
