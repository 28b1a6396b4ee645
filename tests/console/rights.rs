//! Queues that somebody sees and others do not, second factors at rest, and whose copy of a picture it is.

use crate::{
    people::{Visitor, field, location, next_code},
    server::Server,
    world::World,
};
use lazaret::{access::totp, ports::Clock, ports::clock::SystemClock};
use sqlx::{Connection, SqliteConnection};

const OPEN: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

pub const QUEUES: &str = "[[rule]]\nname = \"pictures\"\nabout = \"pictures\"\n\
    when = \"file.media_type.startsWith('image/')\"\nverdict = \"review\"\n\
    [[rule]]\nname = \"documents\"\nabout = \"the rest\"\nwhen = \"true\"\nverdict = \"review\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anothers_queue_is_not_there() {
    let world = World::start(OPEN).await;
    // Filed under the name of the rule that sent it to people.
    let policy = world.site.write("queues.toml", QUEUES.as_bytes());
    let applied = world.site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let ann = Visitor::arrive_at(&world, "ann@example.org", "senior", "*", "documents").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let queue = ann.page("/console/queue").await;
    assert!(queue.contains(&letter) && !queue.contains(&photo), "{queue}");
    assert!(!ann.page("/console/queue?type=image/").await.contains(&photo), "no filter shows more");
    assert!(!ann.page(&format!("/console/items/{letter}")).await.contains(&photo), "nor is it a neighbour");
    assert!(bob.page(&format!("/console/items/{letter}")).await.contains(&photo));
    for path in ["/console/streams", "/console/streams/events"] {
        assert_eq!(ann.get(path).await.status(), 404, "live streams are a queue of their own: {path}");
    }
    assert_eq!(ann.get(&format!("/console/items/{letter}")).await.status(), 200);
    let page = bob.page(&format!("/console/items/{photo}")).await;
    let view = page.split("/media?view=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let csrf = ann.csrf("/console/queue").await;
    for path in [
        format!("/console/items/{photo}"),
        format!("/console/items/{photo}/media"),
        format!("/console/items/{photo}/media?view={view}"),
    ] {
        assert_eq!(ann.get(&path).await.status(), 404, "{path}");
    }
    // Also with the token of one's own session: it opens no door.
    let own = ann_view(&ann, &photo);
    assert_eq!(ann.get(&format!("/console/items/{photo}/media?view={own}")).await.status(), 404);
    for (deed, choice) in [("take", ""), ("rule", "quarantine:spam"), ("rule", "note:note")] {
        let fields = [("csrf", csrf.as_str()), ("fence", "1"), ("choice", choice), ("note", "x")];
        let answer = ann.send(&format!("/console/items/{photo}/{deed}"), &fields).await;
        assert_eq!(answer.status(), 404, "{deed} {choice}");
    }
    let bulk = [("csrf", csrf.as_str()), ("item", &photo), ("choice", "quarantine:spam")];
    let preview = ann.send("/console/bulk", &bulk).await.text().await.unwrap();
    assert!(preview.contains("There is no such item") && !preview.contains("photo.jpg"), "{preview}");
    assert_eq!(ann.send("/console/bulk/decide", &bulk).await.status(), 409);
    let mut handed = Vec::new();
    for _ in 0..3 {
        let to = location(&ann.send("/console/next", &[("csrf", &csrf)]).await);
        if let Some(id) = to.strip_prefix("/console/items/") {
            handed.push(id.to_owned());
            assert_eq!(ann.rule(id, "quarantine:spam", &[]).await.status(), 303);
        }
    }
    assert_eq!(handed, [letter], "her own queue, and no more");
    assert_eq!(world.server.show(&photo).await["state"], "in_review");
    assert!(!bob.page(&format!("/console/items/{photo}")).await.contains("quarantine: spam"));
    // Whose queues change is signed out, and sees the new ones after.
    let admin = Visitor::arrive(&world, "zoe@example.org", "admin", "*").await;
    let people = admin.page("/console/users").await;
    assert!(people.contains("value=\"documents\""), "{people}");
}

