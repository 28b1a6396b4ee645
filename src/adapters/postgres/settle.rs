//! A verdict becomes what is: state, verdict, renditions, outbox entry and audit line in one commit, for many uploads.

use super::{
    audit,
    batch::Shared,
    db::{Kept, Tx},
    enqueue, outbox,
    row::{Row, UploadRow, clean, decided, event, judged, refuse_nonsense, signed, upload_columns, written},
    tally::Tallies,
};
use crate::{
    ports::{
        Kind, PortError, Result,
        store::{Lease, Settlement, Stale},
    },
    sabotage::{self, Hole},
    upload::{State, UploadId, rendition::Rendition, state::Event},
};
use std::collections::HashMap;

pub(super) struct Settle {
    id: UploadId,
    fence: u64,
    settlement: Settlement,
    /// The verdict as it is stored, and its digest.
    detail: String,
    digest: String,
}

impl Settle {
    pub fn new(lease: &Lease, settlement: &Settlement) -> Result<Self> {
        refuse_nonsense(lease, settlement)?;
        let (detail, digest) = written(&settlement.verdict)?;
        Ok(Self { id: lease.upload.id, fence: lease.fence, settlement: settlement.clone(), detail, digest })
    }
}

/// One that is settled, its row as it was, and the state that it comes to.
struct Settled<'a> {
    ask: &'a Settle,
    row: Row,
    state: State,
}

impl Shared for Settle {
    type Answer = std::result::Result<(), Stale>;

    fn names(&self) -> Vec<String> {
        vec![self.id.to_string()]
    }

    async fn commit(db: &mut Kept, asks: &[Self]) -> Result<Vec<Self::Answer>> {
        let mut tx = db.machine().await?;
        let mut rows = locked(&mut tx, asks).await?;
        let mut answers = Vec::with_capacity(asks.len());
        let mut settled = Vec::with_capacity(asks.len());
        for ask in asks {
            let unfenced = sabotage::opens(Hole::Fencing);
            let held = rows.remove(&ask.id).filter(|row| row.fence == ask.fence || unfenced);
            let next = held.and_then(|row| {
                let from = if unfenced { State::Scanning } else { row.upload.state };
                let state = from.apply(Event::Decided(ask.settlement.verdict.verdict)).ok()?;
                Some(Settled { ask, row, state })
            });
            answers.push(next.as_ref().map(|_| ()).ok_or(Stale));
            settled.extend(next);
        }
        if settled.is_empty() {
            tx.rollback().await?;
            return Ok(answers);
        }
        move_on(&mut tx, &settled).await?;
        let numbers = number(&mut tx, &settled).await?;
        publish(&mut tx, &settled).await?;
        for Settled { ask, row, .. } in settled.iter().filter(|one| one.state == State::InReview) {
            let Settlement { verdict, at, .. } = &ask.settlement;
            enqueue::enqueue(&mut tx, &ask.id.to_string(), row.upload.tenant.as_str(), verdict, *at).await?;
        }
        let mut tallies = Tallies::default();
        for Settled { ask, row, .. } in &settled {
            let Settlement { verdict, at, .. } = &ask.settlement;
            tallies.verdict(row.upload.tenant.as_str(), verdict, *at);
        }
        tallies.write(&mut tx).await?;
        tell(&mut tx, &settled, &numbers).await?;
        tx.commit().await?;
        Ok(answers)
    }
}

