//! Uploads looked at.

use super::{
    Postgres,
    db::Tx,
    row::{Row, UploadRow, clean, damaged, small, time, upload_columns},
};
use crate::{
    ports::{
        Result,
        store::{NumberedVerdict, Page, Upload},
    },
    upload::{TenantId, UploadId},
};

pub(super) async fn by_idempotency_key(
    store: &Postgres,
    tenant: &TenantId,
    key: &str,
) -> Result<Option<Upload>> {
    const QUERY: &str = concat!(
        "SELECT ",
        upload_columns!(),
        " FROM uploads u WHERE u.tenant = $1 AND u.idempotency_key = $2"
    );
    one(store, tenant, QUERY, &clean(key)).await
}

pub(super) async fn by_external_id(store: &Postgres, tenant: &TenantId, id: &str) -> Result<Option<Upload>> {
    const QUERY: &str =
        concat!("SELECT ", upload_columns!(), " FROM uploads u WHERE u.tenant = $1 AND u.external_id = $2");
    one(store, tenant, QUERY, &clean(id)).await
}

pub(super) async fn upload(store: &Postgres, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>> {
    const QUERY: &str =
        concat!("SELECT ", upload_columns!(), " FROM uploads u WHERE u.tenant = $1 AND u.id = $2");
    one(store, tenant, QUERY, &id.to_string()).await
}

async fn one(
    store: &Postgres,
    tenant: &TenantId,
    query: &'static str,
    value: &str,
) -> Result<Option<Upload>> {
    let row: Option<UploadRow> = sqlx::query_as(query)
        .bind(tenant.as_str())
        .bind(value)
        .fetch_optional(&mut *store.db.tenant(tenant).await?)
        .await?;
    row.map(|row| Ok(Row::try_from(row)?.upload)).transpose()
}

pub(super) async fn uploads(store: &Postgres, tenant: &TenantId, page: &Page) -> Result<Vec<Upload>> {
    // '~' sorts above every id. Two statements, so that each walks its own index backwards.
    let before = page.before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let query = match page.state {
        Some(_) => concat!(
            "SELECT ",
            upload_columns!(),
            " FROM uploads u WHERE u.tenant = $1 AND u.id < $2 AND u.state = $4 ORDER BY u.id DESC LIMIT $3"
        ),
        None => concat!(
            "SELECT ",
            upload_columns!(),
            " FROM uploads u WHERE u.tenant = $1 AND u.id < $2 ORDER BY u.id DESC LIMIT $3"
        ),
    };
    let mut query = sqlx::query_as(query).bind(tenant.as_str()).bind(before).bind(i64::from(page.limit));
    if let Some(state) = page.state {
        query = query.bind(state.as_str());
    }
    let rows: Vec<UploadRow> = query.fetch_all(&mut *store.db.tenant(tenant).await?).await?;
    rows.into_iter().map(|row| Ok(Row::try_from(row)?.upload)).collect()
}

pub(super) async fn verdict(store: &Postgres, id: UploadId) -> Result<Option<NumberedVerdict>> {
    let row: Option<(i64, String, i64)> = sqlx::query_as(
        "SELECT number, detail::text, at FROM verdicts WHERE upload = $1 ORDER BY number DESC LIMIT 1",
    )
    .bind(id.to_string())
    .fetch_optional(&mut *store.db.machine().await?)
    .await?;
    let Some((number, detail, at)) = row else { return Ok(None) };
    let detail = serde_json::from_str(&detail).map_err(damaged)?;
    Ok(Some(NumberedVerdict { number: small(number)?, detail, at: time(at)? }))
}

/// The row as it stands, and as it stays until the transaction ends. Its key stays: who has locked the item and adds a ruling
/// or a report, which refer to it, does not wait for this while this waits for the item.
pub(super) async fn locked(tx: &mut Tx<'_>, tenant: &TenantId, id: UploadId) -> Result<Option<Row>> {
    let row: Option<UploadRow> = sqlx::query_as(concat!(
        "SELECT ",
        upload_columns!(),
        " FROM uploads u WHERE u.tenant = $1 AND u.id = $2 FOR NO KEY UPDATE"
    ))
    .bind(tenant.as_str())
    .bind(id.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Row::try_from).transpose()
}
