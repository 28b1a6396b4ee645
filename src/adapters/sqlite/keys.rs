//! API keys, by the hash of their secret.

use super::{
    Sqlite, audit,
    row::{damaged, parse, time},
};
use crate::{
    ports::{Result, store::ApiKey},
    upload::TenantId,
};
use jiff::Timestamp;
use serde_json::json;

type Columns = (String, String, Vec<u8>, String, i64, Option<i64>);

pub(super) async fn add(store: &Sqlite, key: &ApiKey, actor: &str) -> Result<()> {
    let mut tx = store.begin().await?;
    sqlx::query(
        "INSERT INTO api_keys (id, tenant, hash, scopes, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&key.id)
    .bind(key.tenant.as_str())
    .bind(&key.hash[..])
    .bind(&key.scopes)
    .bind(key.created_at.as_millisecond())
    .bind(key.revoked_at.map(Timestamp::as_millisecond))
    .execute(&mut *tx)
    .await?;
    let detail = json!({ "tenant": key.tenant.as_str(), "scopes": key.scopes });
    let entry = audit::Entry { at: key.created_at, actor, action: "key.created", subject: &key.id, detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn one(store: &Sqlite, id: &str) -> Result<Option<ApiKey>> {
    let row: Option<Columns> =
        sqlx::query_as("SELECT id, tenant, hash, scopes, created_at, revoked_at FROM api_keys WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *store.readers.lend().await?)
            .await?;
    row.map(api_key).transpose()
}

pub(super) async fn all(store: &Sqlite, tenant: Option<&TenantId>) -> Result<Vec<ApiKey>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT id, tenant, hash, scopes, created_at, revoked_at FROM api_keys \
         WHERE $1 IS NULL OR tenant = $1 ORDER BY created_at, id",
    )
    .bind(tenant.map(TenantId::as_str))
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter().map(api_key).collect()
}

/// Revoking twice keeps the first time.
pub(super) async fn revoke(store: &Sqlite, id: &str, actor: &str, at: Timestamp) -> Result<bool> {
    let mut tx = store.begin().await?;
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM api_keys WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    let revoked = sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    if revoked.rows_affected() == 1 {
        let entry = audit::Entry { at, actor, action: "key.revoked", subject: id, detail: json!({}) };
        audit::append(&mut tx, entry).await?;
    }
    tx.commit().await?;
    Ok(known == 1)
}

fn api_key((id, tenant, hash, scopes, created_at, revoked_at): Columns) -> Result<ApiKey> {
    Ok(ApiKey {
        id,
        tenant: parse(&tenant)?,
        hash: hash.try_into().map_err(|_| damaged("a key's hash that is not 32 bytes"))?,
        scopes,
        created_at: time(created_at)?,
        revoked_at: revoked_at.map(time).transpose()?,
    })
}
