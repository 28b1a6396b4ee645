//! Direct uploads: announced, awaited, completed.

use super::{
    Sqlite, audit, intake,
    row::{parse, signed},
};
use crate::{
    ports::{
        Kind, PortError, Result,
        store::{Accepted, NewUpload, Upload},
    },
    upload::{TenantId, UploadId, state::Event},
};
use jiff::Timestamp;
use serde_json::json;

pub(super) async fn expect(store: &Sqlite, new: &NewUpload, until: Timestamp) -> Result<Accepted> {
    let mut tx = store.begin().await?;
    if let Some(known) = intake::known(&mut tx, new).await? {
        let same = known.size == new.size && known.filename == new.filename;
        return Ok(if same { Accepted::Repeat(Box::new(known)) } else { Accepted::Conflict(known.id) });
    }
    intake::insert(&mut tx, new, Some(until)).await?;
    let detail = json!({ "tenant": new.tenant.as_str(), "size": new.size });
    let subject = new.id.to_string();
    let entry =
        audit::Entry { at: new.at, actor: &new.actor, action: "upload.awaited", subject: &subject, detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(Accepted::New)
}

pub(super) async fn complete(
    store: &Sqlite,
    tenant: &TenantId,
    id: UploadId,
    size: u64,
    sha256: &str,
    actor: &str,
    at: Timestamp,
) -> Result<Option<Upload>> {
    let mut tx = store.begin().await?;
    let Some(row) = intake::locked(&mut tx, id).await?.filter(|row| row.upload.tenant == *tenant) else {
        return Ok(None);
    };
    let Ok(received) = row.upload.state.apply(Event::Completed) else { return Ok(None) };
    let text = id.to_string();
    let changed = sqlx::query(
        "UPDATE uploads SET state = $3, version = version + 1, size = $4, sha256 = $5, accepted_at = $6, due_at = $6, \
         awaited_until = NULL WHERE id = $1 AND version = $2",
    )
    .bind(&text)
    .bind(signed(row.upload.version)?)
    .bind(received.as_str())
    .bind(signed(size)?)
    .bind(sha256)
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() != 1 {
        return Err(PortError::new(Kind::Retry, "the upload changed while it was completed"));
    }
    intake::tell(&mut tx, id, tenant, size, sha256, actor, at).await?;
    let upload = intake::locked(&mut tx, id).await?.map(|row| row.upload);
    tx.commit().await?;
    Ok(upload)
}

pub(super) async fn overdue(store: &Sqlite, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, UploadId)>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT tenant, id FROM uploads WHERE state = 'awaiting' AND awaited_until <= $1 ORDER BY awaited_until LIMIT $2",
    )
    .bind(now.as_millisecond())
    .bind(limit)
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter().map(|(tenant, id)| Ok((parse(&tenant)?, parse(&id)?))).collect()
}
