//! Forgetting an upload: the record stays, what it was about goes.

use super::{Sqlite, audit, enqueue, intake, outbox};
use crate::{
    ports::{Kind, PortError, Result},
    upload::{TenantId, UploadId, state::Event},
};
use jiff::Timestamp;
use serde_json::json;

pub(super) async fn erase(
    store: &Sqlite,
    tenant: &TenantId,
    id: UploadId,
    actor: &str,
    at: Timestamp,
) -> Result<Option<Vec<String>>> {
    let mut tx = store.begin().await?;
    let Some(row) = intake::locked(&mut tx, id).await?.filter(|row| row.upload.tenant == *tenant) else {
        return Ok(None);
    };
    let Ok(erased) = row.upload.state.apply(Event::Erased) else { return Ok(None) };
    if !enqueue::erased(&mut tx, &id.to_string()).await? {
        return Ok(None);
    }
    let keys = intake::keys_of(&mut tx, id).await?;
    let text = id.to_string();
    sqlx::query("DELETE FROM renditions WHERE upload = $1").bind(&text).execute(&mut *tx).await?;
    // What sender and file said stands in the verdict as well.
    sqlx::query(
        "UPDATE verdicts SET detail = json_remove(json_set(detail, '$.type.declared', NULL), '$.picture.metadata') \
         WHERE upload = $1",
    )
        .bind(&text)
        .execute(&mut *tx)
        .await?;
    let changed = sqlx::query(
        "UPDATE uploads SET state = $3, version = version + 1, filename = NULL, declared = NULL, \
         idempotency_key = NULL, external_id = NULL, uploader = NULL, awaited_until = NULL, settled_at = coalesce(settled_at, $4), due_at = NULL, worker = NULL, \
         waiting_for = NULL WHERE id = $1 AND version = $2",
    )
    .bind(&text)
    .bind(super::row::signed(row.upload.version)?)
    .bind(erased.as_str())
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() != 1 {
        return Err(PortError::new(Kind::Retry, "the upload changed while it was erased"));
    }
    let told = json!({ "id": text, "tenant": tenant.as_str() });
    outbox::append(&mut tx, id, tenant, "upload.erased", &told, at).await?;
    let detail = json!({ "was": row.upload.state.as_str() });
    audit::append(&mut tx, audit::Entry { at, actor, action: "upload.erased", subject: &text, detail })
        .await?;
    tx.commit().await?;
    Ok(Some(keys))
}
