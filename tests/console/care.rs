//! How much of what is hard to look at somebody may see.

use crate::{
    browser::Browser,
    people::{Visitor, arrive, field, location},
    wait::until,
    world::World,
};

/// Everything counts as mild here; two of it are enough, and after the first a rest is offered.
const CARE: &str = "[console]\ntotp = false\nundo = \"10m\"\nlease = \"6s\"\n\
    [console.care]\noffer = 0.5\n[console.care.low]\nviews = 2\ntime = \"1h\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rest_is_offered_then_due_and_an_admin_lifts_it() {
    let world = World::start(CARE).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(world.letter(&format!("letter-{n}.pdf")).await);
    }
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let csrf = ann.csrf("/console/queue").await;
    let next = async || location(&ann.send("/console/next", &[("csrf", &csrf)]).await);
    let offered = async |path: &str| ann.page(path).await.contains("Take a rest</a>");
    assert!(!offered("/console/queue").await);
    let first = next().await;
    ann.page(&first).await;
    assert!(offered("/console/queue").await, "half of it");
    let id = first.rsplit('/').next().unwrap().to_owned();
    assert_eq!(ann.rule(&id, "quarantine:spam", &[]).await.status(), 303);
    let second = next().await;
    ann.page(&second).await;

    // Enough. What is in hand is decided, and leads to the rest.
    assert_eq!(location(&ann.get("/console/queue").await), "/console/pause");
    assert_eq!(next().await, "/console/pause");
    let page = ann.page(&second).await;
    let fence = field(&page, "fence");
    let decided =
        [("csrf", csrf.as_str()), ("fence", &fence), ("choice", "quarantine:spam"), ("then", "next")];
    assert_eq!(location(&ann.send(&format!("{second}/rule"), &decided).await), "/console/pause");
    let other = ids.iter().find(|id| !first.ends_with(*id) && !second.ends_with(*id)).unwrap();
    let item = format!("/console/items/{other}");
    assert_eq!(location(&ann.get(&item).await), "/console/pause", "also by its address");
    assert_eq!(location(&ann.send(&format!("{item}/take"), &[("csrf", &csrf)]).await), "/console/pause");
    let bulk = [("csrf", csrf.as_str()), ("item", other), ("choice", "quarantine:spam")];
    for path in ["/console/bulk", "/console/bulk/decide"] {
        assert_eq!(location(&ann.send(path, &bulk).await), "/console/pause", "{path}");
    }
    assert!(ann.page("/console/pause").await.contains("Enough for today"));
    assert!(ann.page("/console/account").await.contains("What you looked at today"));
    let undo = [("csrf", csrf.as_str()), ("upload", &id), ("number", "1")];
    assert!(
        location(&ann.send("/console/undo", &undo).await).ends_with("said=undone"),
        "one's own slip is mended"
    );

    let zoe = Visitor::arrive(&world, "zoe@example.org", "admin", "*").await;
    let people = zoe.page("/console/users").await;
    assert!(people.contains("rests today"));
    let form = people.split("value=\"lift\"").next().unwrap().rsplit("/console/users/").next().unwrap();
    let person = form.split('"').next().unwrap().to_owned();
    let lift = format!("/console/users/{person}");
    assert_eq!(ann.send(&lift, &[("csrf", &csrf), ("do", "lift")]).await.status(), 403, "not by oneself");
    let theirs = field(&people, "csrf");
    assert!(location(&zoe.send(&lift, &[("csrf", &theirs), ("do", "lift")]).await).ends_with("said=lifted"));
    assert_eq!(ann.get("/console/queue").await.status(), 200);
    assert_eq!(ann.get(&item).await.status(), 200);
    // Who looked at what, and for how long, is on record.
    until("all views are over", async || {
        let log = zoe.page("/console/audit/export?format=jsonl&action=item.left").await;
        let views = log.lines().filter(|line| line.contains("\"seconds\"") && line.contains(&person)).count();
        if views >= 3 { Ok(()) } else { Err(log) }
    })
    .await;
    let lifted = zoe.page("/console/audit/export?format=jsonl&action=care.lifted").await;
    assert!(lifted.contains(&person), "{lifted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_limit_what_was_in_hand_is_not_shown_once_its_time_is_over() {
    let world = World::start(CARE).await;
    for name in ["a.pdf", "b.pdf"] {
        world.letter(name).await;
    }
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let csrf = ann.csrf("/console/queue").await;
    let next = async || location(&ann.send("/console/next", &[("csrf", &csrf)]).await);
    let rule = async |item: &str, fence: &str, then: &str| {
        let fields =
            [("csrf", csrf.as_str()), ("fence", fence), ("choice", "quarantine:spam"), ("then", then)];
        location(&ann.send(&format!("{item}/rule"), &fields).await)
    };
    let first = next().await;
    let fence = field(&ann.page(&first).await, "fence");
    assert!(rule(&first, &fence, "stay").await.ends_with("said=ruled"));
    let item = next().await;
    let fence = field(&ann.page(&item).await, "fence");
    assert_eq!(location(&ann.get("/console/queue").await), "/console/pause", "it is enough");
    assert_eq!(ann.get(&item).await.status(), 200, "she may bring it to its end");
    let came_back = async || bob.page("/console/queue").await.contains("came back");
    until("her time with it is over", async || if came_back().await { Ok(()) } else { Err(()) }).await;
    assert_eq!(location(&ann.get(&item).await), "/console/pause");
    assert_eq!(location(&ann.send(&format!("{item}/take"), &[("csrf", &csrf)]).await), "/console/pause");
    let more = [("csrf", csrf.as_str()), ("fence", fence.as_str())];
    assert_eq!(
        ann.send(&format!("{item}/extend"), &more).await.status(),
        409,
        "not by her page's script either"
    );
    assert!(came_back().await, "nor is she given more time");
    // What she made up her mind about counts, for nobody else has it.
    assert_eq!(rule(&item, &fence, "next").await, "/console/pause");
    assert!(!bob.page("/console/queue").await.contains(&item));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_is_a_calm_page_and_time_counts_while_the_page_is_open() {
    let world = World::start(&CARE.replace("views = 2\ntime = \"1h\"", "views = 0\ntime = \"12s\"")).await;
    let id = world.photo("photo.jpg", 3).await;
    world.letter("letter.pdf").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    browser.press("r").await;
    browser.element("#decision").await;
    // The page says that it is there, and its time counts: in the end nothing more is handed out.
    let watcher = Visitor::arrive(&world, "zoe@example.org", "admin", "*").await;
    until("the time is up", async || {
        let people = watcher.page("/console/users").await;
        if people.contains("rests today") { Ok(()) } else { Err(()) }
    })
    .await;
    browser.click("input[value='quarantine:spam']").await;
    browser.click("#next").await;
    browser.shows("Enough for today").await;
    browser.shoot("pause").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.go(&world.url("/console/account")).await;
    browser.shows("What you looked at today").await;
    browser.shoot("account-care").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
}

/// What the account's page says of a level: how often.
pub async fn views(visitor: &Visitor, level: &str) -> String {
    let page = visitor.page("/console/account").await;
    let row = page.split(&format!("<th scope=\"row\">{level}")).nth(1);
    row.map_or_else(String::new, |row| {
        row.split("class=\"num\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sealed_counts_as_hard_whatever_a_machine_made_of_it() {
    let world = World::start("[console]\ntotp = false\nundo = \"1s\"\n").await;
    let id = world.photo("photo.jpg", 3).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    zoe.page(&format!("/console/items/{id}")).await;
    assert_eq!((views(&zoe, "mild").await.as_str(), views(&zoe, "hard").await.as_str()), ("1", "0"));
    assert_eq!(ann.rule(&id, "quarantine:child_abuse", &[]).await.status(), 303);
    world.becomes(&id, "quarantined").await;
    let yan = Visitor::arrive(&world, "yan@example.org", "senior", "*").await;
    yan.page(&format!("/console/items/{id}")).await;
    assert_eq!((views(&yan, "mild").await.as_str(), views(&yan, "hard").await.as_str()), ("0", "1"));
    assert!(yan.page("/console/queue").await.contains("today 1 hard"));
    // Its picture is of the same view as its page; by its address alone it is a view as well.
    let xan = Visitor::arrive(&world, "xan@example.org", "senior", "*").await;
    for who in [&yan, &xan, &xan] {
        let view = lazaret::access::Token::parse(&who.cookie).unwrap().derive(&format!("media {id}"));
        who.get(&format!("/console/items/{id}/media?view={view}")).await;
        assert_eq!(views(who, "hard").await, "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_counts_on_a_page_that_holds_nothing() {
    let world = World::start(&CARE.replace("views = 2\ntime = \"1h\"", "views = 0\ntime = \"8s\"")).await;
    let id = world.photo("photo.jpg", 3).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    let watcher = Visitor::arrive(&world, "zoe@example.org", "admin", "*").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    browser.element("#take").await;
    until("the time is up", async || {
        let people = watcher.page("/console/users").await;
        if people.contains("rests today") { Ok(()) } else { Err(()) }
    })
    .await;
    // Left, it is over in the end, and on record.
    browser.go(&world.url("/console/pause")).await;
    until("the view is over", async || {
        let log = watcher.page("/console/audit/export?format=jsonl&action=item.left&actor=ann").await;
        if log.contains(&id) { Ok(()) } else { Err(log) }
    })
    .await;
}
