//! A message that the broker does not take back.

use crate::{
    bench::{Plain, options, soon},
    rabbitmq::Rabbit,
};
use lazaret::{adapters::amqp::Amqp, ports::Inbox};
use std::time::Duration;

/// What the error of an account that may not asks for.
const OURS: &str = r"^(lazaret|stream\.frame\.|amq\.default$)";
/// Longer than a message that comes again at once takes, and shorter than the pauses between tries to hand it back.
const A_WHILE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_handed_back_keeps_its_deliveries() {
    let (rabbit, vhost) = (Rabbit::shared(), Rabbit::shared().vhost());
    let may_write = |what: &str| {
        let set = ["set_permissions", "-p", &vhost.name, "keeper", OURS, what, OURS];
        tokio::task::block_in_place(|| rabbit.control(&set));
    };
    tokio::task::block_in_place(|| rabbit.control(&["add_user", "keeper", "pw"]));
    may_write(OURS);
    let amqp = Amqp::connect(options(&vhost.url.replace("guest:guest", "keeper:pw"))).await.unwrap();
    let inbox = amqp.inbox();
    Plain::connect(&vhost.url).await.submit("one").await;
    let letter = soon("a letter", inbox.receive()).await.unwrap();
    may_write("^$");
    let handing = tokio::spawn(letter.receipt.nack(Duration::from_millis(1), 0));
    let again = tokio::time::timeout(A_WHILE, inbox.receive()).await;
    assert!(again.is_err(), "it comes at once, and would again and again");
    may_write(OURS);
    soon("it is handed back after all", handing).await.unwrap().unwrap();
    let later = soon("it comes again", inbox.receive()).await.unwrap();
    assert_eq!((later.body.as_slice(), later.redelivered), (&b"one"[..], 1), "once, as it was asked for");
}
