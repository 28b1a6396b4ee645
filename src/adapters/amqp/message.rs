//! A message that this process has, answered once. Dropped without an answer it goes back to its queue at once.

use super::{
    publisher::PERSISTENT,
    retry::step,
    send::{Moved, Sender},
    topology::DEAD,
    trouble::ANSWER,
};
use crate::ports::Result;
use futures_util::FutureExt;
use jiff::Timestamp;
use lapin::{
    BasicProperties,
    message::Delivery,
    options::{BasicAckOptions, BasicNackOptions},
    types::{AMQPValue, FieldTable},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

pub(super) const CODE: &str = "x-lazaret-code";
pub(super) const DETAIL: &str = "x-lazaret-detail";
pub(super) const QUEUE: &str = "x-lazaret-queue";
const FAILURES: &str = "x-lazaret-failures";
const RETRIES: &str = "x-lazaret-retries";
const STILL: &str = "x-lazaret-still-ms";
const USER: &str = "x-lazaret-user";

/// Of a detail, in characters: it is for people, and headers must fit in a frame.
const LONGEST_DETAIL: usize = 500;

/// Between tries to hand a message back, in seconds; it goes back by itself after the last one.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 15, 30];

pub(super) struct Message {
    pub delivery: Delivery,
    pub queue: &'static str,
    pub came: Instant,
    /// Ends when the broker has it again.
    pub gone: CancellationToken,
    sender: Arc<Sender>,
}

impl Message {
    pub fn new(
        delivery: Delivery,
        queue: &'static str,
        sender: Arc<Sender>,
        gone: CancellationToken,
    ) -> Self {
        Self { delivery, queue, came: Instant::now(), gone, sender }
    }

    /// False when its channel is gone: the broker has it again.
    pub fn is_ours(&self) -> bool {
        self.delivery.acker.usable()
    }

    /// Deliveries before this one: those that the broker counts, and those that we asked for.
    pub fn redelivered(&self) -> u64 {
        number(&self.delivery.properties, "x-delivery-count").saturating_add(self.retries())
    }

    /// Its tries that failed; the others waited for something, and cost it nothing.
    pub fn failures(&self) -> u64 {
        self.ours(FAILURES)
    }

    fn retries(&self) -> u64 {
        self.ours(RETRIES)
    }

    /// A number in a header that only we may set.
    fn ours(&self, key: &str) -> u64 {
        let properties = &self.delivery.properties;
        if is_by(properties, self.sender.user()) { number(properties, key) } else { 0 }
    }

    pub fn user(&self) -> Option<String> {
        user(&self.delivery.properties, self.sender.user())
    }

    /// The sender's `timestamp`, which AMQP has in seconds.
    pub fn at(&self) -> Option<Timestamp> {
        let seconds = i64::try_from((*self.delivery.properties.timestamp())?).ok()?;
        Timestamp::from_second(seconds).ok()
    }

    /// What is left of a delay longer than the longest step.
    pub fn still(&self) -> Duration {
        Duration::from_millis(self.ours(STILL))
    }

    /// Where the channel is gone meanwhile, the message comes again, and that is no error: what it asks for is done, and
    /// is not done twice.
    pub async fn ack(self) {
        match timeout(ANSWER, self.delivery.acker.ack(BasicAckOptions::default())).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) | Err(_) => debug!(queue = self.queue, "an acknowledgement came too late"),
            Ok(Err(error)) => debug!(queue = self.queue, %error, "an acknowledgement was lost"),
        }
    }

    /// Comes again not before `delay`; at once where that is zero, and then as it was.
    pub async fn retry(self, delay: Duration, failures: u64) -> Result<()> {
        if delay.is_zero() {
            return Ok(());
        }
        let retries = self.retries().saturating_add(1);
        self.wait(delay, retries, failures).await
    }

    /// On to the next step, which is no delivery.
    pub async fn wait_on(self) -> Result<()> {
        let (still, retries, failures) = (self.still(), self.retries(), self.failures());
        self.wait(still, retries, failures).await
    }

    async fn wait(self, delay: Duration, retries: u64, failures: u64) -> Result<()> {
        let (step, still) = step(delay);
        let mut headers = self.headers(retries, failures);
        if !still.is_zero() {
            headers.insert(STILL.into(), whole(u64::try_from(still.as_millis()).unwrap_or(u64::MAX)));
        }
        // Its key says where it was, and where it goes when the step has passed.
        let back = self.queue;
        self.pass_on(step.name, back, headers).await
    }

    /// To the end of this queue.
    pub async fn stand_in(self, queue: &'static str) -> Result<()> {
        let headers = self.headers(self.retries(), self.failures());
        // The default exchange takes it to the queue that its key names.
        self.pass_on("", queue, headers).await
    }

    /// The sender's, and what it has behind it.
    fn headers(&self, retries: u64, failures: u64) -> FieldTable {
        let mut headers = cleaned(&self.delivery.properties);
        headers.insert(RETRIES.into(), whole(retries));
        headers.insert(FAILURES.into(), whole(failures));
        headers
    }

    /// To the dead letters.
    pub async fn bury(self, code: &str, detail: &str) -> Result<()> {
        let mut headers = cleaned(&self.delivery.properties);
        let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
        for (key, text) in [(CODE, code), (DETAIL, &detail), (QUEUE, self.queue)] {
            headers.insert(key.into(), AMQPValue::LongString(text.into()));
        }
        let origin = self.queue;
        self.pass_on(DEAD, origin, headers).await
    }

    /// Durable there before it leaves here. Where that fails it stays here for a while: given back at once it would come
    /// again at once, and use up its deliveries while the broker only reads.
    async fn pass_on(mut self, exchange: &'static str, key: &'static str, headers: FieldTable) -> Result<()> {
        let properties = again(&self.delivery.properties, headers, self.sender.user());
        let body = Arc::new(std::mem::take(&mut self.delivery.data));
        let moved = Moved { exchange, key, body, properties };
        for pause in PAUSES {
            match self.sender.move_one(moved.clone()).await {
                Ok(()) => {
                    self.ack().await;
                    return Ok(());
                }
                Err(error) if !self.is_ours() => return Err(error),
                Err(error) => debug!(queue = self.queue, %error, "a message stays unanswered for now"),
            }
            sleep(Duration::from_secs(pause)).await;
        }
        self.sender.move_one(moved).await?;
        self.ack().await;
        Ok(())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // Its first poll sends it; after an answer it does nothing.
        let requeue = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        let _ = self.delivery.acker.nack(requeue).now_or_never();
    }
}

