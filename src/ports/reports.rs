//! What users say of uploads, through the backends of their applications: reports, and appeals.

use super::Result;
use crate::upload::{State, TenantId, UploadId, report::Category};
use async_trait::async_trait;
use jiff::Timestamp;

/// A user finds that an upload should not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    pub upload: UploadId,
    pub tenant: TenantId,
    pub category: Category,
    pub text: String,
    /// The application's own name for them.
    pub reporter: String,
    /// The key, for the audit log.
    pub actor: String,
    pub at: Timestamp,
}

/// A user finds that an upload should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAppeal {
    pub upload: UploadId,
    pub tenant: TenantId,
    pub text: String,
    /// The application's own name for them.
    pub appellant: String,
    pub actor: String,
    pub at: Timestamp,
}

/// What became of a report or an appeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    New,
    /// The same was said before, and nothing changed.
    Repeat,
    /// There are as many as are kept.
    Full,
    /// There is nothing to report or to appeal against while the upload is so.
    NotNow(State),
    /// It is evidence.
    Sealed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub category: Category,
    pub text: String,
    pub reporter: String,
    pub at: Timestamp,
    /// `upheld`, `dismissed`; absent while it waits.
    pub outcome: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    pub text: String,
    pub appellant: String,
    pub at: Timestamp,
    /// `upheld`, `rejected`; absent while it waits.
    pub outcome: Option<String>,
}

#[async_trait]
pub trait Reports: Send + Sync + 'static {
    /// Merges the report onto the upload's item, whose severity rises; one on a published upload opens it. `None` where
    /// the tenant has no such upload.
    async fn report(&self, report: &NewReport) -> Result<Option<Heard>>;
    /// Opens a quarantined upload's item, for others than who decided it last.
    async fn appeal(&self, appeal: &NewAppeal) -> Result<Option<Heard>>;
    /// Of one upload, in order.
    async fn reports(&self, id: UploadId) -> Result<Vec<Report>>;
    async fn appeals(&self, id: UploadId) -> Result<Vec<Appeal>>;
}
