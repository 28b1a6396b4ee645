//! Frames of live streams: a queue a stream, `stream.frame.<id>`, bound to the exchange `lazaret` under its own name. It
//! drops what is older than two seconds and the oldest where more than eight wait, and goes away
//! when nobody has taken frames for a minute.

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
        let name = queue(stream);
        let channel = self.link.channel().await?;
        let none = FieldTable::default;
        let mut arguments = none();
        for (key, value) in [
            ("x-message-ttl", AMQPValue::LongInt(TTL_MS)),
            ("x-max-length", AMQPValue::LongInt(LENGTH)),
            ("x-expires", AMQPValue::LongInt(EXPIRES_MS)),
            ("x-overflow", AMQPValue::LongString("drop-head".into())),
        ] {
            arguments.insert(key.into(), value);
        }
        // What is in it does not outlive the broker; 4.x wants queues that others may see to be durable all the same.
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        asked("declaring a stream's queue", channel.queue_declare(name.as_str().into(), options, arguments))
            .await?;
        let bound = channel.queue_bind(
            name.as_str().into(),
            EVENTS.into(),
            name.as_str().into(),
            QueueBindOptions::default(),
            none(),
        );
        asked("binding a stream's queue", bound).await?;
        asked("setting the prefetch", channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let consumed =
            channel.basic_consume(name.as_str().into(), "".into(), BasicConsumeOptions::default(), none());
        let consumer = asked("consuming a stream's queue", consumed).await?;
        Ok(Box::new(Consumed { consumer, _channel: channel }))
    }

    async fn close(&self, stream: StreamId) -> Result<()> {
        let channel = self.link.channel().await?;
        let name = queue(stream);
        asked("deleting a stream's queue", channel.queue_delete(name.into(), QueueDeleteOptions::default()))
            .await
            .map(drop)
    }
}

struct Consumed {
    consumer: Consumer,
    /// Ends with it.
    _channel: Channel,
}

#[async_trait]
impl Feed for Consumed {
    async fn next(&mut self) -> Result<Parcel> {
        const DOING: &str = "taking a stream's frames";
        let Some(delivery) = self.consumer.next().await else {
            return Err(PortError::new(Kind::Retry, format!("the broker ended {DOING}")));
        };
        let delivery = delivery.map_err(|error| lost(DOING, error))?;
        // Taken is done with: a frame that could come again would come too late.
        asked(DOING, delivery.acker.ack(BasicAckOptions::default())).await?;
        let headers = delivery.properties.headers().as_ref();
        let key = headers.and_then(|headers| match headers.inner().get(KEY) {
            Some(AMQPValue::LongString(key)) => Some(key.to_string()),
            _ => None,
        });
        Ok(Parcel { body: delivery.data.into(), key })
    }
}
