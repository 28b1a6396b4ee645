//! Who of another's people is who of ours, and which sign-ins were ended already.

use super::{Result, accounts::Deed};
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
pub trait Federation: Send + Sync + 'static {
    /// The person that this subject of the issuer's is known as.
    async fn known_as(&self, issuer: &str, subject: &str) -> Result<Option<String>>;
    /// Says who it is, once for all; with its audit line in one commit. False where the subject, or the person with this
    /// issuer, is bound already.
    async fn bind(&self, issuer: &str, subject: &str, person: &str, deed: Deed<'_>) -> Result<bool>;
    /// True for the first to say that this sign-in is ended. It is remembered until `until`.
    async fn end_once(&self, hash: &str, now: Timestamp, until: Timestamp) -> Result<bool>;
}
