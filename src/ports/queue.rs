//! Work to be done, as ids of uploads. The claim itself is a lease in the [`super::Store`]: a queue may deliver an id
//! twice, late or for work that is done, and nothing changes.

use super::Result;
use crate::upload::UploadId;
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// The next id, waiting for one. An id that was received and neither acknowledged nor handed back is delivered
    /// again after its [`Delivery`] is dropped.
    async fn receive(&self) -> Result<Delivery>;

    /// There may be new work: look now rather than at the next poll. Queues that are told by their broker ignore it.
    fn wake(&self);
}

/// One id and the handle that travels with it.
pub struct Delivery {
    pub upload: UploadId,
    pub ticket: Box<dyn Ticket>,
}

#[async_trait]
pub trait Ticket: Send + Sync {
    /// What the message asks for is durable, or somebody else's.
    async fn ack(self: Box<Self>) -> Result<()>;
    /// Deliver it again, not before `delay`.
    async fn nack(self: Box<Self>, delay: Duration) -> Result<()>;
}
