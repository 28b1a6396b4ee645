//! The connection goes away under everything.

use crate::{
    bench::{Plain, amqp, enqueue, next, nothing, soon, until, work},
    rabbitmq::Rabbit,
};
use lapin::options::QueueDeleteOptions;
use lazaret::ports::{Inbox, Publisher, Queue, contract::samples::id, publisher::Lane};
use std::time::Duration;

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
