//! What is wrong at start is one line that names the setting.

use crate::{
    bench::{Plain, amqp, options},
    rabbitmq::Rabbit,
};
use lapin::{ExchangeKind, options::ExchangeDeclareOptions, options::QueueDeclareOptions, types::FieldTable};
use lazaret::adapters::amqp::{Amqp, Options};

/// The error of connecting, which holds no secret and no second line.
async fn refused(options: Options) -> String {
    let shown = format!("{options:?}");
    let error = Amqp::connect(options).await.expect_err("refused");
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert!(!format!("{text} {error:?} {shown}").contains("s3cret"), "{error:?} {shown}");
    text
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password() {
    let vhost = Rabbit::shared().vhost();
    let text = refused(options(&vhost.url.replace(":guest@", ":s3cret@"))).await;
    says(&text, &["queue.url", "user or password", "127.0.0.1", &vhost.name]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_vhost() {
    let vhost = Rabbit::shared().vhost();
    let text = refused(options(&vhost.url.replace(&vhost.name, "nowhere"))).await;
    says(&text, &["queue.url", "no vhost \"nowhere\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vhost_of_others_and_a_user_who_may_not_declare() {
    let (rabbit, vhost) = (Rabbit::shared(), Rabbit::shared().vhost());
    rabbit.control(&["add_user", "outsider", "s3cret"]);
    let url = vhost.url.replace("guest:guest", "outsider:s3cret");
    says(&refused(options(&url)).await, &["queue.url", "does not let this user into the vhost"]);
    rabbit.control(&["set_permissions", "-p", &vhost.name, "outsider", "^$", ".*", ".*"]);
    says(&refused(options(&url)).await, &["queue.url", "may not declare", "exchange lazaret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = refused(options(&format!("amqp://guest:s3cret@127.0.0.1:{closed}/v"))).await;
    says(&text, &["queue.url", "nobody listens", &closed.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_a_url() {
    says(&refused(options("amqp://guest:s3cret@host:port")).await, &["queue.url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_another_delivery_limit() {
    let (first, vhost) = amqp().await;
    drop(first);
    let text = refused(Options { delivery_limit: 5, ..options(&vhost.url) }).await;
    says(&text, &["queue.delivery_limit", "queue lazaret.uploads", "'20'", "'5'"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_another_kind() {
    let vhost = Rabbit::shared().vhost();
    let plain = Plain::connect(&vhost.url).await;
    let declared = plain.channel.queue_declare(
        "lazaret.work".into(),
        QueueDeclareOptions::durable(),
        FieldTable::default(),
    );
    declared.await.unwrap();
    says(
        &refused(options(&vhost.url)).await,
        &["queue.url", "queue lazaret.work is there already", "inequivalent arg"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_of_another_kind() {
    let vhost = Rabbit::shared().vhost();
    let plain = Plain::connect(&vhost.url).await;
    let options_of = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared = plain.channel.exchange_declare(
        "lazaret".into(),
        ExchangeKind::Direct,
        options_of,
        FieldTable::default(),
    );
    declared.await.unwrap();
    says(&refused(options(&vhost.url)).await, &["queue.url", "exchange lazaret is there already", "type"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_and_alike_is_fine_and_healthy() {
    let (first, vhost) = amqp().await;
    let second = Amqp::connect(options(&vhost.url)).await.expect("it is alike");
    for amqp in [first, second] {
        amqp.health().await.unwrap();
        assert_eq!(amqp.depth().await.unwrap().len(), 10);
        assert!(!format!("{amqp:?}").contains("guest:"), "{amqp:?}");
    }
}
