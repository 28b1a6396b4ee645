//! News on its way out to a broker.

use super::Result;
use async_trait::async_trait;

#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Publishes all of them, in order, and waits until the broker has each of them durable: `Ok` at the same place. One
    /// that no queue took although somebody must get it ([`Message::must_arrive`]) is an error. What failed may have
    /// gone out all the same: who publishes it again makes a repeat, which receivers tell by its id.
    async fn publish(&self, messages: &[Message]) -> Vec<Result<()>>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub route: Route,
    /// Unique for what it tells; the same when it is told again.
    pub id: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// A message that no queue takes is lost work.
    pub must_arrive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// An id of an upload that waits for its scan, in the lane for it.
    Work(Lane),
    /// An event for whoever listens, by its routing key, such as `upload.published`.
    Event(String),
}

/// Which line work, or what is submitted, stands in. A tenant with more than its share of it in flight goes on in `Bulk`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    Main,
    Bulk,
}
