//! Whoever stops waiting takes nothing along.

use crate::bench::{Plain, amqp, depth, enqueue, event, until, work};
use lazaret::ports::{Inbox, Publisher, Queue, contract::samples::id, publisher::Lane};
use std::{collections::BTreeSet, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_receive_loses_neither_work_nor_letters() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    enqueue(&amqp, Lane::Main, (1..=8).map(id)).await;
    for n in 1..=8 {
        plain.submit(&n.to_string()).await;
    }
    let (mut work, mut letters) = (Vec::new(), Vec::new());
    for micros in (0..400).chain(std::iter::repeat_n(2_000_000, 20)) {
        let limit = Duration::from_micros(micros);
        if work.len() < 8
            && let Ok(delivery) = tokio::time::timeout(limit, amqp.queue().receive()).await
        {
            work.push(delivery.unwrap());
        }
        if letters.len() < 8
            && let Ok(letter) = tokio::time::timeout(limit, amqp.inbox().receive()).await
        {
            letters.push(letter.unwrap());
        }
    }
    let ids: BTreeSet<_> = work.iter().map(|delivery| delivery.upload).collect();
    assert_eq!(ids, (1..=8).map(id).collect());
    let bodies: BTreeSet<_> = letters.iter().map(|letter| letter.body.clone()).collect();
    assert_eq!(bodies.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_publish_does_not_confuse_the_next() {
    let (amqp, _vhost) = amqp().await;
    let publisher = amqp.publisher();
    for n in 0..60 {
        // Confirmed late, at once, and in any order with what comes after it.
        let cancelled: Vec<_> = (0..40).map(|m| work(Lane::Bulk, id(1000 + m))).collect();
        let _ = tokio::time::timeout(Duration::from_micros(n * 100), publisher.publish(&cancelled)).await;
        let unroutable = event("upload.nobody", &n.to_string(), true);
        let result = publisher.publish(&[unroutable, work(Lane::Main, id(n))]).await;
        assert!(result[0].is_err() && result[1].is_ok(), "{n}: {result:?}");
    }
    until("all arrived", || async { depth(&amqp, "lazaret.work").await == 60 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_hand_back_is_delivered_again() {
    let (amqp, _vhost) = amqp().await;
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    let mut seen = 0;
    for micros in [0, 100, 300, 1000, 3000] {
        let delivery = crate::bench::next(&amqp).await;
        seen += 1;
        let handed = delivery.ticket.nack(Duration::from_millis(1));
        let _ = tokio::time::timeout(Duration::from_micros(micros), handed).await;
    }
    assert_eq!(seen, 5);
}
