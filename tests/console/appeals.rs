//! What users say, from the application's call to the answer.

use crate::{
    browser::Browser,
    people::{Visitor, arrive, location},
    wait::until,
    world::World,
};
use serde_json::json;

const SHORT: &str = "[console]\ntotp = false\nundo = \"1s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_brings_back_what_is_published_and_an_appeal_goes_to_another_person() {
    let world = World::start(SHORT).await;
    let id = world.photo("photo.jpg", 5).await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&id, "approve:harmless", &[]).await.status(), 303);
    world.becomes(&id, "published").await;
    assert!(!ann.page("/console/queue").await.contains(&id));

    let report = json!({ "category": "hate", "text": "it <b>insults</b> us", "reporter": "user-17" });
    assert_eq!(world.says(&id, "reports", report).await, 202);
    assert_eq!(world.says(&id, "reports", json!({ "category": "spam", "reporter": "user-18" })).await, 202);
    assert!(ann.page("/console/queue").await.contains("2 reports"));
    let page = bob.page(&item).await;
    assert!(page.contains("insults") && !page.contains("<b>insults") && page.contains("user-17"), "{page}");
    assert_eq!(world.server.show(&id).await["state"], "published", "until somebody decides");
    assert_eq!(bob.rule(&id, "quarantine:hate", &[]).await.status(), 303);
    world.becomes(&id, "quarantined").await;
    assert!(bob.page(&item).await.contains("upheld"));

    let appeal = json!({ "text": "it is a ship, <b>really</b>", "appellant": "user-3" });
    assert_eq!(world.says(&id, "appeals", appeal.clone()).await, 202);
    assert_eq!(world.says(&id, "appeals", appeal).await, 202);
    // Who decided it does not get it, and may not decide it.
    let csrf = bob.csrf("/console/queue").await;
    assert_eq!(location(&bob.send("/console/next", &[("csrf", &csrf)]).await), "/console/queue?said=none");
    assert!(bob.page(&item).await.contains("nobody is left"), "ann decided it as well");
    assert_eq!(bob.rule_untaken(&id, "approve:appeal").await.status(), 403);

    let browser = Browser::start().await;
    arrive(&browser, &world, "carl@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    browser.shows("appeal").await;
    browser.shoot("queue-appeal").await;
    browser.press("r").await;
    browser.shows("it is a ship, <b>really</b>").await;
    assert!(!browser.has(".voices b").await, "what users say is text");
    browser.shows("uphold the appeal").await;
    browser.shoot("item-appeal").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("input[value='approve:appeal']").await;
    browser.click("#next").await;
    world.becomes(&id, "published").await;
    until("the appeal is answered", async || {
        let page = ann.page(&item).await;
        if page.contains("upheld") && !page.contains(">waits<") { Ok(()) } else { Err(page) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_escalation_is_taken_back() {
    let world = World::start("[console]\ntotp = false\nundo = \"10m\"\n").await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&id, "escalate:unsure", &[]).await.status(), 303);
    let page = ann.page(&item).await;
    assert!(page.contains("a senior decides it") && page.contains("Escalated."), "{page}");
    let csrf = crate::people::field(&page, "csrf");
    let undo = [("csrf", csrf.as_str()), ("upload", &id), ("number", "1")];
    let undone = location(&ann.send("/console/undo", &undo).await);
    assert!(undone.ends_with("said=undone"), "{undone}");
    assert!(ann.page(&item).await.contains("id=\"decision\""), "it is hers again");
    // Not once a senior has it.
    assert_eq!(ann.rule(&id, "escalate:unsure", &[]).await.status(), 303);
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    zoe.take(&id).await;
    let undo = [("csrf", csrf.as_str()), ("upload", &id), ("number", "2")];
    assert!(location(&ann.send("/console/undo", &undo).await).ends_with("said=late"));
    assert_eq!(zoe.rule(&id, "quarantine:spam", &[]).await.status(), 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_filtered_by_what_users_say_and_counts_it() {
    let world = World::start(SHORT).await;
    let reported = world.photo("reported.jpg", 1).await;
    world.photo("quiet.jpg", 2).await;
    let appealed = world.photo("appealed.jpg", 3).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&appealed, "quarantine:spam", &[]).await.status(), 303);
    world.becomes(&appealed, "quarantined").await;
    for who in ["u1", "u2", "u3"] {
        let report = json!({ "category": "spam", "reporter": who });
        assert_eq!(world.says(&reported, "reports", report).await, 202);
    }
    let appeal = json!({ "text": "it is a ship", "appellant": "u4" });
    assert_eq!(world.says(&appealed, "appeals", appeal).await, 202);

    let browser = Browser::start().await;
    arrive(&browser, &world, "bob@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    let listed = async || {
        let links =
            "return [...document.querySelectorAll('.items a')].map((a) => a.textContent).sort().join(' ')";
        browser.eval(links).await.as_str().unwrap().to_owned()
    };
    let all = until("the appeal is in the queue", async || {
        let all = listed().await;
        if all.contains("appealed.jpg") {
            return Ok(all);
        }
        browser.go(&world.url("/console/queue")).await;
        Err(all)
    })
    .await;
    assert_eq!(all, "appealed.jpg quiet.jpg reported.jpg");
    browser.shows("3 reports").await;
    browser.shows("1 appeal").await;
    for (choice, only) in [("reported", "reported.jpg"), ("appealed", "appealed.jpg")] {
        browser.click(&format!("select[name=users] option[value={choice}]")).await;
        browser.click("form.filter button").await;
        until("the filter holds", async || {
            let shown = listed().await;
            if shown == only { Ok(()) } else { Err(shown) }
        })
        .await;
        assert_eq!(browser.text("[data-of=open]").await, "1", "{choice}");
    }
    // Who reviews on from there is handed what it shows.
    browser.press("r").await;
    browser.shows("uphold the appeal").await;
    assert!(browser.place().await.contains(&appealed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_ever_decided_it_judges_an_appeal_and_where_nobody_is_left_it_is_said() {
    let world = World::start(SHORT).await;
    let id = world.photo("photo.jpg", 5).await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&id, "quarantine:hate", &[]).await.status(), 303);
    world.becomes(&id, "quarantined").await;
    let appeal = |text: &str| json!({ "text": text, "appellant": "user-3" });
    assert_eq!(world.says(&id, "appeals", appeal("why?")).await, 202);
    assert_eq!(bob.rule(&id, "quarantine:hate", &[]).await.status(), 303);
    until("the appeal is rejected", async || {
        let page = bob.page(&item).await;
        if page.contains(">rejected<") { Ok(()) } else { Err(page) }
    })
    .await;
    assert_eq!(world.says(&id, "appeals", appeal("but why?")).await, 202);
    for one in [&ann, &bob] {
        let csrf = one.csrf("/console/queue").await;
        assert_eq!(
            location(&one.send("/console/next", &[("csrf", &csrf)]).await),
            "/console/queue?said=none"
        );
        assert_eq!(one.send(&format!("{item}/take"), &[("csrf", &csrf)]).await.status(), 403);
        assert_eq!(one.rule_untaken(&id, "approve:appeal").await.status(), 403);
        let page = one.page(&item).await;
        assert!(page.contains("nobody is left") && !page.contains("id=\"take\""), "{page}");
    }
    // Also where one looks for what waits, and for how it goes.
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    assert!(ann.page("/console/queue").await.contains("nobody is left to decide it"));
    assert!(eve.page("/console/insight").await.contains("1 of <a href=\"/console/queue?users=appealed\">"));
    let carl = Visitor::arrive(&world, "carl@example.org", "moderator", "*").await;
    assert!(!ann.page("/console/queue").await.contains("nobody is left"));
    assert!(!eve.page("/console/insight").await.contains("nobody is left"));
    let page = ann.page(&item).await;
    assert!(page.contains("another person is to decide it") && !page.contains("nobody is left"), "{page}");
    assert_eq!(carl.rule(&id, "approve:appeal", &[]).await.status(), 303);
    world.becomes(&id, "published").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_skipped_is_not_taken_by_its_address_while_others_are_left() {
    let world = World::start("[console]\ntotp = false\nundo = \"10m\"\n").await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    // Of other tenants, and one who decides nothing: they are not left.
    Visitor::arrive(&world, "lee@example.org", "senior", "globex").await;
    Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    let skip = async |who: &Visitor| {
        let (csrf, fence) = who.take(&id).await;
        let fields = [("csrf", csrf.as_str()), ("fence", &fence), ("why", "conflict")];
        location(&who.send(&format!("{item}/skip"), &fields).await)
    };
    let takes = async |who: &Visitor| {
        let csrf = who.csrf("/console/queue").await;
        who.send(&format!("{item}/take"), &[("csrf", &csrf)]).await.status().as_u16()
    };
    assert_eq!(skip(&ann).await, "/console/queue?said=skipped_last");
    assert_eq!(takes(&ann).await, 403);
    let page = ann.page(&item).await;
    assert!(page.contains("You skipped it") && !page.contains("id=\"take\""), "{page}");
    let csrf = ann.csrf("/console/queue").await;
    let bulk = [("csrf", csrf.as_str()), ("item", &id), ("choice", "quarantine:spam")];
    assert!(ann.send("/console/bulk", &bulk).await.text().await.unwrap().contains("You skipped this item"));
    assert_eq!(ann.send("/console/bulk/decide", &bulk).await.status(), 409);
    // After the last one it goes round once more.
    skip(&bob).await;
    assert_eq!(takes(&bob).await, 403, "ann is left");
    let csrf = ann.csrf("/console/queue").await;
    assert!(location(&ann.send("/console/next", &[("csrf", &csrf)]).await).contains(&id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_with_a_hundred_long_reports_has_a_small_page_and_counts_them() {
    let world = World::start(SHORT).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    // What is written as five bytes each takes more of a page than what is one.
    for (name, letter, written, whole) in [("plain.pdf", "x", "x", 90), ("marked.pdf", "<", "&#60;", 97)] {
        let id = world.letter(name).await;
        for n in 0..100 {
            let category = if n % 10 < 7 { "hate" } else { "spam" };
            let text = format!("no. {n}: {}", letter.repeat(1_980));
            let report = json!({ "category": category, "text": text, "reporter": format!("user-{n}") });
            assert_eq!(world.says(&id, "reports", report).await, 202);
        }
        let page = ann.page(&format!("/console/items/{id}")).await;
        assert!(page.len() < 100_000, "{name}: {}", page.len());
        assert!(page.contains("70 hate, 30 spam") && page.contains("90 older ones are not shown"), "{page}");
        for n in 0..100 {
            let words = format!("no. {n}: {}", written.repeat(100));
            assert_eq!(page.contains(&words), n >= 90, "{name} {n}");
            let words = format!("no. {n}: {}", written.repeat(1_980));
            assert_eq!(page.contains(&words), n >= whole, "{name} {n}");
        }
    }
}
