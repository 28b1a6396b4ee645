//! One tenant enqueues more than anybody can take in at once.

use crate::{
    broker::Plain,
    samples,
    senders::{Senders, figure},
    server::Server,
    wait::until,
};

const MANY: usize = 2000;

#[tokio::test]
async fn thousands_submitted_by_one_tenant_do_not_hold_up_anothers_first() {
    let senders = Senders::with("", &[("acme", "new/"), ("other", "other/")]);
    let site = &senders.site;
    assert_eq!(site.run(&["dead", "list"]).await.code(), 0, "declares all queues");
    let plain = Plain::connect(&site.backing.vhost.url).await;
    senders.put("new/a.txt", &samples::text(1));
    senders.put("other/a.txt", &samples::text(2));
    for n in 0..MANY {
        plain.submit(&senders.event(&n.to_string(), "new/a.txt", &format!("order-{n}"))).await;
    }
    plain.submit(&senders.event("first", "other/a.txt", "first")).await;
    // All of it waits, in this order, before anybody takes it.
    let other = site.key("other").await;
    let mut server = Server::start(site).await;
    let mut last = 0;
    while last < MANY as u64 + 1 {
        // However many there are: that each is taken in its turn is what counts.
        last = until("one more is taken", async || {
            let done = figure(&server, "lazaret_submissions_total{outcome=\"done\"}").await;
            if done > last { Ok(done) } else { Err(done) }
        })
        .await;
    }
    let many = server.list().await;
    server.key = other;
    let single = server.list().await;
    assert_eq!((many.len(), single.len()), (MANY, 1), "everything of both is accepted, once");
    // Ids begin with the time at which they were given.
    let before = many.iter().filter(|upload| upload["id"].as_str() < single[0]["id"].as_str()).count();
    println!("{before} of {MANY} were accepted before it");
    assert!(before < MANY / 2, "{before} of {MANY} were accepted before it");
    until("nothing of it is left", async || {
        let left = figure(&server, "lazaret_broker_messages{queue=\"lazaret.uploads.bulk\"}").await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
}
