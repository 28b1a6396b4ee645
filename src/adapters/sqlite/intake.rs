//! Uploads in, and looked at.

use super::{
    Sqlite, Tx, audit, outbox,
    row::{Row, UploadRow, accepted, received, signed, small, time},
};
use crate::{
    ports::{
        Result,
        store::{Accepted, NewUpload, NumberedVerdict, Page, Upload},
    },
    upload::{State, TenantId, UploadId},
};
use jiff::Timestamp;
use sqlx::SqliteConnection;

pub(super) async fn accept(store: &Sqlite, new: &NewUpload) -> Result<Accepted> {
    let mut tx = store.begin().await?;
    if let Some(known) = known(&mut tx, new).await? {
        let same = known.sha256 == new.sha256 && known.filename == new.filename;
        return Ok(if same { Accepted::Repeat(Box::new(known)) } else { Accepted::Conflict(known.id) });
    }
    insert(&mut tx, new, None).await?;
    tell(&mut tx, new.id, &new.tenant, new.size, &new.sha256, &new.actor, new.at).await?;
    tx.commit().await?;
    Ok(Accepted::New)
}

/// Outbox entry and audit line of an upload that is durable.
pub(super) async fn tell(
    tx: &mut SqliteConnection,
    id: UploadId,
    tenant: &TenantId,
    size: u64,
    sha256: &str,
    actor: &str,
    at: Timestamp,
) -> Result<()> {
    let subject = id.to_string();
    let told = received(id, tenant, size, sha256);
    outbox::append(tx, id, tenant, "upload.received", &told, at).await?;
    let detail = accepted(tenant, size, sha256);
    audit::append(tx, audit::Entry { at, actor, action: "upload.accepted", subject: &subject, detail }).await
}

/// The upload that has this Idempotency-Key or this id of the sender's already.
pub(super) async fn known(tx: &mut SqliteConnection, new: &NewUpload) -> Result<Option<Upload>> {
    if let Some(key) = &new.idempotency_key
        && let Some(known) = by(tx, Column::IdempotencyKey, &new.tenant, key).await?
    {
        return Ok(Some(known));
    }
    match &new.external_id {
        Some(id) => by(tx, Column::ExternalId, &new.tenant, id).await,
        None => Ok(None),
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    IdempotencyKey,
    ExternalId,
}

pub(super) async fn by(
    connection: &mut SqliteConnection,
    column: Column,
    tenant: &TenantId,
    value: &str,
) -> Result<Option<Upload>> {
    let query = match column {
        Column::IdempotencyKey => "SELECT * FROM uploads WHERE tenant = $1 AND idempotency_key = $2",
        Column::ExternalId => "SELECT * FROM uploads WHERE tenant = $1 AND external_id = $2",
    };
    let row: Option<UploadRow> =
        sqlx::query_as(query).bind(tenant.as_str()).bind(value).fetch_optional(connection).await?;
    row.map(|row| Ok(Row::try_from(row)?.upload)).transpose()
}

/// Awaited until then, or received.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    new: &NewUpload,
    awaited: Option<Timestamp>,
) -> Result<()> {
    let (state, due_at) = match awaited {
        Some(_) => (State::Awaiting, None),
        None => (State::Received, Some(new.at.as_millisecond())),
    };
    sqlx::query(
        "INSERT INTO uploads (id, tenant, state, version, filename, declared, size, sha256, idempotency_key, \
         external_id, accepted_at, due_at, awaited_until, uploader) \
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(new.id.to_string())
    .bind(new.tenant.as_str())
    .bind(state.as_str())
    .bind(&new.filename)
    .bind(&new.declared)
    .bind(signed(new.size)?)
    .bind(&new.sha256)
    .bind(&new.idempotency_key)
    .bind(&new.external_id)
    .bind(new.at.as_millisecond())
    .bind(due_at)
    .bind(awaited.map(Timestamp::as_millisecond))
    .bind(&new.uploader)
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
    let detail = serde_json::from_str(&detail).map_err(super::row::damaged)?;
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
