//! Handed back, dropped, and doubled.

use crate::bench::{Plain, amqp, enqueue, next, nothing, work};
use lazaret::ports::{Publisher, contract::samples::id, publisher::Lane};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_back_comes_after_its_delay_and_not_before() {
    let (amqp, _vhost) = amqp().await;
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    for (delay_ms, at_least_ms, at_most_ms) in [(200, 900, 4000), (1000, 900, 4000), (0, 0, 900)] {
        next(&amqp).await.ticket.nack(Duration::from_millis(delay_ms)).await.unwrap();
        let began = Instant::now();
        assert_eq!(next(&amqp).await.upload, id(1));
        let waited = began.elapsed().as_millis();
        assert!((at_least_ms..at_most_ms).contains(&waited), "{delay_ms} ms became {waited} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_handed_back_keeps_its_lane() {
    let (amqp, vhost) = amqp().await;
    enqueue(&amqp, Lane::Bulk, [id(1)]).await;
    next(&amqp).await.ticket.nack(Duration::from_millis(1)).await.unwrap();
    drop(amqp);
    let plain = Plain::connect(&vhost.url).await;
    crate::bench::until("it is back in its lane", || async {
        let got = plain.channel.basic_get("lazaret.work.bulk".into(), Default::default()).await.unwrap();
        got.is_some_and(|message| message.delivery.data == id(1).to_string().into_bytes())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_message_for_an_id_waits_for_the_first() {
    let (amqp, _vhost) = amqp().await;
    let twice = [work(Lane::Main, id(1)), work(Lane::Bulk, id(1))];
    for sent in amqp.publisher().publish(&twice).await {
        sent.unwrap();
    }
    let first = next(&amqp).await;
    nothing(&amqp).await;
    first.ticket.ack().await.unwrap();
    next(&amqp).await.ticket.ack().await.unwrap();
    nothing(&amqp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_gone_for_the_next_process() {
    let (first, vhost) = amqp().await;
    enqueue(&first, Lane::Main, [id(1), id(2)]).await;
    next(&first).await.ticket.ack().await.unwrap();
    drop(first);
    let second = lazaret::adapters::amqp::Amqp::connect(crate::bench::options(&vhost.url)).await.unwrap();
    next(&second).await.ticket.ack().await.unwrap();
    nothing(&second).await;
}
