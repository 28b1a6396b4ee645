//! Taking a lease, many at a time.

use super::{
    batch::Shared,
    db::Kept,
    row::{LeaseRow, clean, upload_columns},
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

    async fn commit(db: &mut Kept, asks: &[Self]) -> Result<Vec<Option<Lease>>> {
        let mut tx = db.machine().await?;
        // A row that somebody else is changing is as good as taken: nobody waits for it here.
        let rows: Vec<LeaseRow> = sqlx::query_as(concat!(
            "WITH asked AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) \
             AS a (id, now, until, worker)), \
             chosen AS (SELECT a.* FROM uploads c JOIN asked a ON a.id = c.id \
             WHERE c.state IN ('received', 'scanning') AND c.due_at <= a.now FOR UPDATE OF c SKIP LOCKED) \
             UPDATE uploads u SET state = 'scanning', version = u.version + 1, fence = u.fence + 1, \
             attempts = u.attempts + 1, due_at = c.until, worker = c.worker, waiting_for = NULL \
             FROM chosen c WHERE u.id = c.id AND u.state IN ('received', 'scanning') AND u.due_at <= c.now RETURNING ",
            upload_columns!(),
            ", (SELECT max(p.version) FROM policies p WHERE p.tenant = u.tenant) AS policy"
        ))
        .bind(asks.iter().map(|ask| ask.id.to_string()).collect::<Vec<_>>())
        .bind(asks.iter().map(|ask| ask.now.as_millisecond()).collect::<Vec<_>>())
        .bind(asks.iter().map(|ask| ask.until.as_millisecond()).collect::<Vec<_>>())
        .bind(asks.iter().map(|ask| ask.worker.as_str()).collect::<Vec<_>>())
        .fetch_all(&mut *tx)
        .await?;
        let leases = rows.into_iter().map(Lease::try_from).collect::<Result<Vec<_>>>()?;
        tx.commit().await?;
        let mut taken: HashMap<_, _> = leases.into_iter().map(|lease| (lease.upload.id, lease)).collect();
        Ok(asks.iter().map(|ask| taken.remove(&ask.id)).collect())
    }
}
