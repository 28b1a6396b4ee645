//! What backends and bucket notices submit through a broker, as it came. Understanding it is `intake`'s.

use super::{Result, publisher::Lane};
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[async_trait]
pub trait Inbox: Send + Sync + 'static {
    /// The next message of either lane, waiting for one. One that was neither acknowledged nor buried comes again after
    /// its [`Letter`] is dropped. No more than some of each lane are out unanswered at a time.
    async fn receive(&self) -> Result<Letter>;
}

/// A message as the broker gave it.
pub struct Letter {
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    /// The account that the broker itself vouches for (AMQP's `user_id`), never one that the body claims.
    pub user: Option<String>,
    /// When it was published, as its sender says.
    pub at: Option<Timestamp>,
    /// Deliveries before this one, as far as the broker counts them.
    pub redelivered: u64,
    /// Tries that failed, as they were told with [`Receipt::nack`]. Nobody else can say so.
    pub failures: u64,
    /// The line it stood in.
    pub lane: Lane,
    /// Ends when the broker has it again: what is begun with it then is done twice.
    pub gone: CancellationToken,
    pub receipt: Box<dyn Receipt>,
}

/// The answer to a message.
#[async_trait]
pub trait Receipt: Send + Sync {
    /// What it asks for is durable.
    async fn ack(self: Box<Self>) -> Result<()>;
    /// Deliver it again, not before `delay`, with so many failures behind it.
    async fn nack(self: Box<Self>, delay: Duration, failures: u64) -> Result<()>;
    /// To the end of this lane, durable there before it leaves where it was. It may come twice for it, and counts as no
    /// delivery and no failure.
    async fn stand_in(self: Box<Self>, lane: Lane) -> Result<()>;
    /// To the dead letters, durable there before it leaves the queue. `code` is stable (`source.forbidden`), `detail` is
    /// for people; both stand in its headers.
    async fn bury(self: Box<Self>, code: &str, detail: &str) -> Result<()>;
}
