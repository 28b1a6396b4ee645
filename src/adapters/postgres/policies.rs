//! Policies, by tenant and version.

use super::{
    Postgres, audit,
    batch::Shared,
    db::Db,
    row::{small, time},
};
use crate::{
    ports::{Result, store::StoredPolicy},
    upload::TenantId,
};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};

/// A tenant's latest. Every scan asks for it: those that ask at the same time share one question.
pub(super) struct Latest(pub TenantId);

impl Shared for Latest {
    type Answer = Option<StoredPolicy>;

    /// Reading changes nothing that another would have to see.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn commit(db: &Db, asks: &[Self]) -> Result<Vec<Option<StoredPolicy>>> {
        let tenants: BTreeSet<&TenantId> = asks.iter().map(|ask| &ask.0).collect();
        let mut tx = db.tenants(tenants.iter().copied()).await?;
        let rows: Vec<(String, i64, String, i64)> = sqlx::query_as(
            "SELECT DISTINCT ON (tenant) tenant, version, text, at FROM policies WHERE tenant = ANY ($1) \
             ORDER BY tenant, version DESC",
        )
        .bind(tenants.iter().map(|tenant| tenant.as_str()).collect::<Vec<_>>())
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let policy = |(tenant, version, text, at)| {
            Ok((tenant, StoredPolicy { version: small(version)?, text, at: time(at)? }))
        };
        let latest = rows.into_iter().map(policy).collect::<Result<HashMap<String, _>>>()?;
        Ok(asks.iter().map(|ask| latest.get(ask.0.as_str()).cloned()).collect())
    }
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
    sqlx::query("INSERT INTO policies (tenant, version, text, at) VALUES ($1, $2, $3, $4)")
        .bind(tenant.as_str())
        .bind(version)
        .bind(text)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    let detail = json!({ "version": version, "digest": crate::hex(&Sha256::digest(text)) });
    let entry = audit::Entry { at, actor, action: "policy.applied", subject: tenant.as_str(), detail };
    audit::append(&mut tx, &[entry]).await?;
    tx.commit().await?;
    small(version)
}
