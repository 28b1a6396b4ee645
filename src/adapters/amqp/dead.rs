//! Dead letters: looked at, and sent back.

use super::{
    link::Link,
    message::{self, CODE, DETAIL, QUEUE},
    send::{Parcel, Sender},
    topology::{DEAD, ORIGINS, ready},
    trouble::asked,
};
use crate::ports::{DeadLetters, Result, dead::DeadLetter};
use async_trait::async_trait;
use lapin::{
    BasicProperties, Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions},
    types::{AMQPValue, FieldTable},
};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};
use tracing::warn;

/// Of a body that is shown, in bytes.
const SHOWN: usize = 1000;
/// Sent back at a time.
const BATCH: usize = 64;
const SEEN: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

pub struct Dead {
    link: Arc<Link>,
    sender: Arc<Sender>,
    /// What one looks at is not there for another meanwhile.
    looking: Mutex<()>,
}

impl Dead {
    pub(super) fn new(link: Arc<Link>, sender: Arc<Sender>) -> Self {
        Self { link, sender, looking: Mutex::new(()) }
    }

    fn letter(&self, delivery: &Delivery) -> DeadLetter {
        let properties = &delivery.properties;
        // Anybody can write our headers; only what we signed was buried by us.
        let buried = if message::is_by(properties, self.sender.user()) { buried(properties) } else { None };
        let (queue, code, detail) = buried.or_else(|| given_up(properties)).unwrap_or_default();
        let id = properties.message_id().as_ref().map(ToString::to_string).filter(|id| !id.is_empty());
        DeadLetter {
            id: id.unwrap_or_else(|| digest(&delivery.data)),
            queue,
            code,
            detail,
            body: String::from_utf8_lossy(&delivery.data[..delivery.data.len().min(SHOWN)]).into_owned(),
        }
    }

    /// Sends a batch back to where it came from. What can't go stays, and the error says why.
    async fn send_back(&self, batch: &mut Vec<(Delivery, String)>, tally: &mut Tally) -> Result<()> {
        let us = self.sender.user();
        let parcels: Vec<_> = batch
            .iter()
            .map(|(delivery, origin)| {
                let headers = message::cleaned(&delivery.properties);
                let properties = message::again(&delivery.properties, headers, us);
                Parcel { exchange: "", key: origin, body: &delivery.data, properties, must_arrive: true }
            })
            .collect();
        let sent = self.sender.send(&parcels).await;
        drop(parcels);
        let mut result = Ok(());
        for ((delivery, _), sent) in batch.drain(..).zip(sent) {
            let done = match sent {
                Ok(()) => {
                    tally.gone += 1;
                    asked("acknowledging", delivery.acker.ack(BasicAckOptions::default())).await.map(drop)
                }
                Err(error) => Err(error),
            };
            result = result.and(done);
        }
        result
    }

    async fn redrive_some(&self, channel: &Channel, id: Option<&str>, tally: &mut Tally) -> Result<()> {
        let mut batch = Vec::new();
        // What dies again meanwhile is not sent back again.
        let there = ready(channel, DEAD).await?;
        while tally.taken < there
            && let Some(delivery) = get(channel).await?
        {
            tally.taken += 1;
            let letter = self.letter(&delivery);
            if id.is_some_and(|id| id != letter.id) {
                continue;
            }
            if !ORIGINS.contains(&letter.queue.as_str()) {
                warn!(id = letter.id, queue = letter.queue, "a dead letter of no queue of ours stays");
                continue;
            }
            batch.push((delivery, letter.queue));
            if batch.len() == BATCH {
                self.send_back(&mut batch, tally).await?;
            }
        }
        self.send_back(&mut batch, tally).await
    }
}

/// How far a redrive has come.
#[derive(Default)]
struct Tally {
    taken: u32,
    gone: u32,
}

#[async_trait]
impl DeadLetters for Dead {
    async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let _turn = self.looking.lock().await;
        let channel = self.link.channel().await?;
        let mut letters = Vec::new();
        while letters.len() < limit
            && let Some(delivery) = get(&channel).await?
        {
            letters.push(self.letter(&delivery));
        }
        put_back(&channel, u32::try_from(letters.len()).unwrap_or(u32::MAX)).await?;
        Ok(letters)
    }

    /// Where some could not be sent, those stay and the rest went: the error says why.
    async fn redrive(&self, id: Option<&str>) -> Result<u64> {
        let _turn = self.looking.lock().await;
        let channel = self.link.channel().await?;
        let mut tally = Tally::default();
        let result = self.redrive_some(&channel, id, &mut tally).await;
        put_back(&channel, tally.taken - tally.gone).await?;
        if let Err(error) = &result {
            warn!(count = tally.gone, %error, "dead letters were sent back in part");
        }
        result.map(|()| tally.gone.into())
    }
}

async fn get(channel: &Channel) -> Result<Option<Delivery>> {
    let got =
        asked("looking at dead letters", channel.basic_get(DEAD.into(), BasicGetOptions::default())).await?;
    Ok(got.map(|message| message.delivery))
}

/// All that is unanswered on this channel: `count` messages. Returns when they can be seen again, or after [`SEEN`].
async fn put_back(channel: &Channel, count: u32) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let all = BasicNackOptions { multiple: true, requeue: true };
    asked("leaving dead letters where they were", channel.basic_nack(0, all)).await?;
    // The queue takes it in behind its answer, and whoever looks next would find it shorter than it is.
    let until = Instant::now() + SEEN;
    while ready(channel, DEAD).await? < count && Instant::now() < until {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// For those whose sender gave them no id: the same each time it is looked at.
fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().take(8).fold("sha256-".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

type Story = (String, String, String);

fn buried(properties: &BasicProperties) -> Option<Story> {
    let text = |key| message::text(properties, key);
    Some((text(QUEUE)?, text(CODE)?, text(DETAIL).unwrap_or_default()))
}

/// As the broker tells it: newest death first.
fn given_up(properties: &BasicProperties) -> Option<Story> {
    let AMQPValue::FieldArray(deaths) = properties.headers().as_ref()?.inner().get("x-death")? else {
        return None;
    };
    let stories = deaths.as_slice().iter().filter_map(|death| match death {
        AMQPValue::FieldTable(death) => told(death),
        _ => None,
    });
    stories.into_iter().find(|(queue, ..)| ORIGINS.contains(&queue.as_str()))
}

fn told(death: &FieldTable) -> Option<Story> {
    let text = |key| match death.inner().get(key)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        _ => None,
    };
    let code = match text("reason")?.as_str() {
        "delivery_limit" => "delivery.limit".to_owned(),
        other => format!("broker.{other}"),
    };
    Some((text("queue")?, code, "the broker gave it up".to_owned()))
}
