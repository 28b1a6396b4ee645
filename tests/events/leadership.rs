use crate::{
    broker::{Broker, quick, relay},
    world::{TestClock, World, eventually},
};
use lazaret::{
    events::relay::Options,
    ports::{Clock, clock::SystemClock},
};
use std::{sync::Arc, time::Duration};

const GRACE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn one_of_two_hands_on_and_the_other_follows_at_once_when_it_ends() {
    let (world, clock) = (World::new().await, TestClock::still());
    let (first, second) = (Broker::good(), Broker::good());
    let one = relay(&world, Some(first.clone()), clock.clone(), quick("one")).start();
    world.receive(1).await;
    eventually("it is handed on", async || world.all_handed_on().await).await;
    let two = relay(&world, Some(second.clone()), clock.clone(), quick("two")).start();
    world.receive(2).await;
    eventually("it is handed on", async || world.all_handed_on().await).await;
    assert_eq!((first.messages().len(), second.messages().len()), (2, 0));
    // The clock stands still, so it is not the end of the term.
    one.drain(GRACE).await;
    world.receive(3).await;
    eventually("it is handed on", async || world.all_handed_on().await).await;
    assert_eq!((first.messages().len(), second.messages().len()), (2, 1));
    two.drain(GRACE).await;
}

#[tokio::test]
async fn one_that_hangs_is_followed_when_its_term_is_over() {
    let world = World::new().await;
    let (hung, good) = (Broker::good(), Broker::good());
    *hung.delay.lock().unwrap() = Duration::from_secs(3600);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = |holder| Options { term: Duration::from_millis(300), ..quick(holder) };
    world.receive(1).await;
    let one = relay(&world, Some(hung.clone()), clock.clone(), options("one")).start();
    eventually("it hangs", async || hung.calls.lock().unwrap().len() == 1).await;
    let two = relay(&world, Some(good.clone()), clock, options("two")).start();
    eventually("it is handed on", async || world.all_handed_on().await).await;
    assert_eq!((hung.messages().len(), good.messages().len()), (0, 1));
    one.drain(Duration::ZERO).await;
    two.drain(GRACE).await;
}

#[tokio::test]
async fn who_has_lost_the_lead_publishes_no_more() {
    let (world, clock, broker) = (World::new().await, TestClock::still(), Broker::good());
    let running = relay(&world, Some(broker.clone()), clock.clone(), quick("one")).start();
    world.receive(1).await;
    eventually("it is handed on", async || world.all_handed_on().await).await;
    // The process stood still for longer than its term, and another came.
    let term = Options::new("x").term;
    clock.pass(term * 2);
    let now = clock.now();
    eventually("another leads", async || {
        clock.pass(term * 2);
        let now = clock.now().max(now);
        world.store.lead("outbox", "other", now, now + 100 * term).await.unwrap()
    })
    .await;
    world.receive(2).await;
    running.wake();
    // Each round begins with a look at the time: with the third one two are over.
    let looks = clock.looks() + 3;
    eventually("it had its turn", async || clock.looks() >= looks).await;
    assert_eq!(broker.messages().len(), 1);
    clock.pass(200 * term);
    eventually("the other's term is over", async || world.all_handed_on().await).await;
    running.drain(GRACE).await;
}
