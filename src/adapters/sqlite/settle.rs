//! A verdict becomes what is: state, verdict, renditions, outbox entry and audit line in one commit.

use super::{Sqlite, Tx, audit, intake, outbox, row::signed};
use crate::{
    ports::{
        Kind, PortError, Result,
        store::{Lease, Settlement, Stale},
    },
    upload::{Decision, UploadId, rendition::Rendition, state::Event},
};
use serde_json::json;

pub(super) async fn settle(
    store: &Sqlite,
    lease: &Lease,
    settlement: &Settlement,
) -> Result<std::result::Result<(), Stale>> {
    let Settlement { verdict, renditions, at } = settlement;
    refuse_nonsense(lease, settlement)?;
    let id = lease.upload.id;
    let text = id.to_string();
    let mut tx = store.begin().await?;
    let Some(row) = intake::locked(&mut tx, id).await?.filter(|row| row.fence == lease.fence) else {
        return Ok(Err(Stale));
    };
    let Ok(state) = row.upload.state.apply(Event::Decided(verdict.verdict)) else { return Ok(Err(Stale)) };

    let changed = sqlx::query(
        "UPDATE uploads SET state = $3, version = version + 1, settled_at = $4, due_at = NULL, worker = NULL, \
         waiting_for = NULL WHERE id = $1 AND version = $2",
    )
    .bind(&text)
    .bind(signed(row.upload.version)?)
    .bind(state.as_str())
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() != 1 {
        return Ok(Err(Stale));
    }
    let (detail, digest) = verdict
        .to_json()
        .map_err(|e| PortError::new(Kind::Fail, "the verdict cannot be written as JSON").because(e))?;
    let number: i64 =
        sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM verdicts WHERE upload = $1")
            .bind(&text)
            .fetch_one(&mut *tx)
            .await?;
    sqlx::query("INSERT INTO verdicts (upload, number, detail, at) VALUES ($1, $2, $3, $4)")
        .bind(&text)
        .bind(number)
        .bind(detail)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    for rendition in renditions {
        insert(&mut tx, id, rendition).await?;
    }

    let tenant = &row.upload.tenant;
    let told = json!({
        "id": text, "tenant": tenant.as_str(), "external_id": row.upload.external_id, "number": number,
        "verdict": verdict.verdict, "reasons": verdict.reasons, "sha256": verdict.sha256, "verdict_digest": digest,
    });
    outbox::append(&mut tx, id, tenant, event(verdict.verdict), &told, *at).await?;
    let actor = format!("worker:{}", row.worker.as_deref().unwrap_or_default());
    let detail = json!({
        "number": number, "verdict": verdict.verdict, "reasons": verdict.reasons, "sha256": verdict.sha256,
        "policy": verdict.policy, "fence": lease.fence,
    });
    let entry = audit::Entry { at: *at, actor: &actor, action: "upload.verdict", subject: &text, detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Bugs of the caller that would break a law if they were stored.
fn refuse_nonsense(lease: &Lease, settlement: &Settlement) -> Result<()> {
    let publishes = settlement.verdict.verdict == Decision::Publish;
    if !publishes && !settlement.renditions.is_empty() {
        return Err(PortError::new(Kind::Fail, "renditions come with a verdict that does not publish"));
    }
    if publishes && settlement.verdict.sha256 != lease.upload.sha256 {
        return Err(PortError::new(Kind::Fail, "the verdict publishes other bytes than were accepted"));
    }
    Ok(())
}

fn event(decision: Decision) -> &'static str {
    match decision {
        Decision::Publish => "upload.published",
        Decision::Review => "upload.review",
        Decision::Quarantine => "upload.quarantined",
    }
}

async fn insert(tx: &mut Tx, id: UploadId, rendition: &Rendition) -> Result<()> {
    sqlx::query(
        "INSERT INTO renditions (upload, name, key, media_type, sha256, size, width, height) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id.to_string())
    .bind(rendition.name.as_str())
    .bind(&rendition.key)
    .bind(&rendition.media_type)
    .bind(&rendition.sha256)
    .bind(signed(rendition.size)?)
    .bind(rendition.width)
    .bind(rendition.height)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
