//! amqps, with an authority of one's own.

use crate::{
    bench::{enqueue, next, options},
    rabbitmq::{Rabbit, Vhost},
};
use lazaret::{
    adapters::amqp::{Amqp, Options},
    ports::{contract::samples::id, publisher::Lane},
};

fn secure(vhost: &Vhost) -> Options {
    let (port, _) = Rabbit::shared().tls();
    options(&format!("amqps://guest:guest@127.0.0.1:{port}/{}", vhost.name))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_the_setting_is_believed() {
    let vhost = Rabbit::shared().vhost();
    let (_, ca) = Rabbit::shared().tls();
    let amqp = Amqp::connect(Options { ca: Some(ca), ..secure(&vhost) }).await.unwrap();
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    assert_eq!(next(&amqp).await.upload, id(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_certificate_is_refused() {
    let vhost = Rabbit::shared().vhost();
    let error = Amqp::connect(secure(&vhost)).await.expect_err("refused").to_string();
    assert!(error.contains("queue.url") && error.to_lowercase().contains("certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_words_to_a_secure_port_fail_in_time() {
    let vhost = Rabbit::shared().vhost();
    let mut options = secure(&vhost);
    options.url = options.url.replace("amqps://", "amqp://");
    let error = Amqp::connect(options).await.expect_err("refused").to_string();
    assert!(error.contains("queue.url"), "{error}");
}
