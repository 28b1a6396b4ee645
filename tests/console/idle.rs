//! What keeps a session: somebody who does something, and no page that lies open.

use crate::{
    people::{Visitor, location, with_item},
    wait::until,
    world::World,
};

const SHORT: &str = "[console]\ntotp = false\nidle = \"10s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pages_ask_for_by_themselves_keeps_no_session_and_what_people_do_does() {
    let world = World::start(SHORT).await;
    let (hers, his) = (world.photo("hers.jpg", 1).await, world.photo("his.jpg", 2).await);
    let mut links = Vec::new();
    for email in ["ann@example.org", "eve@example.org", "bob@example.org"] {
        links.push(world.invite(email, "moderator", "*").await);
    }
    // Those who do something are there before the one who does not, and longer.
    let ann = Visitor::by_link(&world.server.url, &links[0]).await;
    let eve = Visitor::by_link(&world.server.url, &links[1]).await;
    let bob = Visitor::by_link(&world.server.url, &links[2]).await;
    let (of_ann, fence_of_ann) = ann.take(&hers).await;
    let (of_bob, fence_of_bob) = bob.take(&his).await;
    let active = [("csrf", of_ann.as_str()), ("fence", &fence_of_ann), ("active", "1")];
    let idle = [("csrf", of_bob.as_str()), ("fence", &fence_of_bob)];
    let extend = |id: &str| format!("/console/items/{id}/extend");
    let posts = [
        format!("/console/items/{hers}/looks"),
        "/console/episodes/x/1/extend".into(),
        "/console/episodes/x/1/looks".into(),
        "/console/streams/looks".into(),
    ];
    let gets = [
        "/console/streams/x/frame".to_owned(),
        "/console/episodes/x/1/frames/0".into(),
        format!("/console/items/{his}/media"),
        format!("/console/items/{his}/film"),
        "/console/queue/events".into(),
        "/console/streams/events".into(),
        "/console/streams?unasked=1".into(),
    ];
    assert_eq!(bob.send(&extend(&his), &idle).await.status(), 204, "the lease is kept all the same");
    until("the session of a page that lies open is over", async || {
        assert_eq!(ann.send(&extend(&hers), &active).await.status(), 204, "she did something");
        assert_eq!(eve.get("/console/queue").await.status(), 200, "she reads on");
        for path in &posts {
            bob.send(path, &idle).await;
        }
        for path in &gets {
            bob.get(path).await;
        }
        let answer = bob.send(&extend(&his), &idle).await;
        if location(&answer).starts_with("/console/sign-in") { Ok(()) } else { Err(answer.status()) }
    })
    .await;
    assert_eq!(eve.get("/console/queue").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_says_whether_somebody_is_there() {
    // Its script is heard of every two seconds.
    let world = World::start(&format!("{SHORT}lease = \"6s\"\n")).await;
    let id = world.letter("letter.pdf").await;
    let browser = with_item(&world, "ann@example.org", &id).await;
    let over = async || {
        let script = "const done = arguments[arguments.length - 1]; \
                      fetch('/console/queue?unasked=1', { redirect: 'manual' }).then(a => done(a.status !== 200))";
        browser.eval_async(script).await == true
    };
    // No page is asked for meanwhile.
    let began = std::time::Instant::now();
    until("somebody is there for longer than a session lasts without", async || {
        browser.press("x").await;
        assert!(!over().await, "after {:?}", began.elapsed());
        if began.elapsed().as_secs() > 12 { Ok(()) } else { Err(began.elapsed()) }
    })
    .await;
    until("nobody is there any more", async || if over().await { Ok(()) } else { Err(began.elapsed()) })
        .await;
}
