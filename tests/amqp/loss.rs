//! The connection goes away under everything.

use crate::{
    bench::{Plain, amqp, channels, depth, enqueue, next, nothing, soon, until, work},
    rabbitmq::Rabbit,
};
use lapin::options::QueueDeleteOptions;
use lazaret::ports::{Inbox, Publisher, Queue, contract::samples::id, publisher::Lane};
use std::{collections::BTreeSet, time::Duration};

fn cut(vhost: &str) {
    Rabbit::shared().control(&["close_all_connections", "--vhost", vhost, "cut"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_out_comes_again_and_a_late_answer_is_no_error() {
    let (amqp, vhost) = amqp().await;
    enqueue(&amqp, Lane::Main, (1..=3).map(id)).await;
    let (first, second) = (next(&amqp).await, next(&amqp).await);
    let (one, two) = (first.upload, second.upload);
    tokio::task::block_in_place(|| cut(&vhost.name));
    // The third never left the shelf; the two are out still, so only it may come.
    let third = next(&amqp).await;
    assert!(third.upload != one && third.upload != two);
    nothing(&amqp).await;
    first.ticket.ack().await.expect("a late acknowledgement is no error");
    drop(second);
    let mut again = [next(&amqp).await, next(&amqp).await].map(|delivery| delivery.upload);
    again.sort();
    let mut out = [one, two];
    out.sort();
    assert_eq!(again, out);
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_wait_out_every_loss() {
    let (amqp, vhost) = amqp().await;
    let queue = amqp.queue();
    for n in 1..=3 {
        let receiver = tokio::spawn({
            let queue = queue.clone();
            async move { queue.receive().await.unwrap() }
        });
        let inbox = amqp.inbox();
        let letter = tokio::spawn(async move { inbox.receive().await.unwrap() });
        until("the connection is there", || async { amqp.health().await.is_ok() }).await;
        tokio::task::block_in_place(|| cut(&vhost.name));
        until("it is there again", || async {
            amqp.publisher().publish(&[work(Lane::Main, id(n))]).await[0].is_ok()
        })
        .await;
        let delivery = soon("work", receiver).await.unwrap();
        assert_eq!(delivery.upload, id(n));
        delivery.ticket.ack().await.unwrap();
        Plain::connect(&vhost.url).await.submit("hello").await;
        soon("a letter", letter).await.unwrap().receipt.ack().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handing_back_on_a_lost_connection_loses_nothing() {
    let (amqp, vhost) = amqp().await;
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    let delivery = next(&amqp).await;
    tokio::task::block_in_place(|| cut(&vhost.name));
    // An error or not: it comes again.
    let _ = delivery.ticket.nack(Duration::from_millis(10)).await;
    next(&amqp).await.ticket.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_does_not_end_its_consumer() {
    let (amqp, vhost) = amqp().await;
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    next(&amqp).await.ticket.ack().await.unwrap();
    let plain = Plain::connect(&vhost.url).await;
    plain.channel.queue_delete("lazaret.work.bulk".into(), QueueDeleteOptions::default()).await.unwrap();
    until("the queue is there again", || async {
        amqp.publisher().publish(&[work(Lane::Bulk, id(2))]).await[0].is_ok()
    })
    .await;
    assert_eq!(next(&amqp).await.upload, id(2));
}

/// Of this process, in MiB: `VmRSS` of proc(5).
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_nobody_takes_do_not_gather_while_connections_are_lost() {
    const LETTERS: usize = 8;
    const MIB: usize = 4;
    const LOSSES: usize = 8;
    let (amqp, vhost) = amqp().await;
    let (rabbit, inbox) = (Rabbit::shared(), amqp.inbox());
    // The consumer begins with the first receiver, who leaves before anything comes.
    assert!(tokio::time::timeout(Duration::from_millis(1), inbox.receive()).await.is_err());
    let plain = Plain::connect(&vhost.url).await;
    for n in 0..LETTERS {
        plain.submit(&n.to_string().repeat(MIB << 20)).await;
    }
    until("they are here", || async { depth(&amqp, "lazaret.uploads").await == 0 }).await;
    let (before, mut seen) = (resident(), channels(rabbit, &vhost));
    for _ in 0..LOSSES {
        tokio::task::block_in_place(|| cut(&vhost.name));
        until("another consumer has them", || async {
            let now = channels(rabbit, &vhost);
            !now.is_empty() && now.is_disjoint(&seen) && depth(&amqp, "lazaret.uploads").await == 0
        })
        .await;
        seen.extend(channels(rabbit, &vhost));
    }
    let grown = resident().saturating_sub(before);
    println!("{grown} MiB more after {LOSSES} losses");
    assert!(grown < LETTERS * MIB * LOSSES / 2, "{grown} MiB more after {LOSSES} losses");
    let mut left: BTreeSet<_> = (0..LETTERS).map(|n| n.to_string().into_bytes()[0]).collect();
    while !left.is_empty() {
        let letter = soon("a letter", inbox.receive()).await.unwrap();
        assert!(left.remove(&letter.body[0]), "each once");
        letter.receipt.ack().await.unwrap();
    }
    until("all are gone", || async { depth(&amqp, "lazaret.uploads").await == 0 }).await;
    drop(amqp);
    let second = lazaret::adapters::amqp::Amqp::connect(crate::bench::options(&vhost.url)).await.unwrap();
    let none = tokio::time::timeout(Duration::from_millis(400), second.inbox().receive()).await;
    assert!(none.is_err(), "what was acknowledged is gone");
}
