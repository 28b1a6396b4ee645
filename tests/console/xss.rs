//! What anybody sends is text on every page that shows it: what users, senders, files, models, streams and colleagues say.

use crate::{
    browser::Browser,
    people::{PASSWORD, Visitor, arrive},
    wait::until,
    world::World,
};
use lazaret_fixtures::{document, picture};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

const SETTINGS: &str = "[console]\ntotp = false\nundo = \"1s\"\n[streams]\n\
    labels = [{ label = \"neutral\", near = 0.00001, bad = 0.00001, certain = 0.00001 }]\n";

const PAYLOADS: [&str; 9] = [
    "<script>window.pwned=1</script>",
    "\"><img src=x onerror=window.pwned=1>",
    "'><svg onload=window.pwned=1>",
    "</title><script>window.pwned=1</script>",
    "</textarea><script>window.pwned=1</script>",
    "javascript:window.pwned=1",
    "{{constructor.constructor('window.pwned=1')()}}",
    "<a href=\"javascript:window.pwned=1\" id=take>",
    "\u{202E}<iframe srcdoc='<script>parent.pwned=1</script>'>",
];

/// Elements that none of our pages has.
const FOREIGN: &str = "const all = [...document.querySelectorAll('main script, main iframe, body > script:not([nonce]), img[src=x], \
    [onerror], [onload], a[href^=\"javascript\" i], svg[onload], a#take')]; return all.map((one) => one.outerHTML)";

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

struct Stage {
    world: World,
    browser: Browser,
    bob: Visitor,
}

impl Stage {
    async fn set() -> Self {
        let world = World::start(SETTINGS).await;
        let browser = Browser::start().await;
        arrive(&browser, &world, "ann@example.org", "admin").await;
        let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
        Self { world, browser, bob }
    }

    /// The page shows every one of these as it was written, and nothing of it became more than text.
    async fn shows(&self, path: &str, payload: &str, times: usize) {
        self.browser.go(&self.world.url(path)).await;
        self.browser.element("main").await;
        self.is_text(path, payload, times).await;
    }

    async fn is_text(&self, place: &str, payload: &str, times: usize) {
        let ran = self.browser.eval("return window.pwned ?? null").await;
        assert!(ran.is_null(), "{payload} ran at {place}");
        let foreign = self.browser.eval(FOREIGN).await;
        assert_eq!(foreign, json!([]), "{payload} made an element at {place}");
        if times > 0 {
            let text = self.browser.eval("return document.body.textContent").await;
            let found = text.as_str().unwrap().matches(payload).count();
            assert!(found >= times, "{payload} is {found} times at {place}, and not {times}");
        }
    }

    async fn sql(&self, sql: &'static str, values: &[&str]) {
        let file = format!("sqlite:{}", self.world.site.data("lazaret.db").display());
        let mut store = SqliteConnection::connect(&file).await.unwrap();
        sqlx::query("PRAGMA busy_timeout = 10000").execute(&mut store).await.unwrap();
        let query = values.iter().fold(sqlx::query(sql), |query, value| query.bind(value.to_string()));
        assert_eq!(query.execute(&mut store).await.unwrap().rows_affected(), 1, "{sql}");
        store.close().await.unwrap();
    }

