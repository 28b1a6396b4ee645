//! What backends and bucket notices submit.

use super::{
    consume::{Arrivals, Feed, Pump},
    link::Link,
    message::Message,
    options::Options,
    send::Sender,
    topology::{INBOX, UPLOADS, UPLOADS_BULK},
};
use crate::ports::{
    Inbox, Kind, PortError, Result,
    inbox::{Letter, Receipt},
    publisher::Lane,
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::sync::{
    Mutex,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

pub struct Submitted {
    link: Arc<Link>,
    sender: Arc<Sender>,
    prefetch: u16,
    hold: Duration,
    /// The prefetch bounds what is between them.
    came: UnboundedSender<Message>,
    next: Arc<Mutex<UnboundedReceiver<Message>>>,
    pump: Pump,
}

impl Submitted {
    pub(super) fn new(link: Arc<Link>, sender: Arc<Sender>, options: &Options) -> Self {
        let (prefetch, hold) = (options.prefetch, options.hold);
        let (came, next) = unbounded_channel();
        Self { link, sender, prefetch, hold, came, next: Arc::new(Mutex::new(next)), pump: Pump::default() }
    }

    fn feed(&self) -> (Feed, Arc<Slot>) {
        let (link, sender) = (Arc::clone(&self.link), Arc::clone(&self.sender));
        (
            Feed { link, sender, queues: &INBOX, prefetch: self.prefetch, hold: self.hold },
            Arc::new(Slot { came: self.came.clone(), next: Arc::clone(&self.next) }),
        )
    }
}

#[async_trait]
impl Inbox for Submitted {
    /// While the broker is away there are no letters. Cancel-safe.
    async fn receive(&self) -> Result<Letter> {
        self.pump.runs(|| self.feed());
        let mut next = self.next.lock().await;
        loop {
            let Some(message) = next.recv().await else {
                return Err(PortError::new(Kind::Fail, "the inbox is closed"));
            };
            // What the broker took back comes again.
            if message.is_ours() {
                return Ok(Letter {
                    body: message.delivery.data.clone(),
                    content_type: message
                        .delivery
                        .properties
                        .content_type()
                        .as_ref()
                        .map(ToString::to_string),
                    user: message.user(),
                    at: message.at(),
                    redelivered: message.redelivered(),
                    failures: message.failures(),
                    lane: if message.queue == UPLOADS_BULK { Lane::Bulk } else { Lane::Main },
                    gone: message.gone.clone(),
                    receipt: Box::new(Held(message)),
                });
            }
        }
    }
}

struct Slot {
    came: UnboundedSender<Message>,
    next: Arc<Mutex<UnboundedReceiver<Message>>>,
}

#[async_trait]
impl Arrivals for Slot {
    async fn arrived(&self, message: Message) {
        // Refused only when nobody can receive any more; then it goes back.
        let _ = self.came.send(message);
    }

    /// Or each new connection would add as many again, for as long as nobody has time for them.
    fn lost(&self) {
        // Whoever has it now receives, and skips them.
        if let Ok(mut next) = self.next.try_lock() {
            while next.try_recv().is_ok() {}
        }
    }
}

struct Held(Message);

#[async_trait]
impl Receipt for Held {
    async fn ack(self: Box<Self>) -> Result<()> {
        self.0.ack().await;
        Ok(())
    }

    async fn nack(self: Box<Self>, delay: Duration, failures: u64) -> Result<()> {
        self.0.retry(delay, failures).await
    }

    async fn stand_in(self: Box<Self>, lane: Lane) -> Result<()> {
        let queue = match lane {
            Lane::Main => UPLOADS,
            Lane::Bulk => UPLOADS_BULK,
        };
        self.0.stand_in(queue).await
    }

    async fn bury(self: Box<Self>, code: &str, detail: &str) -> Result<()> {
        self.0.bury(code, detail).await
    }
}
