//! Dead letters: why they are there, and back to where they came from.

use crate::bench::{Plain, amqp, depth, next, options, soon, until};
use lapin::BasicProperties;
use lazaret::{
    adapters::amqp::{Amqp, Options},
    ports::{DeadLetters, Inbox, contract::samples::id, dead::DeadLetter, publisher::Lane},
};

async fn listed(amqp: &Amqp, count: usize) -> Vec<DeadLetter> {
    until("the dead letters are there", || async { depth(amqp, "lazaret.dead").await as usize == count })
        .await;
    amqp.dead_letters().list(100).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_buried_is_listed_with_its_reason_and_stays() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    for n in 0..3 {
        let properties = BasicProperties::default().with_message_id(format!("m{n}").into());
        plain.publish("lazaret", "upload.submitted", format!("body {n}").as_bytes(), properties).await;
        let letter = soon("a letter", amqp.inbox().receive()).await.unwrap();
        letter.receipt.bury("source.forbidden", "bucket x is not a source").await.unwrap();
    }
    let letters = listed(&amqp, 3).await;
    let first = DeadLetter {
        id: "m0".to_owned(),
        queue: "lazaret.uploads".to_owned(),
        code: "source.forbidden".to_owned(),
        detail: "bucket x is not a source".to_owned(),
        body: "body 0".to_owned(),
    };
    assert_eq!(letters[0], first, "oldest first");
    assert_eq!(amqp.dead_letters().list(2).await.unwrap().len(), 2);
    // More looks than any default limit of deliveries.
    for _ in 0..25 {
        assert_eq!(amqp.dead_letters().list(10).await.unwrap().len(), 3);
    }
    assert_eq!(amqp.dead_letters().redrive(Some("m1")).await.unwrap(), 1);
    let back = soon("a letter", amqp.inbox().receive()).await.unwrap();
    assert_eq!((back.body.as_slice(), back.redelivered), (&b"body 1"[..], 0));
    back.receipt.ack().await.unwrap();
    let mut left: Vec<_> = listed(&amqp, 2).await.into_iter().map(|letter| letter.id).collect();
    left.sort();
    assert_eq!(left, ["m0", "m2"]);
    assert_eq!(amqp.dead_letters().redrive(Some("m1")).await.unwrap(), 0);
    assert_eq!(amqp.dead_letters().redrive(None).await.unwrap(), 2);
    assert!(listed(&amqp, 0).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_message_ends_in_the_dead_letters_and_its_neighbour_does_not() {
    let (first, vhost) = amqp().await;
    drop(first);
    // Another vhost would do as well; the queues are empty here, so they may go.
    let plain = Plain::connect(&vhost.url).await;
    for queue in ["lazaret.uploads", "lazaret.uploads.bulk", "lazaret.work", "lazaret.work.bulk"] {
        plain.channel.queue_delete(queue.into(), Default::default()).await.unwrap();
    }
    let amqp =
        Amqp::connect(Options { delivery_limit: 3, prefetch: 1, ..options(&vhost.url) }).await.unwrap();
    crate::bench::enqueue(&amqp, Lane::Main, [id(1), id(2)]).await;
    let mut deliveries = 0;
    loop {
        let delivery = next(&amqp).await;
        if delivery.upload == id(2) {
            delivery.ticket.ack().await.unwrap();
            break;
        }
        deliveries += 1;
        assert!(deliveries < 20, "it comes for ever");
    }
    while depth(&amqp, "lazaret.dead").await == 0 {
        let queue = amqp.queue();
        let again = tokio::time::timeout(
            std::time::Duration::from_millis(100),
            lazaret::ports::Queue::receive(&*queue),
        );
        if let Ok(delivery) = again.await {
            assert_eq!(delivery.unwrap().upload, id(1));
            deliveries += 1;
            assert!(deliveries < 20, "it comes for ever");
        }
    }
    assert_eq!(deliveries, 4, "the limit is of deliveries after the first");
    let letters = listed(&amqp, 1).await;
    assert_eq!((letters[0].code.as_str(), letters[0].queue.as_str()), ("delivery.limit", "lazaret.work"));
    assert_eq!(letters[0].body, id(1).to_string());
    assert_eq!(amqp.dead_letters().redrive(None).await.unwrap(), 1);
    assert_eq!(next(&amqp).await.upload, id(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_no_id_is_buried() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    plain.publish("lazaret.work", "work.bulk", b"\xff not an id", BasicProperties::default()).await;
    crate::bench::enqueue(&amqp, Lane::Bulk, [id(1)]).await;
    assert_eq!(next(&amqp).await.upload, id(1));
    let letters = listed(&amqp, 1).await;
    assert_eq!(
        (letters[0].code.as_str(), letters[0].queue.as_str()),
        ("work.malformed", "lazaret.work.bulk")
    );
    assert!(letters[0].id.starts_with("sha256-"), "{}", letters[0].id);
    assert_eq!(amqp.dead_letters().redrive(Some(&letters[0].id)).await.unwrap(), 1);
    assert_eq!(listed(&amqp, 1).await[0].code, "work.malformed", "and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_of_no_queue_of_ours_stays() {
    let (amqp, vhost) = amqp().await;
    let plain = Plain::connect(&vhost.url).await;
    plain.publish("lazaret.dead", "whatever", b"from somewhere", BasicProperties::default()).await;
    assert_eq!(listed(&amqp, 1).await[0].queue, "");
    assert_eq!(amqp.dead_letters().redrive(None).await.unwrap(), 0);
    assert_eq!(listed(&amqp, 1).await.len(), 1);
}
