//! What is sealed: by whom, when, and who sees it from then on.

use crate::{
    people::{Visitor, location},
    wait::until,
    world::World,
};
use lazaret_fixtures::picture;

/// Whose policy says this of everything.
async fn world(undo: &str, verdict: &str) -> World {
    let world = World::start(&format!("[console]\ntotp = false\nundo = \"{undo}\"\n")).await;
    let rule = format!("[[rule]]\nname = \"all\"\nwhen = \"true\"\n{verdict}\n");
    let policy = world.site.write("all.toml", rule.as_bytes());
    let applied = world.site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    world
}

async fn photo(world: &World, state: &str) -> String {
    let bytes = picture::jpeg(&picture::landscape(320, 240, 7), 85);
    let upload = world.server.verdict_on("photo.jpg", &bytes).await;
    assert_eq!(upload["state"], state, "{upload}");
    upload["id"].as_str().unwrap().to_owned()
}

async fn erase(world: &World, id: &str) -> u16 {
    let erased = world.server.client.delete(world.url(&format!("/v1/uploads/{id}")));
    erased.bearer_auth(&world.server.key).send().await.unwrap().status().as_u16()
}

const SEAL: &str = "value=\"quarantine:child_abuse\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_quarantined_already_is_sealed_by_whoever_sees_what_it_is() {
    let world = world("1s", "verdict = \"quarantine\"").await;
    let id = photo(&world, "quarantined").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    for visitor in [&ann, &zoe] {
        let page = visitor.page(&item).await;
        assert!(page.contains(SEAL) && !page.contains("value=\"quarantine:spam\""), "{page}");
    }
    assert_eq!(ann.rule_untaken(&id, "quarantine:spam").await.status(), 409);
    let sealed = ann.rule_untaken(&id, "quarantine:child_abuse").await;
    assert_eq!(location(&sealed), "/console/queue?said=sealed");
    assert!(ann.page("/console/queue?said=sealed").await.contains("Seniors alone see it from now on"));
    assert_eq!(ann.get(&item).await.status(), 404);
    assert_eq!(erase(&world, &id).await, 409, "at once");
    let page = until("it is carried out", async || {
        let page = zoe.page(&item).await;
        if page.contains("value=\"approve:false_alarm\"") { Ok(page) } else { Err(page) }
    })
    .await;
    assert!(page.contains("sealed: each view is on record") && !page.contains(SEAL), "{page}");
    assert_eq!(erase(&world, &id).await, 409);
    assert_eq!(world.server.show(&id).await["state"], "quarantined");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_sealed_and_taken_down_at_once() {
    let world = world("10m", "verdict = \"publish\"").await;
    let id = photo(&world, "published").await;
    let item = format!("/console/items/{id}");
    let url = world.server.signed_url(&id, "original").await;
    assert_eq!(world.server.fetch(&url).await.0, 200);
    let report = serde_json::json!({ "category": "child_abuse", "reporter": "user-1" });
    assert_eq!(world.says(&id, "reports", report).await, 202);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (csrf, fence) = ann.take(&id).await;
    let page = ann.page(&item).await;
    assert!(page.contains("taken down and sealed at once: that cannot be taken back"), "{page}");
    let fields =
        [("csrf", csrf.as_str()), ("fence", &fence), ("choice", "quarantine:child_abuse"), ("then", "stay")];
    let sealed = ann.send(&format!("{item}/rule"), &fields).await;
    assert_eq!(location(&sealed), "/console/queue?said=sealed_at_once");
    let page = ann.page("/console/queue?said=sealed_at_once").await;
    assert!(page.contains("A senior can reverse it") && !page.contains("class=\"undo\""), "{page}");
    let undo = [("csrf", csrf.as_str()), ("upload", &id), ("number", "1")];
    assert!(location(&ann.send("/console/undo", &undo).await).ends_with("said=late"));
    // Other decisions could be taken back for ten minutes.
    world.becomes(&id, "quarantined").await;
    assert_eq!(world.server.fetch(&url).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_item_that_waits_for_a_second_senior_is_told_of_to_seniors() {
    let world = world("0s", "verdict = \"review\"\nsecond = true").await;
    let id = photo(&world, "in_review").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let carl = Visitor::arrive(&world, "carl@example.org", "senior", "*").await;
    let queue = async |visitor: &Visitor| visitor.page("/console/queue").await;
    let told = "id=\"sealed\"";
    assert_eq!(ann.rule(&id, "quarantine:child_abuse", &[]).await.status(), 303);
    world.becomes(&id, "quarantined").await;
    assert!(!queue(&zoe).await.contains(told), "it is decided");
    assert!(location(&zoe.rule_untaken(&id, "approve:false_alarm").await).ends_with("said=second"));
    let page = queue(&carl).await;
    assert!(
        page.contains("Sealed and waiting for a senior") && page.contains(&format!("{item}\"")),
        "{page}"
    );
    assert!(!page.contains("photo.jpg"), "without its name: {page}");
    let page = queue(&zoe).await;
    assert!(page.contains("1 sealed item waits for another senior") && !page.contains(&id), "{page}");
    assert!(!queue(&ann).await.contains(told), "to nobody else");
    assert!(location(&carl.rule(&id, "approve:false_alarm", &[]).await).ends_with("said=ruled"));
    world.becomes(&id, "published").await;
    assert!(!queue(&carl).await.contains(told));
    assert_eq!(ann.get(&item).await.status(), 200, "what is published is kept from nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_are_sealed_together_those_that_are_published_are_not_taken_back() {
    let world = world("10m", "verdict = \"publish\"").await;
    let published = photo(&world, "published").await;
    let report = serde_json::json!({ "category": "child_abuse", "reporter": "user-1" });
    assert_eq!(world.says(&published, "reports", report).await, 202);
    let rule = "[[rule]]\nname = \"all\"\nwhen = \"true\"\nverdict = \"review\"\n";
    let policy = world.site.write("review.toml", rule.as_bytes());
    let applied = world.site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let waiting = world.photo("other.jpg", 8).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let csrf = ann.csrf("/console/queue").await;
    let many = [
        ("csrf", csrf.as_str()),
        ("choice", "quarantine:child_abuse"),
        ("item", &published),
        ("item", &waiting),
    ];
    let preview = ann.send("/console/bulk", &many).await.text().await.unwrap();
    assert!(preview.contains("All of it but 1 can be taken back with one press"), "{preview}");
    assert_eq!(location(&ann.send("/console/bulk/decide", &many).await), "/console/queue?said=together");
    // The one that is carried out meanwhile takes the other's bar from nobody.
    let page = ann.page("/console/queue").await;
    let left: u64 =
        page.split("data-undo=\"").nth(1).expect("a bar").split('"').next().unwrap().parse().unwrap();
    assert!(left > 60, "{left}");
    world.becomes(&published, "quarantined").await;
    assert!(ann.page("/console/queue").await.contains("data-undo"));
}

/// Regression: whatever was decided together was said to be sealed, where nothing is ever taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_nobody_takes_back_are_sealed_only_where_that_was_the_reason() {
    let world = world("0s", "verdict = \"review\"").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let csrf = ann.csrf("/console/queue").await;
    for (choice, said) in [("quarantine:spam", "ruled"), ("quarantine:child_abuse", "sealed_at_once")] {
        let id = photo(&world, "in_review").await;
        let one = [("csrf", csrf.as_str()), ("choice", choice), ("item", &id)];
        let to = location(&ann.send("/console/bulk/decide", &one).await);
        assert_eq!(to, format!("/console/queue?said={said}"));
        world.becomes(&id, "quarantined").await;
    }
}
