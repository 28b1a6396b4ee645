//! A plain client of the broker, which tries again until the broker has said yes.

use crate::wait::PATIENCE;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    message::BasicGetMessage,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use std::time::{Duration, Instant};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

const ANSWER: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

pub struct Mail {
    url: String,
    open: Mutex<Option<(Connection, Channel)>>,
}

impl Mail {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), open: Mutex::default() }
    }

    /// Confirmed, and in a queue.
    pub async fn send(&self, exchange: &str, key: &str, body: &[u8]) {
        let began = Instant::now();
        while let Err(error) = self.answered(self.try_to_send(exchange, key, body)).await {
            assert!(began.elapsed() < PATIENCE, "the broker takes no message: {error}");
            sleep(PAUSE).await;
        }
    }

    /// A durable queue of its own for these events.
    pub async fn listen(&self, queue: &str, keys: &[&str]) {
        self.answered(self.try_to_listen(queue, keys)).await.expect("a queue of the test's own");
    }

    /// The next message, not acknowledged yet.
    pub async fn get(&self, queue: &str) -> Result<Option<BasicGetMessage>, String> {
        self.answered(async {
            let channel = self.channel().await?;
            channel.basic_get(queue.into(), BasicGetOptions::default()).await.map_err(said)
        })
        .await
    }

    async fn try_to_send(&self, exchange: &str, key: &str, body: &[u8]) -> Result<(), String> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let durable =
            BasicProperties::default().with_delivery_mode(2).with_content_type("application/json".into());
        let channel = self.channel().await?;
        let sent = channel.basic_publish(exchange.into(), key.into(), options, body, durable).await;
        let confirmed = sent.map_err(said)?.await.map_err(said)?;
        if confirmed.is_nack() {
            return Err("refused".to_owned());
        }
        confirmed.take_message().map_or(Ok(()), |_| Err("no queue for it".to_owned()))
    }

    async fn try_to_listen(&self, queue: &str, keys: &[&str]) -> Result<(), String> {
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let channel = self.channel().await?;
        channel.queue_declare(queue.into(), durable, FieldTable::default()).await.map_err(said)?;
        for key in keys {
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            let bound = channel.queue_bind(queue.into(), "lazaret".into(), (*key).into(), options, none);
            bound.await.map_err(said)?;
        }
        Ok(())
    }

    async fn channel(&self) -> Result<Channel, String> {
        let mut open = self.open.lock().await;
        if let Some((_, channel)) = &*open {
            return Ok(channel.clone());
        }
        let connection =
            Connection::connect(&self.url, ConnectionProperties::default()).await.map_err(said)?;
        let channel = connection.create_channel().await.map_err(said)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(said)?;
        *open = Some((connection, channel.clone()));
        Ok(channel)
    }

    /// In time; after trouble the next call connects anew.
    async fn answered<T>(&self, asked: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        let answer = timeout(ANSWER, asked).await.unwrap_or_else(|_| Err("no answer".to_owned()));
        if answer.is_err() {
            *self.open.lock().await = None;
        }
        answer
    }
}

fn said(error: lapin::Error) -> String {
    error.to_string()
}
