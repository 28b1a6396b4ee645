//! Plain values for the suites. `n` tells one from another.

use crate::{
    ports::store::{ApiKey, Lease, NewUpload, Settlement, Store},
    upload::{
        Decision, TenantId, UploadId,
        rendition::{Rendition, RenditionName},
        verdict::{PolicyVersion, TypeDetail, VerdictDetail},
    },
};
use jiff::Timestamp;
use std::time::Duration;

pub const TERM: Duration = Duration::from_secs(60);

/// Seconds after the suites' beginning of time, in whole milliseconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + seconds * 1000).expect("the year is 2026")
}

pub fn tenant(name: &str) -> TenantId {
    name.parse().expect("the suites name tenants well")
}

/// Ids grow with `n`.
pub fn id(n: u64) -> UploadId {
    let mut random = [0x5a; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    UploadId::new(at(i64::try_from(n).expect("the suites count low")), &random)
}

/// Accepted at second `n`, for `acme`, without an Idempotency-Key.
pub fn upload(n: u64) -> NewUpload {
    NewUpload {
        id: id(n),
        tenant: tenant("acme"),
        filename: Some(format!("photo {n}.jpg")),
        declared: Some("image/jpeg".to_owned()),
        size: 1000 + n,
        sha256: format!("{n:064x}"),
        idempotency_key: None,
        external_id: None,
        uploader: None,
        actor: "key:k1".to_owned(),
        at: at(i64::try_from(n).expect("the suites count low")),
    }
}

pub fn keyed(n: u64, tenant_name: &str, key: &str) -> NewUpload {
    NewUpload { tenant: tenant(tenant_name), idempotency_key: Some(key.to_owned()), ..upload(n) }
}

/// Of the upload in `lease`, with two renditions where it publishes.
pub fn settlement(lease: &Lease, decision: Decision, at: Timestamp) -> Settlement {
    let upload = &lease.upload;
    let verdict = VerdictDetail {
        verdict: decision,
        sha256: upload.sha256.clone(),
        size: upload.size,
        r#type: TypeDetail { media_type: "image/jpeg".to_owned(), declared: upload.declared.clone() },
        reasons: vec!["rule.sample".to_owned()],
        second: false,
        findings: Vec::new(),
        checks: Vec::new(),
        labels: [("nsfw.neutral".to_owned(), 0.25)].into(),
        film: None,
        picture: None,
        perceptual_hash: None,
        policy: Some(PolicyVersion { version: 1, digest: "d".to_owned() }),
    };
    let names = [RenditionName::Original, RenditionName::Thumbnail];
    let renditions = names.map(|name| rendition(upload.id, name));
    let renditions = if decision == Decision::Publish { renditions.to_vec() } else { Vec::new() };
    Settlement { verdict, renditions, at }
}

pub fn rendition(id: UploadId, name: RenditionName) -> Rendition {
    Rendition {
        name,
        key: format!("{id}/{name}"),
        media_type: "image/jpeg".to_owned(),
        sha256: "ab".repeat(32),
        size: 900,
        width: Some(640),
        height: Some(480),
    }
}

pub fn api_key(n: u8, tenant_name: &str) -> ApiKey {
    ApiKey {
        id: format!("k{n}"),
        tenant: tenant(tenant_name),
        hash: [n; 32],
        scopes: "upload read".to_owned(),
        created_at: at(i64::from(n)),
        revoked_at: None,
    }
}

/// Accepts `new` and takes its lease at second `now`.
pub async fn claimed(store: &impl Store, new: &NewUpload, now: i64) -> Lease {
    store.accept(new).await.expect("accept");
    store.claim(new.id, "w1", at(now), TERM).await.expect("claim").expect("a new upload can be claimed")
}

/// Accepts, claims and settles `new` within second `now`.
pub async fn settled(store: &impl Store, new: &NewUpload, decision: Decision, now: i64) -> Lease {
    let lease = claimed(store, new, now).await;
    let done = store.settle(&lease, &settlement(&lease, decision, at(now))).await.expect("settle");
    assert_eq!(done, Ok(()), "the holder of the lease settles");
    lease
}
