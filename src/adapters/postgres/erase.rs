//! Forgetting an upload: the record stays, what it was about goes.

use super::{
    Postgres, audit,
    db::Tx,
    enqueue, outbox,
    row::{damaged, signed, written},
    show,
};
use crate::{
    ports::{Kind, PortError, Result},
    upload::{TenantId, UploadId, state::Event, verdict::VerdictDetail},
};
use jiff::Timestamp;
use serde_json::json;

pub(super) async fn erase(
    store: &Postgres,
    tenant: &TenantId,
    id: UploadId,
    actor: &str,
    at: Timestamp,
) -> Result<Option<Vec<String>>> {
    let mut tx = store.db.tenant(tenant).await?;
    let Some(row) = show::locked(&mut tx, tenant, id).await? else { return Ok(None) };
    let Ok(erased) = row.upload.state.apply(Event::Erased) else {
        tx.rollback().await?;
        return Ok(None);
    };
    let text = id.to_string();
    if !enqueue::erased(&mut tx, &text).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let mut keys: Vec<String> = sqlx::query_scalar("DELETE FROM renditions WHERE upload = $1 RETURNING key")
        .bind(&text)
        .fetch_all(&mut *tx)
        .await?;
    keys.sort_unstable();
    forget_said(&mut tx, &text).await?;
    let changed = sqlx::query(
        "UPDATE uploads SET state = $3, version = version + 1, filename = NULL, declared = NULL, \
         idempotency_key = NULL, external_id = NULL, uploader = NULL, awaited_until = NULL, settled_at = coalesce(settled_at, $4), \
         due_at = NULL, worker = NULL, waiting_for = NULL WHERE id = $1 AND version = $2",
    )
    .bind(&text)
    .bind(signed(row.upload.version)?)
    .bind(erased.as_str())
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() != 1 {
        return Err(PortError::new(Kind::Retry, "the upload changed while it was erased"));
    }
    let body = json!({ "id": text, "tenant": tenant.as_str() });
    outbox::append(&mut tx, &[outbox::News { upload: id, tenant, kind: "upload.erased", body, at }]).await?;
    let detail = json!({ "was": row.upload.state.as_str() });
    let entry = audit::Entry { at, actor, action: "upload.erased", subject: &text, detail };
    audit::append(&mut tx, &[entry]).await?;
    tx.commit().await?;
    Ok(Some(keys))
}

/// What sender and file said stands in the verdicts as well.
async fn forget_said(tx: &mut Tx<'_>, upload: &str) -> Result<()> {
    let verdicts: Vec<(i64, String)> =
        sqlx::query_as("SELECT number, detail::text FROM verdicts WHERE upload = $1")
            .bind(upload)
            .fetch_all(&mut **tx)
            .await?;
    for (number, detail) in verdicts {
        let mut detail: VerdictDetail = serde_json::from_str(&detail).map_err(damaged)?;
        detail.r#type.declared = None;
        if let Some(picture) = &mut detail.picture {
            picture.metadata = None;
        }
        let (detail, _) = written(&detail)?;
        sqlx::query("UPDATE verdicts SET detail = $3::text::json WHERE upload = $1 AND number = $2")
            .bind(upload)
            .bind(number)
            .bind(detail)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
