//! What an item's page tells of what was done with it.

use crate::{
    people::{Visitor, location},
    world::World,
};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

/// What was done, the newest first, as it is told on the item's page.
fn told(page: &str) -> Vec<String> {
    let list = page.split("<ol class=\"history\">").nth(1).unwrap().split("</ol>").next().unwrap();
    let text = |part: &str, from: &str, to: &str| {
        part.split(from).nth(1).unwrap_or_default().split(to).next().unwrap().to_owned()
    };
    list.split("<li>")
        .skip(1)
        .map(|part| {
            format!(
                "{} {}",
                text(part, "<strong>", "</strong>"),
                text(part, "<span class=\"faint\">", "</span>")
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_items_history_tells_who_took_it_and_who_skipped_it_and_why() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    ann.take(&id).await;
    let (csrf, fence) = ann.take(&id).await;
    let skip = [("csrf", csrf.as_str()), ("fence", &fence), ("why", "language")];
    assert!(location(&ann.send(&format!("{item}/skip"), &skip).await).ends_with("said=skipped_last"));
    assert_eq!(bob.rule(&id, "note:note", &[("note", "hard to tell")]).await.status(), 303);
    assert_eq!(bob.rule(&id, "quarantine:spam", &[]).await.status(), 303);
    let page = ann.page(&item).await;
    assert_eq!(
        told(&page),
        [
            "quarantine: spam by bob@example.org",
            "note: note by bob@example.org",
            "taken by bob@example.org",
            "skipped: does not read this language by ann@example.org",
            "taken by ann@example.org",
            "verdict 1: review by the machine",
            "accepted by the machine",
        ],
        "who has it takes it once, and looking at it is not told"
    );
    assert!(!page.contains("All that is on record"), "the log is not hers to read");
    // It is told to nobody who does not see the item.
    let lee = Visitor::arrive(&world, "lee@example.org", "moderator", "globex").await;
    assert_eq!(lee.get(&item).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_keeps_its_page_small() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (csrf, fence) = ann.take(&id).await;
    for n in 0..50 {
        let note = format!("{n}. {}", "x".repeat(3_990));
        let fields = [("csrf", csrf.as_str()), ("fence", &fence), ("choice", "note:note"), ("note", &note)];
        assert_eq!(ann.send(&format!("{item}/rule"), &fields).await.status(), 303);
    }
    let page = ann.page(&item).await;
    assert!(page.len() < 100_000, "{}", page.len());
    assert!(page.contains(&format!("49. {}<", "x".repeat(3_990))), "the newest are whole");
    assert!(
        page.contains("20. xxx") && !page.contains(&format!("20. {}", "x".repeat(200))),
        "others are not"
    );
    assert_eq!(told(&page).len(), 40 + 2);
    assert!(page.contains("11 more of before are not shown"), "and that there are more is told: {page}");
}
