//! A broker closes the channel under what lies unanswered for longer than its time-out. On a node of its own, whose
//! time-out is short.

use crate::{
    bench::{channels, enqueue, next, options, soon, until},
    rabbitmq::{Rabbit, Vhost},
};
use lazaret::{
    adapters::amqp::{Amqp, Options},
    ports::{contract::samples::id, publisher::Lane},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const TIMEOUT_MS: u32 = 3000;

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
    assert_eq!((ours.len(), theirs.len()), (1, 1));
    until("the broker closes the channel where all of it lies", || async {
        let now = channels(&rabbit, &vhosts[1]);
        !now.is_empty() && now != theirs
    })
    .await;
    assert_eq!(channels(&rabbit, &vhosts[0]), ours, "and not the one where it goes back");
    drop(forgetful);
    let mut left: BTreeSet<_> = (2..=8).map(id).collect();
    while !left.is_empty() {
        let delivery = soon("what went back comes again", async { next(&amqp).await }).await;
        assert!(left.remove(&delivery.upload), "{} came twice", delivery.upload);
        delivery.ticket.ack().await.unwrap();
    }
}
