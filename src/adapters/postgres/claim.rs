//! Taking a lease, many at a time.

use super::{
    batch::Shared,
    db::Db,
    row::{Row, UploadRow, clean, upload_columns},
};
use crate::{
    ports::{Kind, PortError, Result, store::Lease},
    upload::UploadId,
};
use jiff::Timestamp;
use std::{collections::HashMap, time::Duration};

pub(super) struct Claim {
    id: UploadId,
    worker: String,
    now: Timestamp,
    until: Timestamp,
}

impl Claim {
    pub fn new(id: UploadId, worker: &str, now: Timestamp, term: Duration) -> Result<Self> {
        let until = now
            .checked_add(term)
            .map_err(|e| PortError::new(Kind::Fail, "the term of the lease is too long").because(e))?;
        Ok(Self { id, worker: clean(worker), now, until })
    }
}

impl Shared for Claim {
    type Answer = Option<Lease>;

    fn names(&self) -> Vec<String> {
        vec![self.id.to_string()]
    }

    async fn commit(db: &Db, asks: &[Self]) -> Result<Vec<Option<Lease>>> {
        let mut tx = db.machine().await?;
        // A row that somebody else is changing is as good as taken: nobody waits for it here.
        let rows: Vec<UploadRow> = sqlx::query_as(concat!(
            "WITH asked AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) \
             AS a (id, now, until, worker)), \
             chosen AS (SELECT c.id FROM uploads c JOIN asked a ON a.id = c.id \
             WHERE c.state IN ('received', 'scanning') AND c.due_at <= a.now FOR UPDATE OF c SKIP LOCKED) \
             UPDATE uploads u SET state = 'scanning', version = u.version + 1, fence = u.fence + 1, \
             attempts = u.attempts + 1, due_at = a.until, worker = a.worker, waiting_for = NULL \
             FROM asked a, chosen c WHERE u.id = a.id AND c.id = a.id AND u.state IN ('received', 'scanning') \
             AND u.due_at <= a.now RETURNING ",
            upload_columns!()
        ))
        .bind(asks.iter().map(|ask| ask.id.to_string()).collect::<Vec<_>>())
        .bind(asks.iter().map(|ask| ask.now.as_millisecond()).collect::<Vec<_>>())
        .bind(asks.iter().map(|ask| ask.until.as_millisecond()).collect::<Vec<_>>())
        .bind(asks.iter().map(|ask| ask.worker.as_str()).collect::<Vec<_>>())
        .fetch_all(&mut *tx)
        .await?;
        let rows = rows.into_iter().map(Row::try_from).collect::<Result<Vec<_>>>()?;
        tx.commit().await?;
        let mut taken: HashMap<_, _> = rows.into_iter().map(|row| (row.upload.id, row)).collect();
        let lease = |ask: &Self| {
            let Row { upload, fence, due_at, .. } = taken.remove(&ask.id)?;
            Some(Lease { upload, fence, until: due_at.unwrap_or(ask.until) })
        };
        Ok(asks.iter().map(lease).collect())
    }
}