/// The id of an account that the page of people shows.
fn account(people: &str, email: &str) -> Option<String> {
    let row = people.split_once(&format!("<td>{email}</td>"))?.1.split("</tr>").next()?;
    Some(row.split_once("/console/users/")?.1.split('"').next()?.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_escalated_is_listed_for_seniors_and_opened_but_not_decided_by_others() {
    let world = World::start(OPEN).await;
    let photo = world.photo("photo.jpg", 1).await;
    let item = format!("/console/items/{photo}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    assert_eq!(ann.rule(&photo, "escalate:unsure", &[]).await.status(), 303);
    assert!(zoe.page("/console/queue").await.contains("photo.jpg"));
    assert!(!bob.page("/console/queue").await.contains("photo.jpg"));
    let csrf = bob.csrf("/console/queue").await;
    let next = bob.send("/console/next", &[("csrf", &csrf)]).await;
    assert!(!location(&next).contains(&photo), "{next:?}");
    // By its address they see all of it, and what became of it.
    let page = bob.page(&item).await;
    assert!(
        page.contains("It was escalated: a senior decides it.") && !page.contains("id=\"take\""),
        "{page}"
    );
    let view = page.split("/media?view=").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(bob.get(&format!("{item}/media?view={view}")).await.status(), 200);
    // And decide nothing.
    assert_eq!(bob.send(&format!("{item}/take"), &[("csrf", &csrf)]).await.status(), 403);
    for choice in ["approve:harmless", "quarantine:spam", "escalate:unsure"] {
        assert_eq!(bob.rule_untaken(&photo, choice).await.status(), 403, "{choice}");
    }
    let many = [("csrf", csrf.as_str()), ("item", &photo), ("choice", "quarantine:spam")];
    let many = bob.send("/console/bulk/decide", &many).await;
    assert_eq!(many.status(), 409);
    assert!(many.text().await.unwrap().contains("a senior decides it"));
    assert_eq!(zoe.rule(&photo, "quarantine:spam", &[]).await.status(), 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_of_some_tenants_decides_on_no_others() {
    let world = World::start(OPEN).await;
    let root = Visitor::arrive(&world, "root@example.org", "admin", "*").await;
    let lee = Visitor::arrive(&world, "lee@example.org", "admin", "globex").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "globex").await;
    Visitor::arrive(&world, "zoe@example.org", "moderator", "acme,globex").await;
    let all = root.page("/console/users").await;
    let people = lee.page("/console/users").await;
    assert!(account(&people, "zoe@example.org").is_none() && !people.contains("root@example.org"));
    let csrf = lee.csrf("/console/users").await;
    let act = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        lee.send(path, &fields).await.status().as_u16()
    };
    for tenants in ["*", "acme", "acme,globex"] {
        let new = [("email", "new@example.org"), ("role", "admin"), ("tenants", tenants), ("queues", "*")];
        assert_eq!(act("/console/users", &new).await, 403, "{tenants}");
    }
    for email in ["root@example.org", "zoe@example.org"] {
        // Nobody's own account is shown with a form: the others' pages tell its id.
        let id = account(&all, email).or_else(|| account(&people, email));
        let Some(id) = id else { continue };
        let path = format!("/console/users/{id}");
        for what in ["reset", "link", "disable", "enable", "lift", "save"] {
            let fields = [("do", what), ("role", "auditor"), ("tenants", "globex"), ("queues", "*")];
            assert_eq!(act(&path, &fields).await, 404, "{email}: {what}");
        }
    }
    let path = format!("/console/users/{}", account(&people, "bob@example.org").unwrap());
    let save = |tenants| [("do", "save"), ("role", "senior"), ("tenants", tenants), ("queues", "image")];
    assert_eq!(act(&path, &save("*")).await, 403);
    assert_eq!(bob.get("/console/queue").await.status(), 200);
    // What he may do is another: his sessions are over.
    assert_eq!(act(&path, &save("globex")).await, 303);
    assert!(location(&bob.get("/console/queue").await).starts_with("/console/sign-in"));
    let people = lee.page("/console/users").await;
    assert!(people.contains("value=\"image\""), "{people}");
    // A reset takes the password, and gives a link.
    let mut new = Visitor::new(&world);
    let fields = [("csrf", csrf.as_str()), ("do", "reset")];
    let page = lee.send(&path, &fields).await.text().await.unwrap();
    let link = page.split("/console/link/").nth(1).unwrap().split(['"', '<', ' ']).next().unwrap();
    let tried = [("email", "bob@example.org"), ("password", crate::people::PASSWORD)];
    assert_eq!(new.send("/console/sign-in", &tried).await.status(), 401);
    new.enter(&format!("/console/link/{link}"), &[]).await;
    assert_eq!(location(&new.get("/console/queue").await), "/console/account/password");
}

fn ann_view(ann: &Visitor, id: &str) -> String {
    lazaret::access::Token::parse(&ann.cookie).unwrap().derive(&format!("media {id}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_bears_the_name_of_who_looks_at_it() {
    let world = World::start(OPEN).await;
    let id = world.photo("photo.jpg", 1).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let shown = async |who: &Visitor| {
        let answer = who.get(&format!("/console/items/{id}/media?view={}", ann_view(who, &id))).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        let bytes = answer.bytes().await.unwrap();
        turbojpeg::decompress(&bytes, turbojpeg::PixelFormat::RGB).unwrap().pixels
    };
    let (hers, his, again) = (shown(&ann).await, shown(&bob).await, shown(&ann).await);
    let differ = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > 30).count();
    assert_eq!(differ(&hers, &again), 0);
    assert!(differ(&hers, &his) > 500, "in the pixels, not over them: {}", differ(&hers, &his));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_factors_are_sealed_at_rest_those_from_before_too() {
    let world = World::start("").await;
    let mut ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let page = ann.page("/console/account/totp").await;
    let (csrf, secret) = (field(&page, "csrf"), field(&page, "secret"));
    let code = totp::code_now(&secret, SystemClock.now()).unwrap();
    let fields = [("csrf", csrf.as_str()), ("secret", &secret), ("code", &code)];
    let enrolled = ann.send("/console/account/totp", &fields).await;
    assert!(enrolled.text().await.unwrap().contains("Backup codes"));

    let file = format!("sqlite:{}", world.site.data("lazaret.db").display());
    let stored = async || {
        let mut store = SqliteConnection::connect(&file).await.unwrap();
        let stored: String = sqlx::query_scalar("SELECT totp FROM people WHERE totp IS NOT NULL")
            .fetch_one(&mut store)
            .await
            .unwrap();
        store.close().await.unwrap();
        stored
    };
    let sealed = stored().await;
    assert!(sealed.starts_with("sealed.1.") && !sealed.contains(&secret), "{sealed}");
    let sign_in = async |ann: &mut Visitor| {
        let fields = [("email", "ann@example.org"), ("password", crate::people::PASSWORD)];
        ann.enter("/console/sign-in", &fields).await;
        let csrf = ann.csrf("/console/code").await;
        let code = next_code(&secret);
        ann.enter("/console/code", &[("csrf", &csrf), ("code", &code)]).await
    };
    assert_eq!(sign_in(&mut ann).await, "/console/queue");

    // As an earlier version left it.
    let World { site, server } = world;
    server.terminate();
    server.ended().await;
    let mut store = SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("UPDATE people SET totp = $1, totp_step = 0")
        .bind(&secret)
        .execute(&mut store)
        .await
        .unwrap();
    store.close().await.unwrap();
    let server = Server::ready(&site).await;
    let sealed_anew = stored().await;
    assert!(sealed_anew.starts_with("sealed.1.") && sealed_anew != sealed, "{sealed_anew}");
    let world = World { site, server };
    let mut ann = Visitor::new(&world);
    assert_eq!(sign_in(&mut ann).await, "/console/queue");
    let key = std::fs::read_to_string(world.site.data("console.key")).unwrap();
    assert_eq!(key.len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_keeps_to_tenants_and_queues() {
    let world = World::start(OPEN).await;
    let policy = world.site.write("queues.toml", QUEUES.as_bytes());
    for tenant in ["acme", "globex"] {
        let applied =
            world.site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", tenant]).await;
        assert_eq!(applied.code(), 0, "{applied:?}");
    }
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let other = world.site.key("globex").await;
    let sent = world.server.client.post(world.url("/v1/uploads?filename=theirs.pdf")).bearer_auth(&other);
    let sent = sent.body(lazaret_fixtures::document::pdf()).send().await.unwrap();
    let theirs = crate::upload::accepted(sent).await;
    world
        .server
        .client
        .get(world.url(&format!("/v1/uploads/{theirs}?wait=20s")))
        .bearer_auth(&other)
        .send()
        .await
        .unwrap();
    let made = world.site.run(&["key", "create", "--tenant", "acme", "--scopes", "stream", "--json"]).await;
    let key = made.json()[0]["key"].as_str().unwrap().to_owned();
    let opened = world.server.client.post(world.url("/v1/streams")).bearer_auth(key);
    let opened = opened.json(&serde_json::json!({})).send().await.unwrap();
    let opened: serde_json::Value = opened.json().await.unwrap();
    let stream = opened["id"].as_str().unwrap().to_owned();

    let mut logs = Vec::new();
    let who =
        [("all", "*", "*"), ("acme", "acme", "*"), ("papers", "*", "documents"), ("live", "acme", "stream")];
    for (name, tenants, queues) in who {
        let email = format!("{name}@example.org");
        let person = Visitor::arrive_at(&world, &email, "auditor", tenants, queues).await;
        let log = person.page("/console/audit/export?format=jsonl").await;
        let page = person.page("/console/audit").await;
        let kinds = ["user.added", "key.created", "policy.applied"];
        let subjects = [&photo, &letter, &theirs, &stream].map(|id| id.as_str());
        let seen = |text: &str| {
            [&subjects[..], &kinds]
                .concat()
                .into_iter()
                .map(|what| u8::from(text.contains(what)))
                .collect::<Vec<_>>()
        };
        assert_eq!(seen(&page), seen(&log), "{name}: the export shows what the page does");
        for id in subjects {
            let one = person.page(&format!("/console/audit/export?format=jsonl&subject={id}")).await;
            assert_eq!(!one.is_empty(), log.contains(id), "{name}: no filter shows more");
        }
        logs.push((name, seen(&log)));
    }
    let expected = [
        ("all", vec![1, 1, 1, 1, 1, 1, 1]),
        ("acme", vec![1, 1, 0, 1, 0, 1, 1]),
        ("papers", vec![0, 1, 1, 0, 0, 0, 0]),
        ("live", vec![0, 0, 0, 1, 0, 0, 0]),
    ];
    assert_eq!(logs, expected);
}
