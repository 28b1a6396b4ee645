//! Frames of live streams: what nobody takes in time is gone, the oldest first, and comes to be counted.

use crate::{
    bench::{Plain, amqp, channels, soon, until},
    rabbitmq::{Rabbit, Vhost},
};
use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use lazaret::{
    adapters::amqp::{Amqp, STREAM_KEY},
    ports::{Frames, contract::samples::at, frames::Parcel},
    upload::StreamId,
};
use std::{ops::Range, sync::Arc};

fn stream() -> StreamId {
    StreamId::new(at(1), &[7; 10])
}

/// A stream whose frames were taken once, and are not any more.
async fn left() -> (Arc<Amqp>, Vhost, Plain) {
    let (amqp, vhost) = amqp().await;
    let feed = amqp.frames().feed(stream()).await.expect("a feed");
    let consumers = async || channels(Rabbit::shared(), &vhost).len();
    assert!(consumers().await > 0);
    drop(feed);
    until("nobody takes frames", || async { consumers().await == 0 }).await;
    let plain = Plain::connect(&vhost.url).await;
    (amqp, vhost, plain)
}

/// All at once: none waits for another to be confirmed.
async fn publish(plain: &Plain, numbers: Range<u32>) {
    let mut sent = Vec::new();
    for n in numbers {
        let mut headers = FieldTable::default();
        headers.insert(STREAM_KEY.into(), AMQPValue::LongString("lzs_x".into()));
        let properties = BasicProperties::default().with_headers(headers);
        let (options, body) = (BasicPublishOptions::default(), n.to_string());
        let publish = plain.channel.basic_publish(
            "lazaret".into(),
            format!("stream.frame.{}", stream()).into(),
            options,
            body.as_bytes(),
            properties,
        );
        sent.push(publish.await.unwrap());
    }
    for confirmed in sent {
        assert!(confirmed.await.unwrap().is_ack());
    }
}

/// The next that was dropped, and why.
async fn dropped(plain: &Plain) -> (u32, String) {
    let name = format!("stream.frame.{}.dropped", stream());
    let got = plain.channel.basic_get(name.into(), BasicGetOptions { no_ack: true }).await.unwrap();
    let delivery = got.expect("there is one").delivery;
    let headers = delivery.properties.headers().clone().unwrap();
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else { panic!("{headers:?}") };
    let AMQPValue::FieldTable(death) = &deaths.as_slice()[0] else { panic!("{deaths:?}") };
    let Some(AMQPValue::LongString(reason)) = death.inner().get("reason") else { panic!("{death:?}") };
    (number(&delivery.data), reason.to_string())
}

fn number(body: &[u8]) -> u32 {
    std::str::from_utf8(body).unwrap().parse().unwrap()
}

/// Messages that nobody has, of the stream's queue and of what it dropped.
async fn waiting(plain: &Plain) -> [u32; 2] {
    let mut counts = [0; 2];
    for (count, end) in counts.iter_mut().zip(["", ".dropped"]) {
        let name = format!("stream.frame.{}{end}", stream());
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = plain.channel.queue_declare(name.into(), passive, FieldTable::default()).await;
        *count = found.expect("it is there").message_count();
    }
    counts
}

/// Numbers of the next frames, so many of both: those that are fresh, and those that were dropped.
async fn taken(amqp: &Amqp, count: usize) -> [Vec<u32>; 2] {
    let mut feed = amqp.frames().feed(stream()).await.expect("a feed");
    let (mut fresh, mut dropped) = (Vec::new(), Vec::new());
    while fresh.len() + dropped.len() < count {
        let Parcel { body, key, is_dropped } = soon("a frame", feed.next()).await.expect("it comes");
        assert_eq!(key.as_deref(), Some("lzs_x"), "it says whose it is");
        if is_dropped { dropped.push(number(&body)) } else { fresh.push(number(&body)) }
    }
    [fresh, dropped]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_than_may_wait_the_oldest_are_dropped_and_counted() {
    let (amqp, _vhost, plain) = left().await;
    publish(&plain, 0..20).await;
    until("twelve at least are dropped", || async { waiting(&plain).await[1] >= 12 }).await;
    for n in 0..12 {
        assert_eq!(dropped(&plain).await, (n, "maxlen".to_owned()));
    }
    let [fresh, dropped] = taken(&amqp, 8).await;
    // On a slow machine time may have taken some of the newest, too.
    let newest = 20 - u32::try_from(fresh.len()).unwrap();
    assert_eq!(fresh, (newest..20).collect::<Vec<_>>(), "the newest are left");
    assert_eq!(dropped, (12..newest).collect::<Vec<_>>(), "each of the others comes once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_in_time_is_dropped_and_counted() {
    let (amqp, vhost, plain) = left().await;
    publish(&plain, 0..3).await;
    until("their time is over", || async { waiting(&plain).await == [0, 3] }).await;
    assert_eq!(taken(&amqp, 3).await, [vec![], vec![0, 1, 2]]);
    // And when the stream is over nothing of it is left.
    amqp.frames().close(stream()).await.expect("it is closed");
    amqp.frames().close(stream()).await.expect("as often as it is asked");
    let queues = tokio::task::block_in_place(|| {
        Rabbit::shared().control(&["list_queues", "--vhost", &vhost.name, "--no-table-headers", "name"])
    });
    assert!(queues.contains("lazaret.uploads") && !queues.contains("stream.frame"), "{queues}");
}

/// What waits to be counted takes no more room than it may, whatever is sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_counted_is_bounded() {
    let (_amqp, _vhost, plain) = left().await;
    let key = format!("stream.frame.{}", stream());
    for _ in 0..20 {
        plain.publish("lazaret", &key, &vec![7; 1 << 20], BasicProperties::default()).await;
    }
    until("all have had their time", || async { waiting(&plain).await[0] == 0 }).await;
    let dropped = waiting(&plain).await[1];
    assert!((1..=8).contains(&dropped), "of a mebibyte each: {dropped}");
}
