//! Direct uploads: announced, awaited, completed.

use super::{
    Postgres, audit, intake, outbox,
    row::{accepted, clean, parse, received, signed},
    show,
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

pub(super) async fn expect(store: &Postgres, new: &NewUpload, until: Timestamp) -> Result<Accepted> {
    let new = intake::storable(new);
    let mut tx = store.db.tenant(&new.tenant).await?;
    let same = |known: &Upload, new: &NewUpload| known.size == new.size && known.filename == new.filename;
    let (answers, _) = intake::admit(&mut tx, &[&new], Some(until), same).await?;
    let answer = answers.into_iter().next();
    let answer = answer.ok_or_else(|| PortError::new(Kind::Fail, "the store did not answer"))?;
    if answer == Accepted::New {
        let detail = json!({ "tenant": new.tenant.as_str(), "size": new.size });
        let subject = new.id.to_string();
        let entry = audit::Entry {
            at: new.at,
            actor: &new.actor,
            action: "upload.awaited",
            subject: &subject,
            detail,
        };
        audit::append(&mut tx, &[entry]).await?;
        tx.commit().await?;
    }
    Ok(answer)
}

pub(super) async fn complete(
    store: &Postgres,
    tenant: &TenantId,
    id: UploadId,
    size: u64,
    sha256: &str,
    actor: &str,
    at: Timestamp,
) -> Result<Option<Upload>> {
    let mut tx = store.db.tenant(tenant).await?;
    let Some(row) = show::locked(&mut tx, tenant, id).await? else { return Ok(None) };
    let Ok(state) = row.upload.state.apply(Event::Completed) else {
        tx.rollback().await?;
        return Ok(None);
    };
    let changed = sqlx::query(
        "UPDATE uploads SET state = $3, version = version + 1, size = $4, sha256 = $5, accepted_at = $6, due_at = $6, \
         awaited_until = NULL WHERE id = $1 AND version = $2",
    )
    .bind(id.to_string())
    .bind(signed(row.upload.version)?)
    .bind(state.as_str())
    .bind(signed(size)?)
    .bind(clean(sha256))
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() != 1 {
        return Err(PortError::new(Kind::Retry, "the upload changed while it was completed"));
    }
    let upload = show::locked(&mut tx, tenant, id).await?.map(|row| row.upload);
    let body = received(id, tenant, size, sha256);
    outbox::append(&mut tx, &[outbox::News { upload: id, tenant, kind: "upload.received", body, at }])
        .await?;
    let (subject, detail) = (id.to_string(), accepted(tenant, size, sha256));
    let entry = audit::Entry { at, actor, action: "upload.accepted", subject: &subject, detail };
    audit::append(&mut tx, &[entry]).await?;
    tx.commit().await?;
    Ok(upload)
}

pub(super) async fn overdue(
    store: &Postgres,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(TenantId, UploadId)>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT tenant, id FROM uploads WHERE state = 'awaiting' AND awaited_until <= $1 ORDER BY awaited_until LIMIT $2",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
    .fetch_all(&mut *store.db.machine().await?)
    .await?;
    rows.into_iter().map(|(tenant, id)| Ok((parse(&tenant)?, parse(&id)?))).collect()
}
