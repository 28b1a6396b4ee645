//! Webhooks beside each other, and processes.

use crate::{
    calling::{caller, quick},
    receiver::Receiver,
    world::{TestClock, World, eventually},
};
use lazaret::{events::webhook::Options, ports::Clock};
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_slow_webhook_with_a_long_line_does_not_hold_up_another() {
    let (world, clock) = (World::new().await, TestClock::still());
    let (slow, fast) = (Receiver::saying(&[200]).await, Receiver::saying(&[200]).await);
    *slow.delay.lock().unwrap() = Duration::from_secs(3600);
    for n in 0..400 {
        world.settled(n).await;
    }
    world.call(&["slow"], clock.now()).await;
    world.settled(500).await;
    world.call(&["fast"], clock.now()).await;
    let mut caller = caller(&world, vec![slow.webhook("slow"), fast.webhook("fast")], clock);
    caller.options.most = 8;
    let running = caller.start();
    eventually("the fast one is called", async || fast.hits().len() == 1).await;
    assert!(slow.hits().len() <= 4);
    running.drain(Duration::ZERO).await;
}

#[tokio::test]
async fn one_process_calls_and_the_other_follows_when_it_ends() {
    let (world, clock) = (World::new().await, TestClock::still());
    let (first, second) = (Receiver::saying(&[200]).await, Receiver::saying(&[200]).await);
    let one = caller(&world, vec![first.webhook("w")], clock.clone()).start();
    world.settled(1).await;
    world.call(&["w"], clock.now()).await;
    eventually("the first calls", async || world.all_called().await).await;
    let mut other = caller(&world, vec![second.webhook("w")], clock.clone());
    other.options = Options { ..quick("b") };
    let two = other.start();
    world.settled(2).await;
    world.call(&["w"], clock.now()).await;
    eventually("the first calls", async || world.all_called().await).await;
    assert_eq!((first.hits().len(), second.hits().len()), (2, 0));
    one.drain(GRACE).await;
    world.settled(3).await;
    world.call(&["w"], clock.now()).await;
    eventually("the second calls", async || world.all_called().await).await;
    assert_eq!((first.hits().len(), second.hits().len()), (2, 1));
    two.drain(GRACE).await;
}

/// Its calls wait for it to come back.
#[tokio::test]
async fn a_webhook_that_is_not_in_the_settings_is_tried_later() {
    let (world, clock) = (World::new().await, TestClock::still());
    world.settled(1).await;
    world.call(&["gone"], clock.now()).await;
    let running = caller(&world, vec![], clock.clone()).start();
    eventually("it failed", async || world.store.calls_due(clock.now(), 1).await.unwrap().is_empty()).await;
    running.drain(GRACE).await;
    assert_eq!(world.dead().await, []);
    assert!(!world.all_called().await);
}
