//! Messages that could not be worked on, kept for people to look at.

use super::Result;
use async_trait::async_trait;
use serde::Serialize;

#[async_trait]
pub trait DeadLetters: Send + Sync + 'static {
    /// Up to `limit` of them, oldest first; all stay where they are.
    async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>>;
    /// Sends those with this id, or all, back to where they came from. Returns how many.
    async fn redrive(&self, id: Option<&str>) -> Result<u64>;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    pub id: String,
    /// The queue that it died in.
    pub queue: String,
    /// `source.forbidden`, `delivery.limit`, …
    pub code: String,
    pub detail: String,
    /// The beginning of the body, as text.
    pub body: String,
}
