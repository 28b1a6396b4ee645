//! The exchanges and queues, declared as the tables of the module say. Declaring one that is there is the check that it
//! is alike.

use super::{
    retry::STEPS,
    trouble::{ANSWER, asked, declaring, silent},
};
use crate::ports::{Result, publisher::Lane};
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

pub(super) const EVENTS: &str = "lazaret";
const SUBMITTED: &str = "upload.submitted";
pub(super) const UPLOADS: &str = "lazaret.uploads";
pub(super) const UPLOADS_BULK: &str = "lazaret.uploads.bulk";
pub(super) const WORK_EXCHANGE: &str = "lazaret.work";
pub(super) const WORK: &str = "lazaret.work";
pub(super) const BULK: &str = "lazaret.work.bulk";
/// Both the exchange and its queue.
pub(super) const DEAD: &str = "lazaret.dead";
/// The lanes of the inbox: main, bulk.
pub const INBOX: [&str; 2] = [UPLOADS, UPLOADS_BULK];
/// What a redriven message may go back to.
pub(super) const ORIGINS: [&str; 4] = [UPLOADS, UPLOADS_BULK, WORK, BULK];

/// A look at the dead letters counts as a delivery, and what is beyond the limit is dropped. 4.x would take 20 where
/// nothing is said, and 3.10 knows no "unlimited".
const NEVER_DROPPED: u32 = i32::MAX.unsigned_abs();

pub(super) fn lane_key(lane: Lane) -> &'static str {
    match lane {
        Lane::Main => "work.main",
        Lane::Bulk => "work.bulk",
    }
}

pub(super) fn queues() -> impl Iterator<Item = &'static str> {
    ORIGINS.into_iter().chain([DEAD]).chain(STEPS.iter().map(|step| step.name))
}

pub(super) async fn declare(channel: &Channel, delivery_limit: u32) -> Result<()> {
    exchange(channel, EVENTS, ExchangeKind::Topic).await?;
    exchange(channel, WORK_EXCHANGE, ExchangeKind::Direct).await?;
    exchange(channel, DEAD, ExchangeKind::Fanout).await?;
    queue(channel, DEAD, &[("x-delivery-limit", i64::from(NEVER_DROPPED).into())]).await?;
    bind(channel, DEAD, DEAD, "").await?;
    for name in ORIGINS {
        let limit = ("x-delivery-limit", i64::from(delivery_limit).into());
        queue(channel, name, &[&[limit][..], &dead_letters_to(DEAD)].concat()).await?;
    }
    // Nobody submits to the slow lane: what stands there was moved there, by the default exchange.
    bind(channel, UPLOADS, EVENTS, SUBMITTED).await?;
    bind(channel, WORK, WORK_EXCHANGE, lane_key(Lane::Main)).await?;
    bind(channel, BULK, WORK_EXCHANGE, lane_key(Lane::Bulk)).await?;
    for step in &STEPS {
        exchange(channel, step.name, ExchangeKind::Fanout).await?;
        let wait = i64::try_from(step.wait.as_millis()).unwrap_or(i64::MAX);
        // The default exchange takes a message to the queue that its key names.
        queue(channel, step.name, &[&[("x-message-ttl", wait.into())][..], &dead_letters_to("")].concat())
            .await?;
        bind(channel, step.name, step.name, "").await?;
    }
    Ok(())
}

/// How many messages of a queue nobody has. An error where it is missing.
pub(super) async fn ready(channel: &Channel, queue: &str) -> Result<u32> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let doing = format!("asking for the length of {queue}");
    let found = asked(&doing, channel.queue_declare(queue.into(), passive, FieldTable::default())).await?;
    Ok(found.message_count())
}

type Argument = (&'static str, Value);

#[derive(Clone)]
enum Value {
    Text(&'static str),
    Number(i64),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

fn dead_letters_to(exchange: &'static str) -> [Argument; 3] {
    [
        ("x-dead-letter-exchange", Value::Text(exchange)),
        ("x-dead-letter-strategy", Value::Text("at-least-once")),
        ("x-overflow", Value::Text("reject-publish")),
    ]
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared = channel.exchange_declare(name.into(), kind, durable, FieldTable::default());
    checked("exchange", name, declared).await
}

async fn queue(channel: &Channel, name: &str, arguments: &[Argument]) -> Result<()> {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    for (key, value) in arguments {
        let value = match value {
            Value::Text(text) => AMQPValue::LongString((*text).into()),
            Value::Number(number) => AMQPValue::LongLongInt(*number),
        };
        table.insert((*key).into(), value);
    }
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    checked("queue", name, async { channel.queue_declare(name.into(), durable, table).await.map(drop) }).await
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<()> {
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    checked("queue", queue, channel.queue_bind(queue.into(), exchange.into(), key.into(), options, none))
        .await
}

async fn checked(what: &str, name: &str, declared: impl Future<Output = lapin::Result<()>>) -> Result<()> {
    match tokio::time::timeout(ANSWER, declared).await {
        Ok(declared) => declared.map_err(|error| declaring(what, name, error)),
        Err(_) => Err(silent(&format!("declaring the {what} {name}"))),
    }
}
