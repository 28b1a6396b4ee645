//! Policies, by tenant and version.

use super::{
    Postgres, audit,
    row::{small, time},
};
use crate::{
    ports::{Result, store::StoredPolicy},
    upload::TenantId,
};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

pub(super) async fn latest(store: &Postgres, tenant: &TenantId) -> Result<Option<StoredPolicy>> {
    let row: Option<(i64, String, i64)> = sqlx::query_as(
        "SELECT version, text, at FROM policies WHERE tenant = $1 ORDER BY version DESC LIMIT 1",
    )
    .bind(tenant.as_str())
    .fetch_optional(&mut *store.db.tenant(tenant).await?)
    .await?;
    let Some((version, text, at)) = row else { return Ok(None) };
    Ok(Some(StoredPolicy { version: small(version)?, text, at: time(at)? }))
}

pub(super) async fn apply(
    store: &Postgres,
    tenant: &TenantId,
    text: &str,
    actor: &str,
    at: Timestamp,
) -> Result<u32> {
    let mut tx = store.db.tenant(tenant).await?;
    let version: i64 =
        sqlx::query_scalar("SELECT coalesce(max(version), 1) + 1 FROM policies WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_one(&mut *tx)
            .await?;
    sqlx::query("INSERT INTO policies (tenant, version, text, at, made_by) VALUES ($1, $2, $3, $4, $5)")
        .bind(tenant.as_str())
        .bind(version)
        .bind(text)
        .bind(at.as_millisecond())
        .bind(actor)
        .execute(&mut *tx)
        .await?;
    let detail = json!({ "version": version, "digest": crate::hex(&Sha256::digest(text)) });
    let entry = audit::Entry { at, actor, action: "policy.applied", subject: tenant.as_str(), detail };
    audit::append(&mut tx, &[entry]).await?;
    tx.commit().await?;
    small(version)
}
