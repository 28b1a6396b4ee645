//! A verdict becomes what is: state, verdict, renditions, outbox entry and audit line in one commit.

use super::{
    Sqlite, Tx, audit, enqueue, intake, outbox,
    row::{decided, event, judged, refuse_nonsense, signed, written},
    tally::Tallies,
};
use crate::{
    ports::{
        Result,
        store::{Lease, Settlement, Stale},
    },
    upload::{State, UploadId, rendition::Rendition, state::Event},
};

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
    let (detail, digest) = written(verdict)?;
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
    if state == State::InReview {
        enqueue::enqueue(&mut tx, &text, tenant.as_str(), verdict, *at).await?;
    }
    let mut tallies = Tallies::default();
    tallies.verdict(tenant.as_str(), verdict, *at);
    tallies.write(&mut tx).await?;
    let told = decided(verdict, &digest, &row.upload, number);
    outbox::append(&mut tx, id, tenant, event(verdict.verdict), &told, *at).await?;
    let actor = format!("worker:{}", row.worker.as_deref().unwrap_or_default());
    let detail = judged(verdict, number, lease.fence);
    let entry = audit::Entry { at: *at, actor: &actor, action: "upload.verdict", subject: &text, detail };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(Ok(()))
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