/// In the order of their ids, so that two transactions that want the same rows do not wait for each other.
async fn locked(tx: &mut Tx<'_>, asks: &[Settle]) -> Result<HashMap<UploadId, Row>> {
    let rows: Vec<UploadRow> = sqlx::query_as(concat!(
        "SELECT ",
        upload_columns!(),
        " FROM uploads u WHERE u.id = ANY ($1) ORDER BY u.id FOR UPDATE"
    ))
    .bind(asks.iter().map(|ask| ask.id.to_string()).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    let rows = rows.into_iter().map(Row::try_from).collect::<Result<Vec<_>>>()?;
    Ok(rows.into_iter().map(|row| (row.upload.id, row)).collect())
}

fn ids(settled: &[Settled<'_>]) -> Vec<String> {
    settled.iter().map(|one| one.ask.id.to_string()).collect()
}

fn times(settled: &[Settled<'_>]) -> Vec<i64> {
    settled.iter().map(|one| one.ask.settlement.at.as_millisecond()).collect()
}

async fn move_on(tx: &mut Tx<'_>, settled: &[Settled<'_>]) -> Result<()> {
    let versions = settled.iter().map(|one| signed(one.row.upload.version)).collect::<Result<Vec<_>>>()?;
    let changed = sqlx::query(
        "UPDATE uploads u SET state = s.state, version = u.version + 1, settled_at = s.at, due_at = NULL, worker = NULL, \
         waiting_for = NULL FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS s (id, version, state, at) \
         WHERE u.id = s.id AND u.version = s.version",
    )
    .bind(ids(settled))
    .bind(versions)
    .bind(settled.iter().map(|one| one.state.as_str()).collect::<Vec<_>>())
    .bind(times(settled))
    .execute(&mut **tx)
    .await?;
    if changed.rows_affected() == settled.len() as u64 {
        return Ok(());
    }
    Err(PortError::new(Kind::Retry, "an upload changed while it was settled"))
}

/// Stores the verdicts; returns their numbers by upload.
async fn number(tx: &mut Tx<'_>, settled: &[Settled<'_>]) -> Result<HashMap<String, i64>> {
    let numbers: Vec<(String, i64)> = sqlx::query_as(
        "INSERT INTO verdicts (upload, number, detail, at) SELECT s.upload, \
         (SELECT coalesce(max(v.number), 0) + 1 FROM verdicts v WHERE v.upload = s.upload), s.detail::json, s.at \
         FROM unnest($1::text[], $2::text[], $3::bigint[]) AS s (upload, detail, at) RETURNING upload, number",
    )
    .bind(ids(settled))
    .bind(settled.iter().map(|one| one.ask.detail.as_str()).collect::<Vec<_>>())
    .bind(times(settled))
    .fetch_all(&mut **tx)
    .await?;
    Ok(numbers.into_iter().collect())
}

async fn publish(tx: &mut Tx<'_>, settled: &[Settled<'_>]) -> Result<()> {
    let all: Vec<(UploadId, &Rendition)> = settled
        .iter()
        .flat_map(|one| one.ask.settlement.renditions.iter().map(|rendition| (one.ask.id, rendition)))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO renditions (upload, name, key, media_type, sha256, size, width, height) SELECT * FROM unnest \
         ($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])",
    )
    .bind(all.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, r)| r.name.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, r)| r.key.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, r)| clean(&r.media_type)).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, r)| r.sha256.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, r)| signed(r.size)).collect::<Result<Vec<_>>>()?)
    .bind(all.iter().map(|(_, r)| r.width.map(i64::from)).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, r)| r.height.map(i64::from)).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Outbox entries and audit lines.
async fn tell(tx: &mut Tx<'_>, settled: &[Settled<'_>], numbers: &HashMap<String, i64>) -> Result<()> {
    let mut news = Vec::with_capacity(settled.len());
    let mut said = Vec::with_capacity(settled.len());
    for Settled { ask, row, .. } in settled {
        let Settlement { verdict, at, .. } = &ask.settlement;
        let subject = ask.id.to_string();
        let number =
            *numbers.get(&subject).ok_or_else(|| super::row::damaged("a verdict without a number"))?;
        let body = decided(verdict, &ask.digest, &row.upload, number);
        let (tenant, kind) = (&row.upload.tenant, event(verdict.verdict));
        if !sabotage::opens(Hole::Outbox) {
            news.push(outbox::News { upload: ask.id, tenant, kind, body, at: *at });
        }
        let actor = format!("worker:{}", row.worker.as_deref().unwrap_or_default());
        said.push((*at, actor, subject, judged(verdict, number, ask.fence)));
    }
    outbox::append(tx, &news).await?;
    let lines: Vec<_> = said
        .iter()
        .map(|(at, actor, subject, detail)| {
            let detail = detail.clone();
            audit::Entry { at: *at, actor, action: "upload.verdict", subject, detail }
        })
        .collect();
    audit::append(tx, &lines).await
}
