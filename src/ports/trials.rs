//! Policies over time, and the verdicts that another policy would be tried on.

use super::{Result, accounts::Deed, store::Stale};
use crate::upload::{State, TenantId, UploadId, verdict::VerdictDetail};
use async_trait::async_trait;
use jiff::Timestamp;

/// A version of a tenant's policy, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub number: u32,
    pub at: Timestamp,
    /// As in the audit log; empty of versions from before it was kept.
    pub by: String,
    pub why: String,
}

/// An upload and the latest that the machine said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    pub upload: UploadId,
    pub filename: Option<String>,
    pub state: State,
    /// What it is filed under, where it ever came to review.
    pub filed_under: Option<String>,
    pub verdict: VerdictDetail,
}

#[async_trait]
pub trait Trials: Send + Sync + 'static {
    /// Tenants that have uploads or a policy, by name.
    async fn tenants(&self, limit: u32) -> Result<Vec<TenantId>>;
    /// Newest first, without the embedded one.
    async fn policy_versions(&self, tenant: &TenantId, limit: u32) -> Result<Vec<Version>>;
    async fn policy_text(&self, tenant: &TenantId, number: u32) -> Result<Option<String>>;
    /// Stores the version that follows `over`, which must be the latest; returns its number.
    async fn save_policy(
        &self,
        tenant: &TenantId,
        over: u32,
        text: &str,
        why: &str,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>>;
    /// The tenant's last uploads that have a verdict and are neither erased nor sealed, newest first.
    async fn past(&self, tenant: &TenantId, limit: u32) -> Result<Vec<Past>>;
}
