//! What events and audit lines say of an upload.

use crate::{
    ports::{
        Kind, PortError, Result,
        store::{Lease, Settlement, Upload},
    },
    upload::{Decision, verdict::VerdictDetail},
};
use serde_json::{Value, json};
use std::fmt::Display;

/// The body of `upload.received`.
pub(in crate::adapters) fn received(
    id: impl Display,
    tenant: impl Display,
    size: u64,
    sha256: &str,
) -> Value {
    json!({ "id": id.to_string(), "tenant": tenant.to_string(), "size": size, "sha256": sha256 })
}

/// The audit line's detail for `upload.accepted`.
pub(in crate::adapters) fn accepted(tenant: impl Display, size: u64, sha256: &str) -> Value {
    json!({ "tenant": tenant.to_string(), "size": size, "sha256": sha256 })
}

/// The body of the event of a verdict, whose stored JSON has this digest.
pub(in crate::adapters) fn decided(
    verdict: &VerdictDetail,
    digest: &str,
    upload: &Upload,
    number: i64,
) -> Value {
    json!({
        "id": upload.id.to_string(), "tenant": upload.tenant.as_str(), "external_id": upload.external_id,
        "number": number, "verdict": verdict.verdict, "reasons": verdict.reasons, "sha256": verdict.sha256,
        "verdict_digest": digest,
    })
}

/// The audit line's detail for `upload.verdict`.
pub(in crate::adapters) fn judged(verdict: &VerdictDetail, number: i64, fence: u64) -> Value {
    json!({
        "number": number, "verdict": verdict.verdict, "reasons": verdict.reasons, "sha256": verdict.sha256,
        "policy": verdict.policy, "fence": fence,
    })
}

/// The verdict's JSON as it is stored, and its digest.
pub(in crate::adapters) fn written(verdict: &VerdictDetail) -> Result<(String, String)> {
    verdict
        .to_json()
        .map_err(|e| PortError::new(Kind::Fail, "the verdict cannot be written as JSON").because(e))
}

/// Bugs of the caller that would break a law if they were stored.
pub(in crate::adapters) fn refuse_nonsense(lease: &Lease, settlement: &Settlement) -> Result<()> {
    let publishes = settlement.verdict.verdict == Decision::Publish;
    if !publishes && !settlement.renditions.is_empty() {
        return Err(PortError::new(Kind::Fail, "renditions come with a verdict that does not publish"));
    }
    if publishes && settlement.verdict.sha256 != lease.upload.sha256 {
        return Err(PortError::new(Kind::Fail, "the verdict publishes other bytes than were accepted"));
    }
    Ok(())
}

pub(in crate::adapters) fn event(decision: Decision) -> &'static str {
    match decision {
        Decision::Publish => "upload.published",
        Decision::Review => "upload.review",
        Decision::Quarantine => "upload.quarantined",
    }
}
