//! Frames of live streams: a queue a stream, `stream.frame.<id>`, bound to the exchange `lazaret` under its own name. It
//! drops what is older than two seconds and the oldest where more than eight wait, and goes away
//! when nobody has taken frames for a minute. What it drops goes to a second queue, `stream.frame.<id>.dropped`, from which
//! it is taken to be counted. That one holds so much and no more, too: what it drops itself is counted nowhere.

use super::{
    link::Link,
    topology::EVENTS,
    trouble::{asked, lost},
};
use crate::{
    ports::{
        Frames, Kind, PortError, Result,
        frames::{Feed, Parcel},
    },
    streams::queue,
    upload::StreamId,
};
use async_trait::async_trait;
use futures_util::StreamExt;
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};
use std::sync::Arc;

const TTL_MS: i32 = 2_000;
const LENGTH: i32 = 8;
const EXPIRES_MS: i32 = 60_000;
/// What is unanswered is not the broker's to drop: few.
const PREFETCH: u16 = 2;
/// Of what was dropped, in messages and bytes: it waits to be counted, with all that it shows.
const DROPPED: i32 = 1_000;
const DROPPED_BYTES: i32 = 8 << 20;
const DROPPED_PREFETCH: u16 = 16;
/// The header with the stream's key.
pub const KEY: &str = "x-lazaret-stream-key";

pub struct FrameQueues {
    link: Arc<Link>,
}

impl FrameQueues {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }
}

#[async_trait]
impl Frames for FrameQueues {
    async fn feed(&self, stream: StreamId) -> Result<Box<dyn Feed>> {
        let (name, dropped) = (queue(stream), dropped(stream));
        let channel = self.link.channel().await?;
        let drop_head = ("x-overflow", AMQPValue::LongString("drop-head".into()));
        let expires = ("x-expires", AMQPValue::LongInt(EXPIRES_MS));
        // First, or what is dropped at once would go nowhere.
        let room = [
            ("x-max-length", AMQPValue::LongInt(DROPPED)),
            ("x-max-length-bytes", AMQPValue::LongInt(DROPPED_BYTES)),
            drop_head.clone(),
            expires.clone(),
        ];
        declare(&channel, &dropped, room).await?;
        let perishes = [
            ("x-message-ttl", AMQPValue::LongInt(TTL_MS)),
            ("x-max-length", AMQPValue::LongInt(LENGTH)),
            drop_head,
            expires,
            ("x-dead-letter-exchange", AMQPValue::LongString(EVENTS.into())),
            ("x-dead-letter-routing-key", AMQPValue::LongString(dropped.as_str().into())),
        ];
        declare(&channel, &name, perishes).await?;
        let fresh = consume(&channel, &name, PREFETCH).await?;
        let dropped = consume(&channel, &dropped, DROPPED_PREFETCH).await?;
        Ok(Box::new(Consumed { fresh, dropped, _channel: channel }))
    }

    async fn close(&self, stream: StreamId) -> Result<()> {
        let channel = self.link.channel().await?;
        for name in [queue(stream), dropped(stream)] {
            let deleted = channel.queue_delete(name.into(), QueueDeleteOptions::default());
            asked("deleting a stream's queue", deleted).await?;
        }
        Ok(())
    }
}

fn dropped(stream: StreamId) -> String {
    format!("{}.dropped", queue(stream))
}

/// Bound to the exchange under its own name.
async fn declare<const N: usize>(
    channel: &Channel,
    name: &str,
    arguments: [(&str, AMQPValue); N],
) -> Result<()> {
    let mut table = FieldTable::default();
    for (key, value) in arguments {
        table.insert(key.into(), value);
    }
    // What is in it does not outlive the broker; 4.x wants queues that others may see to be durable all the same.
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    asked("declaring a stream's queue", channel.queue_declare(name.into(), options, table)).await?;
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    let bound = channel.queue_bind(name.into(), EVENTS.into(), name.into(), options, none);
    asked("binding a stream's queue", bound).await
}

async fn consume(channel: &Channel, name: &str, prefetch: u16) -> Result<Consumer> {
    // It holds for each consumer that begins after it.
    asked("setting the prefetch", channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    asked("consuming a stream's queue", channel.basic_consume(name.into(), "".into(), options, none)).await
}

struct Consumed {
    fresh: Consumer,
    dropped: Consumer,
    /// Ends with it.
    _channel: Channel,
}

#[async_trait]
impl Feed for Consumed {
    async fn next(&mut self) -> Result<Parcel> {
        const DOING: &str = "taking a stream's frames";
        // What is counted waits for what is judged. The end of one is the end of both.
        let (next, is_dropped) = tokio::select! {
            biased;
            next = self.fresh.next() => (next, false),
            next = self.dropped.next() => (next, true),
        };
        let Some(delivery) = next else {
            return Err(PortError::new(Kind::Retry, format!("the broker ended {DOING}")));
        };
        let delivery = delivery.map_err(|error| lost(DOING, error))?;
        // Taken is done with: a frame that could come again would come too late.
        asked(DOING, delivery.acker.ack(BasicAckOptions::default())).await?;
        let key = key(&delivery);
        Ok(Parcel { body: delivery.data.into(), key, is_dropped })
    }
}

fn key(delivery: &Delivery) -> Option<String> {
    match delivery.properties.headers().as_ref()?.inner().get(KEY)? {
        AMQPValue::LongString(key) => Some(key.to_string()),
        _ => None,
    }
}
