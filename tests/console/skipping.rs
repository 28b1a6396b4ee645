//! What somebody skips: others look at it, and where nobody else is left it comes round again.

use crate::{
    people::{Visitor, field, location},
    world::World,
};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

struct Moderator {
    visitor: Visitor,
    csrf: String,
}

impl Moderator {
    async fn arrive(world: &World, email: &str) -> Self {
        let visitor = Visitor::arrive(world, email, "moderator", "*").await;
        let csrf = visitor.csrf("/console/queue").await;
        Self { visitor, csrf }
    }

    async fn next(&self) -> String {
        location(&self.visitor.send("/console/next", &[("csrf", &self.csrf)]).await)
    }

    /// What comes after the item that they hold.
    async fn after(&self, id: &str, deed: &str, fields: &[(&str, &str)]) -> String {
        let item = format!("/console/items/{id}");
        let fence = field(&self.visitor.page(&item).await, "fence");
        let all: Vec<_> =
            [("csrf", self.csrf.as_str()), ("fence", &fence)].iter().chain(fields).copied().collect();
        location(&self.visitor.send(&format!("{item}/{deed}"), &all).await)
    }

    async fn skip(&self, id: &str) -> String {
        self.after(id, "skip", &[("why", "not_now")]).await
    }

    async fn decide(&self, id: &str) -> String {
        self.after(id, "rule", &[("choice", "quarantine:spam"), ("then", "next")]).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_only_moderator_skips_comes_round_again_after_all_that_they_have_not_skipped() {
    let world = World::start(LONG).await;
    let (first, second) = (world.letter("first.pdf").await, world.letter("second.pdf").await);
    let ann = Moderator::arrive(&world, "ann@example.org").await;
    let skipped = |id: &str| format!("/console/items/{id}?said=skipped");
    assert_eq!(ann.next().await, format!("/console/items/{first}"));
    assert_eq!(ann.skip(&first).await, skipped(&second));
    assert_eq!(ann.skip(&second).await, skipped(&first), "round again");
    let third = world.letter("third.pdf").await;
    assert_eq!(ann.skip(&first).await, skipped(&third), "what was not skipped comes before");
    assert_eq!(ann.skip(&third).await, skipped(&second), "what was skipped the longest ago");
    assert_eq!(ann.decide(&second).await, format!("/console/items/{first}?said=ruled"));
    assert_eq!(ann.decide(&first).await, format!("/console/items/{third}?said=ruled"));
    // The last one does not come back at once, and is not lost either.
    let told = ann.skip(&third).await;
    assert_eq!(told, "/console/queue?said=skipped_last");
    let page = ann.visitor.page(&told).await;
    assert!(page.contains("it comes when you start reviewing") && page.contains("third.pdf"), "{page}");
    assert_eq!(ann.next().await, format!("/console/items/{third}"));
    // Once somebody else is there it is theirs to look at.
    let bob = Moderator::arrive(&world, "bob@example.org").await;
    assert_eq!(ann.skip(&third).await, "/console/queue?said=skipped_last");
    assert_eq!(ann.next().await, "/console/queue?said=none");
    assert_eq!(bob.next().await, format!("/console/items/{third}"));
    assert_eq!(bob.skip(&third).await, "/console/queue?said=skipped_last");
    assert_eq!(bob.next().await, "/console/queue?said=none", "for ann is left");
    assert_eq!(ann.next().await, format!("/console/items/{third}"));
}