/// The sender's headers without the broker's and ours: a broker that sees an old `x-death` may take a retry for a circle.
pub(super) fn cleaned(properties: &BasicProperties) -> FieldTable {
    let mut kept = FieldTable::default();
    for (key, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
        let name = key.as_str();
        let brokers = name == "x-death" || name == "x-delivery-count" || name.starts_with("x-first-death-");
        if !brokers && !name.starts_with("x-lazaret-") {
            kept.insert(key.clone(), value.clone());
        }
    }
    kept
}

/// The same properties, kept durably. The broker lets us sign with our own name alone; whom it vouched for before stands in
/// a header, which counts only under our signature.
pub(super) fn again(properties: &BasicProperties, mut headers: FieldTable, us: &str) -> BasicProperties {
    let user = user(properties, us).unwrap_or_default();
    headers.insert(USER.into(), AMQPValue::LongString(user.into()));
    let mut same = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_user_id(us.into())
        .with_headers(headers);
    if let Some(id) = properties.message_id() {
        same = same.with_message_id(id.clone());
    }
    if let Some(content_type) = properties.content_type() {
        same = same.with_content_type(content_type.clone());
    }
    if let Some(timestamp) = properties.timestamp() {
        same = same.with_timestamp(*timestamp);
    }
    if let Some(app) = properties.app_id() {
        same = same.with_app_id(app.clone());
    }
    same
}

/// Whether this process, or another with the same account, published it.
pub(super) fn is_by(properties: &BasicProperties, us: &str) -> bool {
    properties.user_id().as_ref().is_some_and(|user| user.as_str() == us)
}

/// The account that the broker vouches for, now or when we passed the message on.
pub(super) fn user(properties: &BasicProperties, us: &str) -> Option<String> {
    let passed_on = if is_by(properties, us) { text(properties, USER) } else { None };
    let signed = || properties.user_id().as_ref().map(ToString::to_string);
    passed_on.or_else(signed).filter(|user| !user.is_empty())
}

pub(super) fn text(properties: &BasicProperties, key: &str) -> Option<String> {
    match properties.headers().as_ref()?.inner().get(key)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn whole(number: u64) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(number).unwrap_or(i64::MAX))
}

fn number(properties: &BasicProperties, key: &str) -> u64 {
    let Some(value) = properties.headers().as_ref().and_then(|headers| headers.inner().get(key)) else {
        return 0;
    };
    as_number(value)
}

/// Brokers of different ages write counts in different widths. Not a count is 0.
pub(super) fn as_number(value: &AMQPValue) -> u64 {
    let signed = match *value {
        AMQPValue::ShortShortUInt(n) => return n.into(),
        AMQPValue::ShortUInt(n) => return n.into(),
        AMQPValue::LongUInt(n) => return n.into(),
        AMQPValue::ShortShortInt(n) => n.into(),
        AMQPValue::ShortInt(n) => n.into(),
        AMQPValue::LongInt(n) => n.into(),
        AMQPValue::LongLongInt(n) => n,
        _ => 0,
    };
    u64::try_from(signed).unwrap_or(0)
}
