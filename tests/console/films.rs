//! Copies of held films, animations and sound: how many there are, and who is seen to look at them.

use crate::{
    care::views,
    people::{Visitor, location},
    seeing::film,
    wait::until,
    world::World,
};
use lazaret_fixtures::picture;

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

/// The address of this person's copy.
pub async fn address(who: &Visitor, id: &str) -> String {
    let page = who.page(&format!("/console/items/{id}")).await;
    let at = page.find("data-film=\"").expect("something to play") + 11;
    page[at..].split('"').next().unwrap().to_owned()
}

/// How a part of it is answered.
async fn part(who: &Visitor, address: &str) -> u16 {
    let request = who.client.get(format!("{}{address}", who.base)).header("range", "bytes=0-0");
    let request = request.header("cookie", format!("lazaret_session={}", who.cookie));
    request.send().await.unwrap().status().as_u16()
}

/// Asks for a copy, and gives where its page is.
pub async fn ask(who: &Visitor, id: &str) -> String {
    let csrf = who.csrf("/console/queue").await;
    let asked = who.send(&format!("/console/items/{id}/play"), &[("csrf", &csrf)]).await;
    assert_eq!(asked.status(), 303);
    location(&asked)
}

/// Asks for a copy, and waits until it can be played.
async fn play(who: &Visitor, id: &str, address: &str) {
    assert!(ask(who, id).await.ends_with("#player"));
    until("the copy is there", async || match part(who, address).await {
        206 => Ok(()),
        other => Err(other),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_copy_that_was_looked_at_longest_ago_makes_room_for_the_next() {
    let world = World::start(LONG).await;
    let bytes = film(&world);
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(world.in_review(&format!("bars-{n}.mp4"), &bytes).await);
    }
    let mut people = Vec::new();
    for name in ["ann", "bob", "cat"] {
        let who = Visitor::arrive(&world, &format!("{name}@example.org"), "moderator", "*").await;
        let mut addresses = Vec::new();
        for id in &ids {
            addresses.push(address(&who, id).await);
        }
        people.push((who, addresses));
    }
    // Of four of hers, three of his and three of theirs eight are left; nobody is refused.
    for ((who, addresses), copies) in people.iter().zip([4, 3, 3]) {
        for n in 0..copies {
            play(who, &ids[n], &addresses[n]).await;
        }
    }
    let mut answers = Vec::new();
    for (who, addresses) in &people {
        for address in addresses {
            answers.push(part(who, address).await);
        }
    }
    assert_eq!(answers, [404, 404, 206, 206, 206, 206, 206, 404, 206, 206, 206, 404]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_from_before_its_item_was_sealed_is_played_on_record_and_by_seniors_alone() {
    let world = World::start(LONG).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    for (name, bytes) in [("bars.mp4", film(&world)), ("moving.gif", picture::animation(5))] {
        let id = world.in_review(name, &bytes).await;
        let xan = Visitor::arrive(&world, &format!("xan-{name}@example.org"), "senior", "*").await;
        is_played_on_record(&id, &ann, &zoe, &xan, &eve).await;
    }
}

async fn is_played_on_record(id: &str, ann: &Visitor, zoe: &Visitor, xan: &Visitor, eve: &Visitor) {
    let shown = async || {
        let log =
            eve.page(&format!("/console/audit/export?format=jsonl&subject={id}&action=item.shown")).await;
        log.lines().count()
    };
    let (hers, seniors) = (address(ann, id).await, address(zoe, id).await);
    play(ann, id, &hers).await;
    play(zoe, id, &seniors).await;
    // Somebody else has its address, and never opens its page.
    let view = lazaret::access::Token::parse(&xan.cookie).unwrap().derive(&format!("film {id}"));
    let alone = format!("/console/items/{id}/film?view={view}");
    play(xan, id, &alone).await;
    assert_eq!(views(xan, "hard").await, "0");
    assert_eq!(shown().await, 0, "it is not sealed");
    assert_eq!(ann.rule(id, "quarantine:child_abuse", &[]).await.status(), 303);
    assert_eq!(part(ann, &hers).await, 404);
    assert_eq!(eve.get(&seniors).await.status(), 404);
    assert_eq!(shown().await, 0, "nobody has seen it since");
    // Its address alone, without its page: a view, however many parts it is sent in.
    for _ in 0..3 {
        assert_eq!(part(zoe, &seniors).await, 206);
        assert_eq!(shown().await, 1);
    }
    for _ in 0..3 {
        assert_eq!(part(xan, &alone).await, 206);
        assert_eq!(views(xan, "hard").await, "1", "it counts as its page does");
    }
}
