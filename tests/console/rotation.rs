//! A new key takes the old one's place, and nobody is locked out.

use crate::{
    people::{PASSWORD, Visitor, field, next_code},
    server::Server,
    wait::until,
    world::World,
};
use lazaret::{
    access::totp,
    ports::{Clock, clock::SystemClock},
};
use sqlx::{Connection, SqliteConnection};

const KEYS: [&str; 2] = ["a1", "b2"];

fn settings(key: &str, previous: &[&str]) -> String {
    let long = |key: &str| format!("\"{}\"", key.repeat(32));
    let previous: Vec<_> = previous.iter().map(|key| long(key)).collect();
    format!(
        "[console]\nkey = {}\nprevious_keys = [{}]\n[streams]\npull_private = [\"127.0.0.1\"]\npull_patience = \"10m\"\n",
        long(key),
        previous.join(", ")
    )
}

/// What this statement finds in the store, or what it changed.
async fn stored(world: &World, sql: &'static str, value: Option<&str>) -> String {
    let file = format!("sqlite:{}", world.site.data("lazaret.db").display());
    let mut store = SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("PRAGMA busy_timeout = 10000").execute(&mut store).await.unwrap();
    let found = match value {
        Some(value) => {
            sqlx::query(sql).bind(value.to_owned()).execute(&mut store).await.unwrap();
            String::new()
        }
        None => sqlx::query_scalar(sql).fetch_one(&mut store).await.unwrap(),
    };
    store.close().await.unwrap();
    found
}

const FACTOR: &str = "SELECT totp FROM people WHERE totp IS NOT NULL";
const SOURCE: &str = "SELECT source FROM streams WHERE source IS NOT NULL";

/// Begins anew with other settings.
async fn again(World { site, server }: World, settings: &str) -> World {
    server.terminate();
    server.ended().await;
    site.configure(settings);
    let server = Server::ready(&site).await;
    World { site, server }
}

/// Status and place of who signs in with the second factor.
async fn signs_in(world: &World, secret: &str) -> (u16, String) {
    // Each code is good once, and the test does not wait for the next.
    stored(world, "UPDATE people SET totp_step = CAST($1 AS INTEGER)", Some("0")).await;
    let mut ann = Visitor::new(world);
    ann.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    let csrf = ann.csrf("/console/code").await;
    let answer = ann.send("/console/code", &[("csrf", &csrf), ("code", &next_code(secret))]).await;
    (answer.status().as_u16(), crate::people::location(&answer))
}

/// What `doctor` says of the secrets: found, and what to do.
async fn doctor(world: &World) -> (String, String) {
    let ran = world.site.run(&["doctor", "--json"]).await;
    let line = ran.json().into_iter().find(|line| line["part"] == "secrets").expect("a line on secrets");
    (line["found"].as_str().unwrap().to_owned(), line["advice"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_rotated_without_a_reset() {
    let [old, new] = KEYS;
    let world = World::start(&settings(old, &[])).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let page = ann.page("/console/account/totp").await;
    let (csrf, secret) = (field(&page, "csrf"), field(&page, "secret"));
    let code = totp::code_now(&secret, SystemClock.now()).unwrap();
    ann.send("/console/account/totp", &[("csrf", &csrf), ("secret", &secret), ("code", &code)]).await;
    let made = world.site.run(&["key", "create", "--tenant", "acme", "--scopes", "stream", "--json"]).await;
    let key = made.json()[0]["key"].as_str().unwrap().to_owned();
    let opened = world.server.client.post(world.url("/v1/streams")).bearer_auth(&key);
    let opened = opened.json(&serde_json::json!({ "source": "rtmp://127.0.0.1:9/live/secret" })).send().await;
    assert_eq!(opened.unwrap().status(), 201);
    let (factor, source) = (stored(&world, FACTOR, None).await, stored(&world, SOURCE, None).await);
    let under = |sealed: &str| sealed.split('.').nth(2).unwrap().to_owned();
    let of_old = under(&factor);
    assert_eq!(of_old, under(&source));
    assert_eq!(signs_in(&world, &secret).await, (303, "/console/queue".to_owned()));
    assert_eq!(doctor(&world).await.0, "2 under console.key, 0 under one of before");

    // Another key alone opens nothing, and says what to do.
    let world = again(world, &settings(new, &[])).await;
    assert_eq!(signs_in(&world, &secret).await.0, 500);
    let (found, advice) = doctor(&world).await;
    assert!(
        found.starts_with("0 under console.key") && advice.contains("2 cannot be opened"),
        "{found} {advice}"
    );

    // First it is known, then it seals: as several machines do it one after the other.
    let world = again(world, &settings(old, &[new])).await;
    assert_eq!(signs_in(&world, &secret).await.0, 303);
    assert_eq!(under(&stored(&world, FACTOR, None).await), of_old);
    world.site.configure(&settings(new, &[old]));
    let (found, advice) = doctor(&world).await;
    assert!(
        found.contains("2 under one of before") && advice.contains("keep console.previous_keys"),
        "{found} {advice}"
    );
    let world = again(world, &settings(new, &[old])).await;
    let of_new = under(&stored(&world, FACTOR, None).await);
    assert_ne!(of_new, of_old, "sealed anew at the start");
    until("the source is sealed anew when it is fetched", async || {
        let now = under(&stored(&world, SOURCE, None).await);
        if now == of_new { Ok(()) } else { Err(now) }
    })
    .await;
    // A machine whose turn has not come yet writes under the old one: it is sealed anew when it is used.
    stored(&world, "UPDATE people SET totp = $1 WHERE totp IS NOT NULL", Some(&factor)).await;
    assert_eq!(signs_in(&world, &secret).await.0, 303);
    assert_eq!(under(&stored(&world, FACTOR, None).await), of_new);
    assert_eq!(
        doctor(&world).await,
        ("2 under console.key, 0 under one of before".to_owned(), "console.previous_keys can go".to_owned())
    );

    let world = again(world, &settings(new, &[])).await;
    assert_eq!(signs_in(&world, &secret).await, (303, "/console/queue".to_owned()));
    // One that is damaged keeps nobody else out.
    Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    stored(&world, "UPDATE people SET totp = $1 WHERE email = 'bob@example.org'", Some(&factor)).await;
    let world = again(world, &settings(new, &[old])).await;
    assert_eq!(signs_in(&world, &secret).await, (303, "/console/queue".to_owned()));
    // What is no key is refused, and not shown.
    world.site.configure(&settings(new, &["xy"]));
    let refused = world.site.run(&["config", "check"]).await;
    assert!(refused.code() != 0 && refused.err().contains("console.previous_keys"), "{refused:?}");
    assert!(!refused.err().contains("xyxy"), "{refused:?}");
}
