//! The broker is killed and comes back. On a node of its own.

use crate::{
    bench::{enqueue, next, options, until, work},
    rabbitmq::Rabbit,
};
use lazaret::{
    adapters::amqp::Amqp,
    ports::{Kind, Publisher, contract::samples::id, publisher::Lane},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_is_there_after_the_broker_was_killed() {
    let rabbit = Rabbit::start();
    let vhost = rabbit.vhost();
    let amqp = Amqp::connect(options(&vhost.url)).await.unwrap();
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    let held = next(&amqp).await;
    let publisher = amqp.publisher();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    // Published without pause until the broker is gone under it.
    let publishing = tokio::spawn(async move {
        let (mut confirmed, mut n) = (BTreeSet::new(), 100);
        loop {
            let batch: Vec<_> = (n..n + 20).map(id).collect();
            let messages: Vec<_> = batch.iter().map(|upload| work(Lane::Bulk, *upload)).collect();
            let results = publisher.publish(&messages).await;
            assert_eq!(results.len(), 20);
            let mut failed = false;
            for (upload, result) in batch.into_iter().zip(results) {
                match result {
                    Ok(()) => drop(confirmed.insert(upload)),
                    Err(error) => {
                        assert_eq!(error.kind, Kind::Retry, "{error}");
                        failed = true;
                    }
                }
            }
            if failed {
                return confirmed;
            }
            counted.store(confirmed.len(), Ordering::SeqCst);
            n += 20;
        }
    });
    until("some are confirmed", || async { count.load(Ordering::SeqCst) >= 20 }).await;
    tokio::task::block_in_place(|| rabbit.restart());
    let mut confirmed = publishing.await.unwrap();
    assert!(confirmed.len() >= 20, "some were confirmed before the end: {}", confirmed.len());
    until("the broker is there again", || async { amqp.health().await.is_ok() }).await;
    held.ticket.ack().await.unwrap();
    confirmed.insert(id(1));
    let mut seen = BTreeSet::new();
    while !confirmed.is_subset(&seen) {
        let delivery = next(&amqp).await;
        seen.insert(delivery.upload);
        delivery.ticket.ack().await.unwrap();
    }
    enqueue(&amqp, Lane::Main, [id(2)]).await;
    while next(&amqp).await.upload != id(2) {}
}
