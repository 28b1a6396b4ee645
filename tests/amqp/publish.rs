//! What is confirmed is durable, and what no queue took is known.

use crate::bench::{Plain, amqp, depth, event, next, until, work};
use lapin::{
    options::{BasicGetOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use lazaret::ports::{Kind, Publisher, contract::samples::id, publisher::Lane};

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_takes_is_an_error_where_it_must_arrive() {
    let (amqp, _vhost) = amqp().await;
    let batch: Vec<_> = (0..40)
        .flat_map(|n| {
            [
                work(Lane::Main, id(n)),
                event("upload.nobody", &format!("optional {n}"), false),
                event("upload.nobody", &format!("must {n}"), true),
            ]
        })
        .collect();
    let results = amqp.publisher().publish(&batch).await;
    assert_eq!(results.len(), batch.len());
    for (message, result) in batch.iter().zip(results) {
        assert_eq!(result.is_err(), message.id.starts_with("must"), "{}: {result:?}", message.id);
    }
    assert_eq!(depth(&amqp, "lazaret.work").await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_keeps_its_order_and_says_what_it_is() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    let none = FieldTable::default;
    plain.channel.queue_declare("mine".into(), QueueDeclareOptions::durable(), none()).await.unwrap();
    let bound = plain.channel.queue_bind(
        "mine".into(),
        "lazaret".into(),
        "upload.*".into(),
        QueueBindOptions::default(),
        none(),
    );
    bound.await.unwrap();
    let batch: Vec<_> = (0..300).map(|n| event("upload.published", &n.to_string(), true)).collect();
    for result in amqp.publisher().publish(&batch).await {
        result.unwrap();
    }
    for n in 0..300 {
        let got =
            plain.channel.basic_get("mine".into(), BasicGetOptions { no_ack: true }).await.unwrap().unwrap();
        let properties = &got.delivery.properties;
        assert_eq!(properties.message_id().as_ref().unwrap().as_str(), n.to_string());
        assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/json");
        assert_eq!(properties.app_id().as_ref().unwrap().as_str(), "lazaret test");
        assert_eq!(*properties.delivery_mode(), Some(2));
        assert!(properties.timestamp().is_some_and(|seconds| seconds > 1_700_000_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_somebody_deleted_is_declared_again() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    plain.channel.queue_delete("lazaret.work".into(), QueueDeleteOptions::default()).await.unwrap();
    let first = amqp.publisher().publish(&[work(Lane::Main, id(1))]).await;
    assert_eq!(first[0].as_ref().unwrap_err().kind, Kind::Retry);
    until("the queue is there again", || async {
        amqp.publisher().publish(&[work(Lane::Main, id(1))]).await[0].is_ok()
    })
    .await;
    assert_eq!(next(&amqp).await.upload, id(1));
}
