//! What may be served at this moment, and what the sweeper must leave alone.

use super::{
    Sqlite,
    row::{RenditionColumns, parse, rendition},
};
use crate::{
    ports::{Kind, PortError, Result, store::PublishedRendition},
    upload::{
        State, UploadId,
        rendition::{Rendition, RenditionName},
    },
};

/// The statement behind every signed URL: two look-ups by primary key.
pub(super) const PUBLISHED: &str = "SELECT u.filename, r.name, r.key, r.media_type, r.sha256, r.size, r.width, r.height \
     FROM renditions r JOIN uploads u ON u.id = r.upload \
     WHERE r.upload = $1 AND r.name = $2 AND u.state = 'published'";

pub(super) async fn published(
    store: &Sqlite,
    id: UploadId,
    name: RenditionName,
) -> Result<Option<PublishedRendition>> {
    if let Some(found) = store.lookups.published(id, name) {
        return found;
    }
    type Columns = (Option<String>, String, String, String, String, i64, Option<i64>, Option<i64>);
    let row: Option<Columns> = sqlx::query_as(PUBLISHED)
        .bind(id.to_string())
        .bind(name.as_str())
        .fetch_optional(&mut *store.readers.lend().await?)
        .await?;
    let Some((filename, name, key, media_type, sha256, size, width, height)) = row else { return Ok(None) };
    let rendition = rendition((name, key, media_type, sha256, size, width, height))?;
    Ok(Some(PublishedRendition { rendition, filename }))
}

pub(super) async fn renditions(store: &Sqlite, id: UploadId) -> Result<Vec<Rendition>> {
    let rows: Vec<RenditionColumns> = sqlx::query_as(
        "SELECT r.name, r.key, r.media_type, r.sha256, r.size, r.width, r.height \
         FROM renditions r JOIN uploads u ON u.id = r.upload WHERE r.upload = $1 AND u.state = 'published'",
    )
    .bind(id.to_string())
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    let mut all = rows.into_iter().map(rendition).collect::<Result<Vec<_>>>()?;
    all.sort_by_key(|rendition| rendition.name);
    Ok(all)
}

pub(super) async fn used_keys(store: &Sqlite, keys: &[String]) -> Result<Vec<String>> {
    let used: Vec<(String,)> = sqlx::query_as(
        "SELECT DISTINCT r.key FROM renditions r JOIN uploads u ON u.id = r.upload \
         WHERE r.key IN (SELECT value FROM json_each($1)) AND u.state = 'published'",
    )
    .bind(json_list(keys)?)
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    Ok(used.into_iter().map(|(key,)| key).collect())
}

pub(super) async fn known(store: &Sqlite, ids: &[UploadId]) -> Result<Vec<UploadId>> {
    let known: Vec<(String,)> = sqlx::query_as(
        "SELECT id FROM uploads WHERE id IN (SELECT value FROM json_each($1)) AND state != 'erased'",
    )
    .bind(json_list(ids)?)
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    known.into_iter().map(|(id,)| parse(&id)).collect()
}

pub(super) async fn states(store: &Sqlite, ids: &[UploadId]) -> Result<Vec<(UploadId, State)>> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT id, state FROM uploads WHERE id IN (SELECT value FROM json_each($1))")
            .bind(json_list(ids)?)
            .fetch_all(&mut *store.readers.lend().await?)
            .await?;
    rows.into_iter().map(|(id, state)| Ok((parse(&id)?, parse(&state)?))).collect()
}

/// SQLite has no arrays to bind; `json_each` makes rows of this.
fn json_list(items: &[impl serde::Serialize]) -> Result<String> {
    serde_json::to_string(items)
        .map_err(|e| PortError::new(Kind::Fail, "a list cannot be written as JSON").because(e))
}
