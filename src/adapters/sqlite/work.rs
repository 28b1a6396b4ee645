//! Leases: who may scan what, and until when. Each change is one statement whose WHERE is the transition's condition.

use super::{
    Sqlite, outbox,
    row::{LeaseRow, asked, in_turns, parse, received, signed, time, unsigned},
};
use crate::{
    ports::{
        Kind, PortError, Result,
        store::{Lease, Stale, Upload},
    },
    upload::{TenantId, UploadId},
};
use jiff::Timestamp;
use std::time::Duration;

pub(super) async fn due(store: &Sqlite, now: Timestamp, limit: u32) -> Result<Vec<UploadId>> {
    let mut reader = store.readers.lend().await?;
    // From one tenant to the next along the index, without reading all that one has.
    let tenants: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE t (tenant) AS (SELECT min(tenant) FROM uploads WHERE state IN ('received', 'scanning') \
         UNION ALL SELECT (SELECT min(tenant) FROM uploads WHERE state IN ('received', 'scanning') AND tenant > t.tenant) \
         FROM t WHERE t.tenant IS NOT NULL) SELECT tenant FROM t WHERE tenant IS NOT NULL",
    )
    .fetch_all(&mut *reader)
    .await?;
    let mut lines = Vec::new();
    for tenant in asked(tenants, now) {
        let ids: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM uploads WHERE state IN ('received', 'scanning') AND tenant = $1 AND due_at <= $2 \
             ORDER BY due_at, id LIMIT $3",
        )
        .bind(tenant)
        .bind(now.as_millisecond())
        .bind(limit)
        .fetch_all(&mut *reader)
        .await?;
        lines.push(ids.into_iter().map(|(id,)| id));
    }
    in_turns(lines, limit as usize).iter().map(|id| parse(id)).collect()
}

pub(super) async fn due_again(store: &Sqlite, id: UploadId) -> Result<Option<Timestamp>> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT due_at FROM uploads WHERE id = $1 AND state IN ('received', 'scanning')")
            .bind(id.to_string())
            .fetch_optional(&mut *store.readers.lend().await?)
            .await?;
    row.map(|(due_at,)| time(due_at)).transpose()
}

pub(super) async fn claim(
    store: &Sqlite,
    id: UploadId,
    worker: &str,
    now: Timestamp,
    term: Duration,
) -> Result<Option<Lease>> {
    let until = now
        .checked_add(term)
        .map_err(|e| PortError::new(Kind::Fail, "the term of the lease is too long").because(e))?;
    // Not fetch_optional: it leaves the statement at its first row, and sqlx then drops what the commit answers.
    let rows: Vec<LeaseRow> = sqlx::query_as(
        "UPDATE uploads SET state = 'scanning', version = version + 1, fence = fence + 1, attempts = attempts + 1, \
         due_at = $3, worker = $4, waiting_for = NULL \
         WHERE id = $1 AND state IN ('received', 'scanning') AND due_at <= $2 RETURNING *, \
         (SELECT max(p.version) FROM policies p WHERE p.tenant = uploads.tenant) AS policy",
    )
    .bind(id.to_string())
    .bind(now.as_millisecond())
    .bind(until.as_millisecond())
    .bind(worker)
    .fetch_all(&store.writer)
    .await?;
    rows.into_iter().next().map(Lease::try_from).transpose()
}

/// A lease that ran out but that nobody else took since is still good.
pub(super) async fn extend(
    store: &Sqlite,
    lease: &Lease,
    until: Timestamp,
) -> Result<std::result::Result<(), Stale>> {
    let done = sqlx::query(
        "UPDATE uploads SET version = version + 1, due_at = $3 WHERE id = $1 AND fence = $2 AND state = 'scanning'",
    )
    .bind(lease.upload.id.to_string())
    .bind(signed(lease.fence)?)
    .bind(until.as_millisecond())
    .execute(&store.writer)
    .await?;
    Ok(held(done.rows_affected()))
}

/// The version stays: nobody decides by what is noted.
pub(super) async fn note(
    store: &Sqlite,
    lease: &Lease,
    busy_with: &str,
) -> Result<std::result::Result<(), Stale>> {
    let done = sqlx::query(
        "UPDATE uploads SET waiting_for = $3 WHERE id = $1 AND fence = $2 AND state = 'scanning'",
    )
    .bind(lease.upload.id.to_string())
    .bind(signed(lease.fence)?)
    .bind(busy_with)
    .execute(&store.writer)
    .await?;
    Ok(held(done.rows_affected()))
}

