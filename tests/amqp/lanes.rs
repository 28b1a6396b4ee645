//! Neither lane stops the other.

use crate::{
    bench::{Plain, amqp, depth, enqueue, next, options, soon, until},
    rabbitmq::Rabbit,
};
use lazaret::{
    adapters::amqp::{Amqp, Options},
    ports::{DeadLetters, Inbox, contract::samples::id, inbox::Letter, publisher::Lane},
};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_in_the_slow_lane_do_not_hold_up_the_main_one() {
    let (amqp, _vhost) = amqp().await;
    enqueue(&amqp, Lane::Bulk, (1000..2000).map(id)).await;
    // The consumer runs, and holds its share of the slow lane.
    next(&amqp).await.ticket.ack().await.unwrap();
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    let mut before = 0;
    loop {
        let delivery = next(&amqp).await;
        let upload = delivery.upload;
        delivery.ticket.ack().await.unwrap();
        if upload == id(1) {
            break;
        }
        before += 1;
        // Room for those taken while its message was on its way.
        assert!(before < 100, "the main lane waits behind the slow one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slow_lane_moves_while_the_main_one_is_full() {
    let vhost = Rabbit::shared().vhost();
    // All of both lanes is here, so the main one is never empty.
    let amqp = Amqp::connect(Options { prefetch: 500, ..options(&vhost.url) }).await.unwrap();
    enqueue(&amqp, Lane::Main, (1000..1400).map(id)).await;
    enqueue(&amqp, Lane::Bulk, (0..20).map(id)).await;
    let mut slow = 0;
    for _ in 0..200 {
        let delivery = next(&amqp).await;
        slow += usize::from((0..20).any(|n| id(n) == delivery.upload));
        delivery.ticket.ack().await.unwrap();
    }
    assert!(slow >= 15, "{slow} of 200 from the slow lane");
}

/// The next letter: what it says, its lane, and how often it came before.
async fn letter(amqp: &Amqp) -> (Letter, String, Lane, u64) {
    let letter = soon("a letter", amqp.inbox().receive()).await.unwrap();
    let (body, lane) = (String::from_utf8(letter.body.clone()).unwrap(), letter.lane);
    let redelivered = letter.redelivered;
    (letter, body, lane, redelivered)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_stands_in_the_slow_lane_stays_there_and_is_the_same() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    plain.submit("one").await;
    let (first, .., lane, _) = letter(&amqp).await;
    assert_eq!(lane, Lane::Main);
    first.receipt.nack(Duration::from_millis(1), 3).await.unwrap();
    letter(&amqp).await.0.receipt.stand_in(Lane::Bulk).await.unwrap();
    let (moved, body, lane, redelivered) = letter(&amqp).await;
    assert_eq!((body.as_str(), lane, redelivered), ("one", Lane::Bulk, 1), "moving is no delivery");
    assert_eq!(moved.failures, 3, "nor does it forget any");
    moved.receipt.nack(Duration::from_millis(1), 3).await.unwrap();
    let (again, _, lane, redelivered) = letter(&amqp).await;
    assert_eq!((lane, redelivered), (Lane::Bulk, 2), "what waits comes back to its lane");
    again.receipt.bury("source.failed", "a try").await.unwrap();
    until("it is dead", || async { depth(&amqp, "lazaret.dead").await == 1 }).await;
    let dead = amqp.dead_letters();
    assert_eq!(dead.list(1).await.unwrap()[0].queue, "lazaret.uploads.bulk");
    assert_eq!(dead.redrive(None).await.unwrap(), 1);
    let (back, body, lane, _) = letter(&amqp).await;
    assert_eq!((body.as_str(), lane), ("one", Lane::Bulk));
    back.receipt.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_move_together_all_arrive() {
    let vhost = Rabbit::shared().vhost();
    let amqp = Amqp::connect(Options { prefetch: 100, ..options(&vhost.url) }).await.unwrap();
    let plain = Plain::connect(&vhost.url).await;
    let mut all = std::collections::BTreeSet::new();
    for n in 0..100 {
        plain.submit(&n.to_string()).await;
        all.insert(n.to_string());
    }
    let mut moves = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (letter, ..) = letter(&amqp).await;
        moves.spawn(async move {
            let moved = letter.receipt.stand_in(Lane::Bulk);
            // Some give up on it half-way, with the confirms of others in hand.
            let _ = if n % 10 == 0 {
                tokio::time::timeout(Duration::from_micros(n * 30), moved).await
            } else {
                Ok(moved.await)
            };
        });
    }
    moves.join_all().await;
    while !all.is_empty() {
        let (letter, body, ..) = letter(&amqp).await;
        all.remove(&body);
        letter.receipt.ack().await.unwrap();
    }
}
