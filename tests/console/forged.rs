//! Forms from elsewhere, at every address that takes one: the router's own text says which, so none is forgotten.

use crate::{
    people::{PASSWORD, Visitor, location},
    world::World,
};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

const ROUTER: &str = include_str!("../../src/console/mod.rs");

/// They begin a session: there is no token yet, and only the browser's word for where they come from.
const BEFORE: [&str; 2] = ["/console/sign-in", "/console/link/{token}"];

/// What people change, but for drafts: what comes with another's token is kept for that other.
const TABLES: [&str; 12] = [
    "people",
    "sessions",
    "links",
    "identities",
    "tries",
    "reviews",
    "rulings",
    "views",
    "lifts",
    "policies",
    "audit",
    "stream_rulings",
];

/// The addresses that forms are taken at.
fn routes() -> Vec<&'static str> {
    for other in [".put(", ".patch(", ".delete(", ".any(", ".on(", ".merge(", ".nest("] {
        assert!(!ROUTER.contains(other), "what comes by {other} is tried by nobody here");
    }
    let posts = ROUTER.split(".route(").skip(1).filter(|route| route.contains("post("));
    posts.map(|route| route.split('"').nth(1).unwrap()).collect()
}

/// Every row of these tables.
async fn stored(world: &World) -> Vec<(&'static str, String)> {
    let file = format!("sqlite:{}?mode=ro", world.site.data("lazaret.db").display());
    let mut store = SqliteConnection::connect(&file).await.unwrap();
    let mut all = Vec::new();
    for table in TABLES {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1) ORDER BY cid")
            .bind(table)
            .fetch_all(&mut store)
            .await
            .unwrap();
        let columns: Vec<_> = columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
        let rows = format!("SELECT coalesce(group_concat({}), '') FROM {table}", columns.join(" || ' ' || "));
        let rows: String = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut store).await.unwrap();
        all.push((table, rows));
    }
    store.close().await.unwrap();
    all
}

pub async fn open_stream(world: &World) -> String {
    let made = world.site.run(&["key", "create", "--tenant", "acme", "--scopes", "stream", "--json"]).await;
    let key = made.json()[0]["key"].as_str().unwrap().to_owned();
    let asked = world.server.client.post(world.url("/v1/streams")).bearer_auth(key);
    let opened = asked.json(&serde_json::json!({})).send().await.unwrap();
    let opened: serde_json::Value = opened.json().await.unwrap();
    opened["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_form_from_elsewhere_is_taken_at_any_address() {
    let routes = routes();
    assert!(routes.len() > 30, "the router is read: {routes:?}");
    let world = World::start("[console]\ntotp = false\nundo = \"10m\"\n").await;
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let stream = open_stream(&world).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "admin", "*").await;
    Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let eve = Visitor::arrive(&world, "eve@example.org", "moderator", "*").await;
    let others = eve.csrf("/console/queue").await;

    // There is something to take back, to throw away, to decide and to change at each.
    assert_eq!(ann.rule(&letter, "quarantine:spam", &[]).await.status(), 303);
    let (csrf, fence) = ann.take(&photo).await;
    let cut = [("csrf", csrf.as_str()), ("choice", "cut:nudity"), ("last", "0")];
    assert_eq!(ann.send(&format!("/console/streams/{stream}/hand"), &cut).await.status(), 303);
    let note = [("csrf", csrf.as_str()), ("choice", "note:note"), ("note", "x")];
    let kept = Visitor::new(&world).send(&format!("/console/items/{photo}/rule"), &note).await;
    let draft = location(&kept).rsplit("%2F").next().unwrap().to_owned();
    let people = ann.page("/console/users").await;
    let bob = people.split("action=\"/console/users/").nth(1).unwrap().split('"').next().unwrap();

    let more = [
        ("fence", fence.as_str()),
        ("why", "not_now"),
        ("item", &photo),
        ("upload", &letter),
        ("number", "1"),
        ("last", "1"),
        ("email", "new@example.org"),
        ("role", "admin"),
        ("tenants", "*"),
        ("queues", "*"),
        ("tenant", "acme"),
        ("text", "[[rule]]\nname = \"x\"\nwhen = \"true\"\nverdict = \"publish\"\n"),
        ("old", PASSWORD),
        ("password", PASSWORD),
        ("new", "tiefer Schnee im Mai"),
        ("again", "tiefer Schnee im Mai"),
        ("secret", "0123456789012345678901234567890123456789"),
        ("code", "000000"),
        ("active", "1"),
    ];
    let made_up = "A".repeat(csrf.len());
    let before = stored(&world).await;
    for route in &routes {
        let id: &str = match route.split('/').nth(2).unwrap() {
            "items" => &photo,
            "streams" => &stream,
            "users" => bob,
            "drafts" => &draft,
            _ => "",
        };
        let path = route.replace("{id}", id).replace("{stream}", &stream).replace("{number}", "1");
        let path = path.replace("{token}", &made_up);
        assert!(!path.contains(['{', '}']) && !path.contains("//"), "what is to stand in {path}?");
        let choice = if path.ends_with("/hand") { "clear:harmless" } else { "quarantine:spam" };
        let act = match *route {
            "/console/policy" => "save",
            "/console/insight/dead" => "all",
            _ => "disable",
        };
        let rest = [&[("choice", choice), ("do", act)][..], &more].concat();
        let forged = [("a made-up token", &*made_up), ("another's", &others), ("one cut short", &csrf[1..])];
        for (what, token) in [("no token", "")].into_iter().chain(forged).filter(|_| !BEFORE.contains(route))
        {
            let token = Some(("csrf", token)).filter(|(_, token)| !token.is_empty());
            let fields: Vec<_> = token.into_iter().chain(rest.iter().copied()).collect();
            assert_eq!(ann.send(&path, &fields).await.status(), 403, "{path}: {what}");
        }
        let fields = [&[("csrf", csrf.as_str())][..], &rest].concat();
        for (header, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
        ] {
            let answer = ann.post(&path, &fields).header(header, value).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{path}: her own token, and {header}: {value}");
        }
    }
    assert_eq!(stored(&world).await, before);
    assert_eq!(ann.get(&format!("/console/drafts/{draft}")).await.status(), 303, "it is there still");
    let own = [("csrf", csrf.as_str()), ("fence", &fence)];
    assert_eq!(ann.send(&format!("/console/items/{photo}/extend"), &own).await.status(), 204);
}
