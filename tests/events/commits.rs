use crate::{
    broker::{Broker, quick, relay},
    world::{TestClock, World, eventually},
};
use lazaret::events::relay::Options;
use std::time::{Duration, Instant};

/// 1,000 entries with 5 ms to the broker and back: 4 batches, 4 commits; one by one it would be 5 s.
#[tokio::test]
async fn a_batch_is_one_trip_to_the_broker_and_one_commit() {
    let (world, broker) = (World::new().await, Broker::good());
    for n in 0..1000 {
        world.receive(n).await;
    }
    *broker.delay.lock().unwrap() = Duration::from_millis(5);
    let begun = Instant::now();
    let running = relay(&world, Some(broker.clone()), TestClock::ticking(), Options::new("a")).start();
    eventually("all is handed on", async || world.all_handed_on().await).await;
    let took = begun.elapsed();
    running.drain(Duration::from_secs(10)).await;
    assert_eq!(*broker.calls.lock().unwrap(), [256, 256, 256, 232]);
    assert_eq!(world.commits(), 4);
    assert!(took < Duration::from_millis(500), "{took:?}");
}

/// What is not confirmed is not marked, in the same commit as what is.
#[tokio::test]
async fn half_a_batch_is_half_marked() {
    let world = World::new().await;
    for n in 0..100 {
        world.receive(n).await;
    }
    let mut turn = 0;
    let broker = Broker::new(move |_| {
        turn += 1;
        if turn % 2 == 0 { crate::broker::Fate::Unconfirmed } else { crate::broker::Fate::Confirmed }
    });
    let options = Options { busy: Duration::from_secs(3600), ..quick("a") };
    let running = relay(&world, Some(broker.clone()), TestClock::ticking(), options).start();
    eventually("half is marked", async || world.store.outbox_pending(1000).await.unwrap().len() == 50).await;
    running.drain(Duration::from_secs(10)).await;
    assert_eq!((world.commits(), broker.messages().len()), (1, 100));
}
