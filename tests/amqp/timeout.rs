//! A broker closes the channel under what lies unanswered for longer than its time-out. On a node of its own, whose
//! time-out is short.

use crate::{
    bench::{channels, enqueue, next, options, soon},
    rabbitmq::{Rabbit, Vhost},
};
use lazaret::{
    adapters::amqp::{Amqp, Options},
    ports::{contract::samples::id, publisher::Lane},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Long enough for what goes back to do so on a busy machine.
const TIMEOUT_MS: u32 = 9000;
const PATIENCE: Duration = Duration::from_secs(120);

/// A queue of work with eight messages, of which one was received and answered.
async fn begun(vhost: &Vhost, hold: Duration) -> Arc<Amqp> {
    let amqp = Amqp::connect(Options { hold, ..options(&vhost.url) }).await.unwrap();
    enqueue(&amqp, Lane::Main, (1..=8).map(id)).await;
    let first = next(&amqp).await;
    assert_eq!(first.upload, id(1));
    first.ticket.ack().await.unwrap();
    amqp
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_nobody_receives_does_not_lie_for_longer_than_the_broker_waits() {
    let rabbit = tokio::task::block_in_place(Rabbit::start);
    for (key, value) in [("consumer_timeout", TIMEOUT_MS), ("channel_tick_interval", 200)] {
        rabbit.control(&["eval", &format!("application:set_env(rabbit, {key}, {value}).")]);
    }
    let vhosts = [rabbit.vhost(), rabbit.vhost()];
    let amqp = begun(&vhosts[0], Duration::from_millis((TIMEOUT_MS / 3).into())).await;
    let forgetful = begun(&vhosts[1], Duration::from_secs(3600)).await;
    let (ours, theirs) = (channels(&rabbit, &vhosts[0]), channels(&rabbit, &vhosts[1]));
    // The other one may be gone already.
    assert_eq!(ours.len(), 1);
    let began = Instant::now();
    loop {
        let now = channels(&rabbit, &vhosts[1]);
        if !now.is_empty() && now != theirs {
            break;
        }
        // Asking takes seconds by itself on a busy machine.
        assert!(began.elapsed() < PATIENCE, "the broker does not close the channel where all of it lies");
    }
    assert_eq!(channels(&rabbit, &vhosts[0]), ours, "and not the one where it goes back");
    drop(forgetful);
    let mut left: BTreeSet<_> = (2..=8).map(id).collect();
    while !left.is_empty() {
        let delivery = soon("what went back comes again", async { next(&amqp).await }).await;
        assert!(left.remove(&delivery.upload), "{} came twice", delivery.upload);
        delivery.ticket.ack().await.unwrap();
    }
}
