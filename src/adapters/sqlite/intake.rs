//! Uploads in, and looked at.

use super::{
    Sqlite, Tx, audit, outbox,
    row::{Row, UploadRow, signed, small, time},
};
use crate::{
    ports::{
        Result,
        store::{Accepted, NewUpload, NumberedVerdict, Page, Upload},
    },
    upload::{TenantId, UploadId},
};
use serde_json::json;
use sqlx::SqliteConnection;

pub(super) async fn accept(store: &Sqlite, new: &NewUpload) -> Result<Accepted> {
    let mut tx = store.begin().await?;
    if let Some(known) = by_idempotency_key(&mut tx, new).await? {
        let same = known.sha256 == new.sha256 && known.filename == new.filename;
        return Ok(if same { Accepted::Repeat(Box::new(known)) } else { Accepted::Conflict(known.id) });
    }
    insert(&mut tx, new).await?;
    let id = new.id.to_string();
    let told = json!({ "id": id, "tenant": new.tenant.as_str(), "size": new.size, "sha256": new.sha256 });
    outbox::append(&mut tx, new.id, "upload.received", &told, new.at).await?;
    let detail = json!({ "tenant": new.tenant.as_str(), "size": new.size, "sha256": new.sha256 });
    let entry =
        audit::Entry { at: new.at, actor: &new.actor, action: "upload.accepted", subject: &id, detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(Accepted::New)
}

async fn by_idempotency_key(tx: &mut SqliteConnection, new: &NewUpload) -> Result<Option<Upload>> {
    let Some(key) = &new.idempotency_key else { return Ok(None) };
    let row: Option<UploadRow> =
        sqlx::query_as("SELECT * FROM uploads WHERE tenant = $1 AND idempotency_key = $2")
            .bind(new.tenant.as_str())
            .bind(key)
            .fetch_optional(tx)
            .await?;
    row.map(|row| Ok(Row::try_from(row)?.upload)).transpose()
}

async fn insert(tx: &mut SqliteConnection, new: &NewUpload) -> Result<()> {
    sqlx::query(
        "INSERT INTO uploads (id, tenant, state, version, filename, declared, size, sha256, idempotency_key, \
         accepted_at, due_at) VALUES ($1, $2, 'received', 1, $3, $4, $5, $6, $7, $8, $8)",
    )
    .bind(new.id.to_string())
    .bind(new.tenant.as_str())
    .bind(&new.filename)
    .bind(&new.declared)
    .bind(signed(new.size)?)
    .bind(&new.sha256)
    .bind(&new.idempotency_key)
    .bind(new.at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn upload(store: &Sqlite, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>> {
    let row: Option<UploadRow> = sqlx::query_as("SELECT * FROM uploads WHERE id = $1 AND tenant = $2")
        .bind(id.to_string())
        .bind(tenant.as_str())
        .fetch_optional(&mut *store.readers.lend().await?)
        .await?;
    row.map(|row| Ok(Row::try_from(row)?.upload)).transpose()
}

pub(super) async fn uploads(store: &Sqlite, tenant: &TenantId, page: &Page) -> Result<Vec<Upload>> {
    // '~' sorts above every id. Two statements, so that each walks its own index backwards.
    let before = page.before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let rows: Vec<UploadRow> = match page.state {
        Some(state) => sqlx::query_as(
            "SELECT * FROM uploads WHERE tenant = $1 AND id < $2 AND state = $4 ORDER BY id DESC LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(before)
        .bind(page.limit)
        .bind(state.as_str()),
        None => {
            sqlx::query_as("SELECT * FROM uploads WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
                .bind(tenant.as_str())
                .bind(before)
                .bind(page.limit)
        }
    }
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter().map(|row| Ok(Row::try_from(row)?.upload)).collect()
}

pub(super) async fn verdict(store: &Sqlite, id: UploadId) -> Result<Option<NumberedVerdict>> {
    let row: Option<(i64, String, i64)> = sqlx::query_as(
        "SELECT number, detail, at FROM verdicts WHERE upload = $1 ORDER BY number DESC LIMIT 1",
    )
    .bind(id.to_string())
    .fetch_optional(&mut *store.readers.lend().await?)
    .await?;
    let Some((number, detail, at)) = row else { return Ok(None) };
    let detail = serde_json::from_str(&detail).map_err(super::error::damaged)?;
    Ok(Some(NumberedVerdict { number: small(number)?, detail, at: time(at)? }))
}

/// The row as it stands inside a transaction that nobody else writes beside.
pub(super) async fn locked(tx: &mut Tx, id: UploadId) -> Result<Option<Row>> {
    let row: Option<UploadRow> = sqlx::query_as("SELECT * FROM uploads WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    row.map(Row::try_from).transpose()
}

/// Published-zone keys of an upload.
pub(super) async fn keys_of(tx: &mut Tx, id: UploadId) -> Result<Vec<String>> {
    let keys: Vec<(String,)> = sqlx::query_as("SELECT key FROM renditions WHERE upload = $1 ORDER BY key")
        .bind(id.to_string())
        .fetch_all(&mut **tx)
        .await?;
    Ok(keys.into_iter().map(|(key,)| key).collect())
}