    async fn verdict(&self, id: &str) -> Value {
        let file = format!("sqlite:{}", self.world.site.data("lazaret.db").display());
        let mut store = SqliteConnection::connect(&file).await.unwrap();
        let query = sqlx::query_scalar("SELECT detail FROM verdicts WHERE upload = $1").bind(id.to_owned());
        let detail: String = query.fetch_one(&mut store).await.unwrap();
        store.close().await.unwrap();
        serde_json::from_str(&detail).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_senders_users_and_colleagues_say_of_an_item_is_text() {
    let stage = Stage::set().await;
    let (world, bob) = (&stage.world, &stage.bob);
    let mut ids = Vec::new();
    for (n, payload) in PAYLOADS.iter().enumerate() {
        let (name, id) = (encoded(&format!("{payload}.jpg")), encoded(&format!("{n}{payload}")));
        // The camera's name in the EXIF block is the payload too.
        let plain = picture::jpeg(&picture::landscape(64, 48, u32::try_from(n).unwrap()), 85);
        let bytes = picture::as_from(payload, &plain, 1);
        let sent = world.server.post(&format!("{name}&external_id={id}&uploader={id}"), &bytes);
        let id: Value = sent.send().await.unwrap().json().await.unwrap();
        let id = id["id"].as_str().unwrap_or_else(|| panic!("{payload}: {id}")).to_owned();
        world.server.settled(&id).await;
        let report = json!({ "category": "other", "text": payload, "reporter": payload });
        assert_eq!(world.says(&id, "reports", report).await, 202, "{payload}");
        assert_eq!(bob.rule(&id, "note:note", &[("note", payload)]).await.status(), 303, "{payload}");
        assert_eq!(bob.rule(&id, "quarantine:other", &[("note", payload)]).await.status(), 303, "{payload}");
        ids.push(id);
    }
    for (payload, id) in PAYLOADS.iter().zip(&ids) {
        world.becomes(id, "quarantined").await;
        let appeal = json!({ "text": payload, "appellant": payload });
        assert_eq!(world.says(id, "appeals", appeal).await, 202, "{payload}");
        // Sender's id, uploader, camera, report, appeal and two notes. Names of files and people are cleaned before.
        stage.shows(&format!("/console/items/{id}"), payload, 7).await;
        let back = encoded(payload);
        for (path, times) in [
            (format!("/console/items/{id}?note={back}&choice={back}&said={back}"), 6),
            (format!("/console/queue?tenant={back}&reason={back}&type={back}&older={back}&said={back}"), 0),
            (format!("/console/audit?actor={back}&subject={back}&action={back}"), 0),
        ] {
            stage.shows(&path, payload, times).await;
        }
        stage.browser.go(&world.url(&format!("/console/items/{id}?tenant={back}&reason={back}"))).await;
        stage.browser.click("#take button").await;
        stage.browser.element("#decision").await;
        stage.is_text("the form", payload, 0).await;
    }
    // All of them on one page, and in the preview of one decision on all.
    stage.shows("/console/queue", PAYLOADS[0], 0).await;
    for id in &ids {
        stage.browser.click(&format!("input[value='{id}']")).await;
    }
    stage.browser.eval("document.querySelector('#bulk select').value = 'quarantine:spam'").await;
    let note = format!("document.querySelector('#bulk input[name=note]').value = {}", json!(PAYLOADS[1]));
    stage.browser.eval(&note).await;
    stage.browser.click("#bulk button").await;
    stage.browser.shows("Decide together").await;
    stage.is_text("the preview", PAYLOADS[0], 0).await;
    let sign_in = format!("/console/sign-in?next={}", encoded("\"><script>window.pwned=1</script>"));
    stage.shows(&sign_in, "a next page", 0).await;
}

/// As a model, an engine or a version of another time may have left it: manifests of today refuse such labels.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_files_models_and_engines_say_is_text() {
    let stage = Stage::set().await;
    let world = &stage.world;
    let id = world.in_review("letter.pdf", &document::pdf()).await;
    let whole = stage.verdict(&id).await;
    for payload in PAYLOADS {
        let mut detail = whole.clone();
        detail["labels"] = json!({ payload: 0.9 });
        detail["reasons"] = json!([payload]);
        detail["type"]["declared"] = json!(payload);
        detail["findings"] = json!([{ "check": payload, "code": payload, "detail": payload, "score": 0.5 }]);
        for (name, value) in [("check", payload), ("engine", payload), ("version", payload), ("why", payload)]
        {
            detail["checks"][0][name] = json!(value);
        }
        stage.sql("UPDATE verdicts SET detail = $2 WHERE upload = $1", &[&id, &detail.to_string()]).await;
        // The label, what it was declared as, of the finding its check and detail, and all four of the check. Codes are
        // shown with their dots as spaces.
        stage.shows(&format!("/console/items/{id}"), payload, 8).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_streams_and_browsers_call_themselves_and_policies_say_is_text() {
    let stage = Stage::set().await;
    let (world, browser) = (&stage.world, &stage.browser);
    let made = world.site.run(&["key", "create", "--tenant", "acme", "--scopes", "stream", "--json"]).await;
    let key = made.json()[0]["key"].as_str().unwrap().to_owned();
    let client = &world.server.client;
    let mut streams = Vec::new();
    for payload in PAYLOADS {
        let asked = client.post(world.url("/v1/streams")).bearer_auth(&key);
        let answer = asked.json(&json!({ "external_id": payload })).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{payload}");
        let opened: Value = answer.json().await.unwrap();
        streams.push(opened["id"].as_str().unwrap().to_owned());
    }
    stage.shows("/console/streams", "their names", 0).await;
    let tiles = browser.eval("return document.querySelectorAll('.tile').length").await;
    assert_eq!(tiles, PAYLOADS.len());
    // It changes by itself, too.
    let frame = picture::jpeg(&picture::landscape(320, 180, 3), 85);
    let url = world.url(&format!("/v1/streams/{}", streams[0]));
    let sent = client.post(format!("{url}/frames")).bearer_auth(&key).body(frame).send().await.unwrap();
    assert_eq!(sent.json::<Value>().await.unwrap()["decision"], "cut");
    browser.shows("beyond doubt").await;
    stage.is_text("the wall", PAYLOADS[0], 0).await;
    until("the episode is on record", async || {
        let held = world.site.objects("held").len();
        if held >= 1 { Ok(()) } else { Err(held) }
    })
    .await;
    client.delete(&url).bearer_auth(&key).send().await.unwrap();
    let episode = format!("/console/episodes/{}/1", streams[0]);
    until("it is over", async || {
        let answer = stage.bob.get(&episode).await;
        if answer.status() == 200 { Ok(()) } else { Err(answer.status()) }
    })
    .await;
    for payload in PAYLOADS {
        let scores = json!({ payload: 0.5 }).to_string();
        stage.sql("UPDATE episodes SET scores = $2 WHERE stream = $1", &[&streams[0], &scores]).await;
        stage.shows(&episode, payload, 1).await;
    }
    // What a browser says that it is, and an address that is hardly one.
    for payload in [PAYLOADS[0], PAYLOADS[1], PAYLOADS[4]] {
        let fields = format!("email=ann%40example.org&password={}", encoded(PASSWORD));
        let sent = client.post(world.url("/console/sign-in")).header("user-agent", payload);
        let sent = sent.header("content-type", "application/x-www-form-urlencoded").body(fields);
        assert!(sent.send().await.unwrap().status().is_success());
        stage.shows("/console/account", payload, 1).await;
        let address = format!("{}@example.org", payload.to_lowercase().replace(' ', "/"));
        world.invite(&address, "moderator", "*").await;
        stage.shows("/console/users", &address, 1).await;
        let policy = format!(
            "[[rule]]\nname = {}\nabout = {}\nwhen = \"true\"\nverdict = \"review\"\n",
            json!(payload),
            json!(payload)
        );
        let file = world.site.write("hostile.toml", policy.as_bytes());
        let applied = world.site.run(&["policy", "apply", file.to_str().unwrap(), "--tenant", "acme"]).await;
        let shown = usize::from(applied.code() == 0);
        stage.shows("/console/policy?tenant=acme", payload, shown).await;
        browser
            .eval(&format!("document.querySelector('main textarea').value = {}", json!(policy + payload)))
            .await;
        browser.click("button[value=try]").await;
        browser.element("main").await;
        stage.is_text("the policy", payload, 0).await;
    }
}
