//! Approvals that one person alone does not bring about: those that take two, and those that are examined anew first.

use crate::{
    people::{Visitor, field, location},
    server::Server,
    world::World,
};
use reqwest::Response;

const MARKED: &str = "[[rule]]\nname = \"look\"\nwhen = \"true\"\nverdict = \"review\"\nsecond = true\n";

async fn marked(undo: &str) -> World {
    let world = World::start(&format!("[console]\ntotp = false\nundo = \"{undo}\"\n")).await;
    let policy = world.site.write("marked.toml", MARKED.as_bytes());
    let applied = world.site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    world
}

async fn state(world: &World, id: &str) -> String {
    world.server.show(id).await["state"].as_str().unwrap().to_owned()
}

async fn undo(visitor: &Visitor, fields: &[(&str, &str)]) -> String {
    let csrf = visitor.csrf("/console/queue").await;
    let fields: Vec<_> = [("csrf", csrf.as_str())].iter().chain(fields).copied().collect();
    location(&visitor.send("/console/undo", &fields).await)
}

/// What was decided is decided otherwise: nobody has to hold it.
async fn reverse(visitor: &Visitor, id: &str, choice: &str) -> Response {
    let csrf = visitor.csrf("/console/queue").await;
    let fields = [("csrf", csrf.as_str()), ("fence", "0"), ("choice", choice), ("then", "stay")];
    visitor.send(&format!("/console/items/{id}/rule"), &fields).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policy_marks_waits_for_a_second_person_and_the_first_can_take_it_back() {
    let world = marked("10m").await;
    let (first, other) = (world.photo("a.jpg", 1).await, world.photo("b.jpg", 2).await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let item = format!("/console/items/{first}");
    assert!(ann.page(&item).await.contains("takes two people"));
    assert!(location(&ann.rule(&first, "approve:harmless", &[]).await).ends_with("said=second"));
    let page = ann.page(&item).await;
    assert!(page.contains("Approved, for a second person to agree"), "{page}");
    assert!(page.contains("waits for a second person") && page.contains("You have had your say"), "{page}");
    let said = undo(&ann, &[("upload", &first), ("number", "1")]).await;
    assert!(said.ends_with("said=undone"), "{said}");
    field(&ann.page(&item).await, "fence");
    assert!(location(&ann.rule(&first, "approve:harmless", &[]).await).ends_with("said=second"));
    // With another one, all of which goes back with one press.
    let csrf = ann.csrf("/console/queue").await;
    let together = [("csrf", csrf.as_str()), ("choice", "approve:harmless"), ("item", &other)];
    assert!(location(&ann.send("/console/bulk/decide", &together).await).ends_with("said=together"));
    let bar = ann.page("/console/queue").await;
    assert!(bar.contains("Undo all"), "{bar}");
    assert!(undo(&ann, &[("batch", &field(&bar, "batch"))]).await.ends_with("said=undone_together"));
    field(&ann.page(&format!("/console/items/{other}")).await, "csrf");
    let page = ann.page(&format!("/console/items/{other}")).await;
    assert!(page.contains("Take the item to decide it"), "{page}");
    // Its own line of the older one has the way back, too.
    assert!(ann.page(&item).await.contains("action=\"/console/undo\""));

    assert!(location(&bob.rule(&first, "approve:harmless", &[]).await).ends_with("said=ruled"));
    let said = undo(&ann, &[("upload", &first), ("number", "2")]).await;
    assert!(said.ends_with("said=late"), "it is decided: {said}");
    assert_eq!(state(&world, &first).await, "in_review", "until its time is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_published_when_a_second_agrees_and_is_published_again_by_two_seniors() {
    let world = marked("0s").await;
    let id = world.photo("a.jpg", 1).await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    assert!(location(&ann.rule(&id, "approve:harmless", &[]).await).ends_with("said=second"));
    assert_eq!(state(&world, &id).await, "in_review");
    assert_eq!(ann.rule_untaken(&id, "approve:harmless").await.status(), 403, "not the same person again");
    assert!(location(&bob.rule(&id, "approve:harmless", &[]).await).ends_with("said=ruled"));
    world.becomes(&id, "published").await;

    let (zoe, carl) = (
        Visitor::arrive(&world, "zoe@example.org", "senior", "*").await,
        Visitor::arrive(&world, "carl@example.org", "senior", "*").await,
    );
    assert!(location(&reverse(&zoe, &id, "quarantine:nudity").await).ends_with("said=ruled"));
    world.becomes(&id, "quarantined").await;
    assert!(location(&reverse(&zoe, &id, "approve:false_alarm").await).ends_with("said=second"));
    // It is handed out to another senior, and to nobody else.
    let next = async |visitor: &Visitor| {
        let csrf = visitor.csrf("/console/queue").await;
        location(&visitor.send("/console/next", &[("csrf", &csrf)]).await)
    };
    assert!(ann.page(&item).await.contains("a senior decides it"));
    for visitor in [&ann, &bob, &zoe] {
        assert!(next(visitor).await.contains("said=none"));
    }
    assert!(next(&carl).await.starts_with(&item));
    let page = carl.page(&item).await;
    assert!(
        page.contains("Leave quarantined") && !page.contains("uphold the appeal"),
        "nobody appealed: {page}"
    );
    assert_eq!(state(&world, &id).await, "quarantined");
    assert!(location(&carl.rule(&id, "approve:false_alarm", &[]).await).ends_with("said=ruled"));
    world.becomes(&id, "published").await;
}

/// What the form offers to go over.
fn gaps(page: &str) -> Vec<String> {
    let boxes = page.split("name=\"override\" value=\"").skip(1);
    boxes.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_over_a_gap_that_is_found_afresh_comes_back_and_names_it() {
    const CONSOLE: &str = "[console]\ntotp = false\nundo = \"0s\"\n";
    let world = World::start(CONSOLE).await;
    let text = "All work and no play.\n".repeat(100_000);
    let id = world.in_review("notes.txt", text.as_bytes()).await;
    let World { site, server } = world;
    server.terminate();
    server.ended().await;
    // Since it was judged, clamd looks at less of a file.
    site.configure(&format!(
        "{CONSOLE}[intake]\nmax_upload = \"1MiB\"\n[antivirus]\nmax_file = \"1MiB\"\nmax_scan = \"1MiB\"\n"
    ));
    let world = World { server: Server::ready(&site).await, site };
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let item = format!("/console/items/{id}");
    let (csrf, fence) = ann.take(&id).await;
    let before = gaps(&ann.page(&item).await);
    assert!(!before.contains(&"coverage.antivirus.partial".to_owned()), "{before:?}");
    let approve = async |csrf: &str, fence: &str, over: &[String]| {
        let mut fields =
            vec![("csrf", csrf), ("fence", fence), ("choice", "approve:harmless"), ("then", "stay")];
        fields.extend(over.iter().map(|code| ("override", code.as_str())));
        let answer = ann.send(&format!("{item}/rule"), &fields).await;
        location(&answer)
    };
    assert!(approve(&csrf, &fence, &before).await.ends_with("said=ruled"));
    crate::wait::until("it comes back", async || {
        let page = ann.page(&item).await;
        if page.contains("not carried out") { Ok(()) } else { Err(page) }
    })
    .await;
    let (csrf, fence) = ann.take(&id).await;
    let page = ann.page(&item).await;
    let now = gaps(&page);
    assert_eq!(now.len(), before.len() + 1, "{now:?}");
    assert!(now.contains(&"coverage.antivirus.partial".to_owned()), "{now:?}");
    assert!(page.contains("found when an approval was to be carried out"), "{page}");
    assert!(approve(&csrf, &fence, &now).await.ends_with("said=ruled"));
    world.becomes(&id, "published").await;
}
