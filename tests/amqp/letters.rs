//! The inbox.

use crate::{
    bench::{Plain, amqp, options, soon, until},
    rabbitmq::Rabbit,
};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};
use lazaret::{
    adapters::amqp::Amqp,
    ports::{DeadLetters, Inbox, inbox::Letter},
};
use std::time::Duration;

async fn letter(amqp: &Amqp) -> Letter {
    soon("a letter", amqp.inbox().receive()).await.expect("receive")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_what_was_submitted_and_is_gone_when_acknowledged() {
    let (first, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    plain.submit("one").await;
    let got = letter(&first).await;
    assert_eq!((got.body.as_slice(), got.content_type.as_deref()), (&b"one"[..], Some("application/json")));
    assert_eq!((got.user, got.redelivered), (None, 0));
    drop(got.receipt);
    let again = letter(&first).await;
    assert_eq!((again.body.as_slice(), again.redelivered), (&b"one"[..], 1));
    again.receipt.nack(Duration::from_millis(10), 0).await.unwrap();
    let later = letter(&first).await;
    assert_eq!(
        (later.body.as_slice(), later.redelivered),
        (&b"one"[..], 1),
        "as far as the broker and we count"
    );
    later.receipt.ack().await.unwrap();
    drop(first);
    let second = Amqp::connect(options(&vhost.url)).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(400), second.inbox().receive()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_is_whom_the_broker_vouches_for_over_retries_and_redrives() {
    let (rabbit, (amqp, vhost)) = (Rabbit::shared(), amqp().await);
    rabbit.control(&["add_user", "backend", "pw"]);
    rabbit.control(&["set_permissions", "-p", &vhost.name, "backend", "^$", "^lazaret$", "^$"]);
    let plain = Plain::connect(&vhost.url.replace("guest:guest", "backend:pw")).await;
    let mut lies = FieldTable::default();
    for (key, value) in
        [("x-lazaret-user", "admin"), ("x-lazaret-code", "ours"), ("x-lazaret-queue", "lazaret.work")]
    {
        lies.insert(key.into(), AMQPValue::LongString(value.into()));
    }
    lies.insert("x-lazaret-still-ms".into(), AMQPValue::LongLongInt(3_600_000));
    lies.insert("x-lazaret-failures".into(), AMQPValue::LongLongInt(1000));
    lies.insert("traceparent".into(), AMQPValue::LongString("kept".into()));
    let signed = || BasicProperties::default().with_headers(lies.clone());
    plain.publish("lazaret", "upload.submitted", b"signed", signed().with_user_id("backend".into())).await;
    let first = letter(&amqp).await;
    assert_eq!((first.user.as_deref(), first.failures), (Some("backend"), 0));
    first.receipt.nack(Duration::from_millis(10), 1).await.unwrap();
    let second = letter(&amqp).await;
    assert_eq!((second.user.as_deref(), second.redelivered, second.failures), (Some("backend"), 1, 1));
    second.receipt.bury("event.malformed", "not JSON").await.unwrap();
    assert_eq!(amqp.dead_letters().redrive(None).await.unwrap(), 1);
    let third = letter(&amqp).await;
    assert_eq!((third.body.as_slice(), third.user.as_deref()), (&b"signed"[..], Some("backend")));
    assert_eq!((third.redelivered, third.failures), (0, 0), "what is redriven is as good as new");
    third.receipt.ack().await.unwrap();
    // Nobody signed: nobody is vouched for, whatever the headers say.
    plain.publish("lazaret", "upload.submitted", b"unsigned", signed()).await;
    let first = letter(&amqp).await;
    assert_eq!((first.user, first.failures), (None, 0));
    first.receipt.nack(Duration::from_millis(10), 0).await.unwrap();
    assert_eq!(letter(&amqp).await.user, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_letters_than_the_prefetch_are_out() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    for n in 0..20 {
        plain.submit(&n.to_string()).await;
    }
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(letter(&amqp).await);
    }
    assert!(tokio::time::timeout(Duration::from_millis(400), amqp.inbox().receive()).await.is_err());
    until("twelve wait at the broker", || async {
        crate::bench::depth(&amqp, "lazaret.uploads").await == 12
    })
    .await;
}
