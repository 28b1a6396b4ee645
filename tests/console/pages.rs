use crate::{
    browser::Browser,
    people::{Visitor, arrive, field},
    world::World,
};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
/// What stands out of a page that scrolls sideways.
const TOO_WIDE: &str = "return document.documentElement.scrollWidth <= innerWidth ? null : \
    [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth) \
    .map((one) => one.outerHTML.slice(0, 90))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_on_any_page_wide_and_narrow() {
    let world = World::start(LONG).await;
    let photo = world.photo("photo.jpg", 3).await;
    let letter = world.letter("letter.pdf").await;
    // A name without a break is as long as it may be.
    let report =
        serde_json::json!({ "category": "spam", "text": "x".repeat(900), "reporter": "u".repeat(128) });
    assert_eq!(world.says(&letter, "reports", report).await, 202);
    let broken = world
        .in_review(
            "broken.png",
            &lazaret_fixtures::picture::png(&lazaret_fixtures::picture::landscape(320, 240, 5))[..900],
        )
        .await;
    let pages = [
        ("queue", "/console/queue".to_owned()),
        ("queue-filtered", "/console/queue?type=image/&older=7d".to_owned()),
        ("item-photo", format!("/console/items/{photo}")),
        ("item-letter", format!("/console/items/{letter}")),
        ("item-broken", format!("/console/items/{broken}")),
        ("audit", "/console/audit".to_owned()),
        ("streams", "/console/streams".to_owned()),
        ("insight", "/console/insight".to_owned()),
        ("engines", "/console/insight/engines".to_owned()),
        ("policy", "/console/policy?tenant=acme".to_owned()),
        ("account", "/console/account".to_owned()),
        ("pause", "/console/pause".to_owned()),
        ("password", "/console/account/password".to_owned()),
        ("totp-form", "/console/account/totp".to_owned()),
        ("users", "/console/users".to_owned()),
        ("missing", "/console/items/none".to_owned()),
        ("sign-in-form", "/console/sign-in".to_owned()),
    ];
    for size in ["wide", "dark", "phone"] {
        let browser = Browser::sized(1440, 900).await;
        match size {
            "dark" => browser.darken().await,
            "phone" => browser.shrink(360, 740).await,
            _ => {}
        }
        arrive(&browser, &world, &format!("{size}@example.org"), "admin").await;
        for (name, path) in &pages {
            browser.go(&world.url(path)).await;
            if *name == "item-letter" && browser.has("#take button").await {
                browser.click("#take button").await;
                browser.element("#decision").await;
            }
            browser.shoot(&format!("{name}-{size}")).await;
            assert_eq!(browser.axe().await, Vec::<String>::new(), "{name} {size}");
            let wider = browser.eval(TOO_WIDE).await;
            assert!(wider.is_null(), "{name} {size} scrolls sideways: {wider}");
            if size == "phone" {
                assert_eq!(browser.eval("return innerWidth").await, 360, "{name}");
            }
        }
        browser.go(&world.url("/console/items/none")).await;
        browser.shows("There is no such page").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_sees_everything_and_changes_nothing() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let auditor = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    let item = format!("/console/items/{id}");
    let page = auditor.page(&item).await;
    assert!(page.contains("You can look at everything here, and change nothing"));
    assert!(
        auditor.page("/console/audit").await.contains("item.viewed"),
        "and that they looked is on record"
    );
    let csrf = auditor.csrf("/console/queue").await;
    let forbidden = [
        ("/console/next".to_owned(), vec![]),
        (format!("{item}/take"), vec![]),
        (format!("{item}/rule"), vec![("choice", "quarantine:spam"), ("fence", "0")]),
        (format!("{item}/rule"), vec![("choice", "note:note"), ("note", "x"), ("fence", "0")]),
        ("/console/undo".to_owned(), vec![("upload", id.as_str()), ("number", "1")]),
        ("/console/users".to_owned(), vec![("email", "x@y.z"), ("role", "admin"), ("tenants", "*")]),
        ("/console/policy".to_owned(), vec![("tenant", "acme"), ("text", "x"), ("do", "try")]),
        ("/console/insight/dead".to_owned(), vec![("do", "all")]),
    ];
    for (path, fields) in forbidden {
        let fields: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields).collect();
        assert_eq!(auditor.send(&path, &fields).await.status(), 403, "{path}");
    }
    assert_eq!(auditor.get("/console/users").await.status(), 403);
    assert_eq!(world.server.show(&id).await["state"], "in_review");
    // And a moderator does not read the log.
    let moderator = Visitor::arrive(&world, "mod@example.org", "moderator", "*").await;
    for path in ["/console/audit", "/console/audit/export?format=csv", "/console/users"] {
        assert_eq!(moderator.get(path).await.status(), 403, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_item_is_gone_for_all_but_seniors_and_cannot_be_erased() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&id, "quarantine:child_abuse", &[]).await.status(), 303);
    assert_eq!(ann.get(&item).await.status(), 404);
    assert!(!ann.page("/console/queue").await.contains(&format!("{item}\"")), "in no list");
    let erased =
        world.server.client.delete(world.url(&format!("/v1/uploads/{id}"))).bearer_auth(&world.server.key);
    let erased = erased.send().await.unwrap();
    assert_eq!(erased.status(), 409);
    let problem: serde_json::Value = erased.json().await.unwrap();
    assert_eq!(problem["code"], "upload.held");
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    assert!(zoe.page(&item).await.contains("sealed: each view is on record"));
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    assert_eq!(eve.get(&item).await.status(), 404);
    let log = eve.page(&format!("/console/audit/export?format=jsonl&subject={id}&action=item.viewed")).await;
    assert!(log.lines().next().unwrap().contains("\"sealed\":true"), "{log}");
    // Its picture alone, too, whose address is the same for all of a session.
    let shown = async || {
        let log =
            eve.page(&format!("/console/audit/export?format=jsonl&subject={id}&action=item.shown")).await;
        log.lines().count()
    };
    let before = shown().await;
    let view = lazaret::access::Token::parse(&zoe.cookie).unwrap().derive(&format!("media {id}"));
    zoe.get(&format!("{item}/media?view={view}")).await;
    assert_eq!(shown().await, before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_ended_and_end_with_the_password() {
    let world = World::start(LONG).await;
    let mut ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let mut phone = Visitor::new(&world);
    let fields = [("email", "ann@example.org"), ("password", crate::people::PASSWORD)];
    phone.enter("/console/sign-in", &fields).await;
    let page = ann.page("/console/account").await;
    assert_eq!(page.matches("name=\"session\"").count(), 1, "the other one can be ended");
    let csrf = field(&page, "csrf");
    ann.send("/console/account/end", &[("csrf", &csrf), ("session", &field(&page, "session"))]).await;
    assert_eq!(phone.get("/console/queue").await.status(), 303);

    phone.enter("/console/sign-in", &fields).await;
    let old = ann.cookie.clone();
    let csrf = ann.csrf("/console/account/password").await;
    let new = [
        ("csrf", csrf.as_str()),
        ("old", crate::people::PASSWORD),
        ("new", "tiefer Schnee im Mai"),
        ("again", "tiefer Schnee im Mai"),
    ];
    ann.enter("/console/account/password", &new).await;
    assert_eq!(ann.get("/console/queue").await.status(), 200);
    assert_eq!(phone.get("/console/queue").await.status(), 303, "the other device is out");
    let stolen = Visitor { cookie: old, ..Visitor::new(&world) };
    assert_eq!(stolen.get("/console/queue").await.status(), 303, "and the cookie from before");
    // A change of role ends them all.
    let disabled = world.site.run(&["user", "disable", "ann@example.org"]).await;
    assert_eq!(disabled.code(), 0);
    assert_eq!(ann.get("/console/queue").await.status(), 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_are_told_on_every_page() {
    let world = World::start(LONG).await;
    let letter = world.letter("letter.pdf").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "root@example.org", "admin").await;
    let item = format!("/console/items/{letter}");
    for (path, key) in [
        ("/console/queue", "start reviewing"),
        (item.as_str(), "go over the gaps"),
        ("/console/streams", "hold to reveal all frames"),
        ("/console/insight", "undo the last decision"),
        ("/console/policy", "undo the last decision"),
        ("/console/audit", "undo the last decision"),
        ("/console/users", "undo the last decision"),
        ("/console/account", "undo the last decision"),
    ] {
        browser.go(&world.url(path)).await;
        browser.press("?").await;
        browser.element("#keys[open]").await;
        let keys = browser.text("#keys").await;
        assert!(keys.contains(key), "{path}: {keys}");
        assert_eq!(browser.axe().await, Vec::<String>::new(), "{path}");
    }
}
