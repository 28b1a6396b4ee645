//! The queue of work: ids of uploads in two lanes.

use super::{
    consume::{Arrivals, Feed, Pump},
    link::Link,
    message::Message,
    options::Options,
    send::Sender,
    shelf::Shelf,
    topology::{BULK, WORK},
};
use crate::{
    ports::{
        Queue, Result,
        queue::{Delivery, Ticket},
    },
    upload::UploadId,
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::warn;

pub struct WorkQueue {
    link: Arc<Link>,
    sender: Arc<Sender>,
    prefetch: u16,
    hold: Duration,
    shelf: Arc<Shelf>,
    pump: Pump,
}

impl WorkQueue {
    pub(super) fn new(link: Arc<Link>, sender: Arc<Sender>, options: &Options) -> Self {
        let (prefetch, hold) = (options.prefetch, options.hold);
        Self { link, sender, prefetch, hold, shelf: Arc::default(), pump: Pump::default() }
    }

    fn feed(&self) -> (Feed, Arc<Shelf>) {
        let (link, sender) = (Arc::clone(&self.link), Arc::clone(&self.sender));
        (
            Feed { link, sender, queues: &[WORK, BULK], prefetch: self.prefetch, hold: self.hold },
            Arc::clone(&self.shelf),
        )
    }
}

#[async_trait]
impl Queue for WorkQueue {
    /// Never an error: while the broker is away there is no work.
    async fn receive(&self) -> Result<Delivery> {
        self.pump.runs(|| self.feed());
        let (upload, message) = self.shelf.next().await;
        let out = Out { upload, shelf: Arc::clone(&self.shelf) };
        Ok(Delivery { upload, ticket: Box::new(Held { message, _out: out }) })
    }

    /// The broker tells us.
    fn wake(&self) {}
}

#[async_trait]
impl Arrivals for Shelf {
    async fn arrived(&self, message: Message) {
        let id = std::str::from_utf8(&message.delivery.data).ok().and_then(|text| text.parse().ok());
        match id {
            Some(upload) => self.put(upload, message),
            None => {
                let detail = "the body of a message of work is the id of an upload, as text";
                if let Err(error) = message.bury("work.malformed", detail).await {
                    warn!(%error, "a message of work that is no id goes back to its queue");
                }
            }
        }
    }

    fn lost(&self) {
        self.clear();
    }

    fn untaken(&self, before: Instant) -> Vec<Message> {
        self.take_older(before)
    }
}

/// The message first: it is answered, or goes back, before its id is free.
struct Held {
    message: Message,
    _out: Out,
}

struct Out {
    upload: UploadId,
    shelf: Arc<Shelf>,
}

impl Drop for Out {
    fn drop(&mut self) {
        self.shelf.release(self.upload);
    }
}

#[async_trait]
impl Ticket for Held {
    /// Where the broker took the message back meanwhile, it comes again, which the store makes harmless.
    async fn ack(self: Box<Self>) -> Result<()> {
        let Self { message, _out } = *self;
        message.ack().await;
        Ok(())
    }

    /// Rounded up to a step, see the table of queues.
    async fn nack(self: Box<Self>, delay: Duration) -> Result<()> {
        let Self { message, _out } = *self;
        // Scans that fail are counted in the store.
        message.retry(delay, 0).await
    }
}
