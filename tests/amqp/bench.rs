//! What the tests share: an adapter on a vhost of its own, and a plain client beside it.

use crate::rabbitmq::{Rabbit, Vhost};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use lazaret::{
    adapters::amqp::{Amqp, Options},
    ports::{
        Publisher, Queue,
        publisher::{Lane, Message, Route},
        queue::Delivery,
    },
    upload::UploadId,
};
use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

pub const SOON: Duration = Duration::from_secs(20);
pub const NEVER: Duration = Duration::from_millis(400);

pub fn options(url: &str) -> Options {
    Options {
        url: url.to_owned(),
        ca: None,
        prefetch: 8,
        hold: Duration::from_secs(600),
        delivery_limit: 20,
        name: "lazaret test".to_owned(),
    }
}

pub async fn amqp() -> (Arc<Amqp>, Vhost) {
    let vhost = Rabbit::shared().vhost();
    (Amqp::connect(options(&vhost.url)).await.expect("a fresh vhost"), vhost)
}

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Asks until it holds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    soon(what, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    })
    .await;
}

pub async fn next(amqp: &Amqp) -> Delivery {
    soon("a delivery", amqp.queue().receive()).await.expect("receive")
}

pub async fn nothing(amqp: &Amqp) {
    if let Ok(delivery) = tokio::time::timeout(NEVER, amqp.queue().receive()).await {
        panic!("{} came", delivery.expect("receive").upload);
    }
}

pub fn work(lane: Lane, upload: UploadId) -> Message {
    Message {
        route: Route::Work(lane),
        id: format!("work {upload}"),
        content_type: "text/plain",
        body: upload.to_string().into_bytes(),
        must_arrive: true,
    }
}

pub fn event(key: &str, id: &str, must_arrive: bool) -> Message {
    Message {
        route: Route::Event(key.to_owned()),
        id: id.to_owned(),
        content_type: "application/json",
        body: b"{}".to_vec(),
        must_arrive,
    }
}

pub async fn enqueue(amqp: &Amqp, lane: Lane, uploads: impl IntoIterator<Item = UploadId>) {
    let messages: Vec<_> = uploads.into_iter().map(|upload| work(lane, upload)).collect();
    for sent in amqp.publisher().publish(&messages).await {
        sent.expect("work is taken");
    }
}

/// Ready messages of a queue.
pub async fn depth(amqp: &Amqp, queue: &str) -> u32 {
    let depths = amqp.depth().await.expect("depth");
    depths.into_iter().find(|(name, _)| *name == queue).expect("a queue of ours").1
}

/// Channels that consume, as the broker names them: each new one has another name.
pub fn channels(rabbit: &Rabbit, vhost: &Vhost) -> BTreeSet<String> {
    let list = ["list_consumers", "--vhost", &vhost.name, "--no-table-headers", "channel_pid"];
    let listed = tokio::task::block_in_place(|| rabbit.control(&list));
    listed.lines().map(str::to_owned).collect()
}

/// A client that is not ours.
pub struct Plain {
    _connection: Connection,
    pub channel: Channel,
}

impl Plain {
    pub async fn connect(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("connects");
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { _connection: connection, channel }
    }

    pub async fn publish(&self, exchange: &str, key: &str, body: &[u8], properties: BasicProperties) {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sent =
            self.channel.basic_publish(exchange.into(), key.into(), options, body, properties).await.unwrap();
        assert_eq!(sent.await.unwrap().take_message(), None, "a queue takes it");
    }

    pub async fn submit(&self, body: &str) {
        let properties = BasicProperties::default().with_content_type("application/json".into());
        self.publish("lazaret", "upload.submitted", body.as_bytes(), properties).await;
    }
}