pub(super) async fn release(
    store: &Sqlite,
    lease: &Lease,
    due_at: Timestamp,
    waiting_for: Option<&str>,
    anew: bool,
) -> Result<std::result::Result<(), Stale>> {
    let mut tx = store.begin().await?;
    let done = sqlx::query(
        "UPDATE uploads SET state = 'received', version = version + 1, due_at = $3, worker = NULL, \
         waiting_for = $4, attempts = attempts - ($4 IS NOT NULL) \
         WHERE id = $1 AND fence = $2 AND state = 'scanning'",
    )
    .bind(lease.upload.id.to_string())
    .bind(signed(lease.fence)?)
    .bind(due_at.as_millisecond())
    .bind(waiting_for)
    .execute(&mut *tx)
    .await?;
    let held = held(done.rows_affected());
    if anew && held.is_ok() {
        let Upload { id, tenant, size, sha256, .. } = &lease.upload;
        let told = received(*id, tenant, *size, sha256);
        outbox::append(&mut tx, *id, tenant, "upload.received", &told, due_at).await?;
    }
    tx.commit().await?;
    Ok(held)
}

fn held(rows: u64) -> std::result::Result<(), Stale> {
    if rows == 1 { Ok(()) } else { Err(Stale) }
}

pub(super) async fn free_leases(store: &Sqlite, now: Timestamp) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE uploads SET state = 'received', version = version + 1, due_at = $1, worker = NULL \
         WHERE state = 'scanning'",
    )
    .bind(now.as_millisecond())
    .execute(&store.writer)
    .await?;
    Ok(done.rows_affected())
}

/// Leases that ran out, and uploads that nobody claims, for queues whose message is gone.
pub(super) async fn reap(
    store: &Sqlite,
    before: Timestamp,
    unheard: Timestamp,
    now: Timestamp,
    limit: u32,
) -> Result<u64> {
    let mut tx = store.begin().await?;
    let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
        "UPDATE uploads SET state = 'received', version = version + 1, due_at = $2, worker = NULL WHERE id IN \
         (SELECT id FROM uploads WHERE state IN ('received', 'scanning') AND due_at <= $1 \
          AND (state = 'scanning' OR due_at <= $4) ORDER BY due_at LIMIT $3) \
         RETURNING id, tenant, size, sha256",
    )
    .bind(before.as_millisecond())
    .bind(now.as_millisecond())
    .bind(limit)
    .bind(unheard.as_millisecond())
    .fetch_all(&mut *tx)
    .await?;
    for (id, tenant, size, sha256) in &rows {
        let told = received(id, tenant, unsigned(*size)?, sha256);
        outbox::append(&mut tx, parse(id)?, &parse(tenant)?, "upload.received", &told, now).await?;
    }
    tx.commit().await?;
    Ok(rows.len() as u64)
}

pub(super) async fn backlog(store: &Sqlite) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM uploads WHERE state IN ('awaiting', 'received', 'scanning')",
    )
    .fetch_one(&mut *store.readers.lend().await?)
    .await?;
    unsigned(count)
}

pub(super) async fn backlogs(store: &Sqlite) -> Result<Vec<(TenantId, u64)>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT u.tenant, u.uploads - coalesce(o.pending, 0) FROM \
         (SELECT tenant, count(*) AS uploads FROM uploads WHERE state IN ('received', 'scanning') GROUP BY tenant) u \
         LEFT JOIN (SELECT tenant, count(DISTINCT upload) AS pending FROM outbox \
          WHERE handed_at IS NULL AND kind = 'upload.received' GROUP BY tenant) o ON o.tenant = u.tenant \
         WHERE u.uploads > coalesce(o.pending, 0) ORDER BY u.tenant",
    )
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter().map(|(tenant, count)| Ok((parse(&tenant)?, unsigned(count)?))).collect()
}

pub(super) async fn oldest(store: &Sqlite) -> Result<Option<Timestamp>> {
    let oldest: Option<i64> =
        sqlx::query_scalar("SELECT min(accepted_at) FROM uploads WHERE state IN ('received', 'scanning')")
            .fetch_one(&mut *store.readers.lend().await?)
            .await?;
    oldest.map(time).transpose()
}
