//! Leases: who may scan what, and until when. Each change is one statement whose WHERE is the transition's condition.

use super::{
    Postgres, outbox,
    row::{asked, clean, parse, received, signed, time, unsigned},
};
use crate::{
    ports::{
        Result,
        store::{Lease, Stale, Upload},
    },
    upload::{TenantId, UploadId},
};
use jiff::Timestamp;

pub(super) async fn due(store: &Postgres, now: Timestamp, limit: u32) -> Result<Vec<UploadId>> {
    let mut tx = store.db.machine().await?;
    // From one tenant to the next along the index, without reading all that one has.
    let tenants: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE t (tenant) AS (SELECT min(tenant) FROM uploads WHERE state IN ('received', 'scanning') \
         UNION ALL SELECT (SELECT min(tenant) FROM uploads WHERE state IN ('received', 'scanning') AND tenant > t.tenant) \
         FROM t WHERE t.tenant IS NOT NULL) SELECT tenant FROM t WHERE tenant IS NOT NULL",
    )
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT d.id FROM unnest($1::text[]) WITH ORDINALITY AS t (tenant, line) CROSS JOIN LATERAL \
         (SELECT id, row_number() OVER (ORDER BY due_at, id) AS turn FROM uploads \
          WHERE state IN ('received', 'scanning') AND tenant = t.tenant AND due_at <= $2 ORDER BY due_at, id LIMIT $3) d \
         ORDER BY d.turn, t.line LIMIT $3",
    )
    .bind(asked(tenants, now))
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await?;
    ids.iter().map(|id| parse(id)).collect()
}

pub(super) async fn due_again(store: &Postgres, id: UploadId) -> Result<Option<Timestamp>> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT due_at FROM uploads WHERE id = $1 AND state IN ('received', 'scanning')")
            .bind(id.to_string())
            .fetch_optional(&mut *store.db.machine().await?)
            .await?;
    row.map(|(due_at,)| time(due_at)).transpose()
}

/// A lease that ran out but that nobody else took since is still good.
pub(super) async fn extend(
    store: &Postgres,
    lease: &Lease,
    until: Timestamp,
) -> Result<std::result::Result<(), Stale>> {
    let mut tx = store.db.machine().await?;
    let done = sqlx::query(
        "UPDATE uploads SET version = version + 1, due_at = $3 WHERE id = $1 AND fence = $2 AND state = 'scanning'",
    )
    .bind(lease.upload.id.to_string())
    .bind(signed(lease.fence)?)
    .bind(until.as_millisecond())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(held(done.rows_affected()))
}

/// The version stays: nobody decides by what is noted.
pub(super) async fn note(
    store: &Postgres,
    lease: &Lease,
    busy_with: &str,
) -> Result<std::result::Result<(), Stale>> {
    let mut tx = store.db.machine().await?;
    let done = sqlx::query(
        "UPDATE uploads SET waiting_for = $3 WHERE id = $1 AND fence = $2 AND state = 'scanning'",
    )
    .bind(lease.upload.id.to_string())
    .bind(signed(lease.fence)?)
    .bind(clean(busy_with))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(held(done.rows_affected()))
}

pub(super) async fn release(
    store: &Postgres,
    lease: &Lease,
    due_at: Timestamp,
    waiting_for: Option<&str>,
    anew: bool,
) -> Result<std::result::Result<(), Stale>> {
    let mut tx = store.db.machine().await?;
    let done = sqlx::query(
        "UPDATE uploads SET state = 'received', version = version + 1, due_at = $3, worker = NULL, \
         waiting_for = $4, attempts = attempts - CASE WHEN $4::text IS NULL THEN 0 ELSE 1 END \
         WHERE id = $1 AND fence = $2 AND state = 'scanning'",
    )
    .bind(lease.upload.id.to_string())
    .bind(signed(lease.fence)?)
    .bind(due_at.as_millisecond())
    .bind(waiting_for.map(clean))
    .execute(&mut *tx)
    .await?;
    let held = held(done.rows_affected());
    if anew && held.is_ok() {
        let Upload { id, tenant, size, sha256, .. } = &lease.upload;
        let body = received(*id, tenant, *size, sha256);
        let news = outbox::News { upload: *id, tenant, kind: "upload.received", body, at: due_at };
        outbox::append(&mut tx, &[news]).await?;
    }
    tx.commit().await?;
    Ok(held)
}

fn held(rows: u64) -> std::result::Result<(), Stale> {
    if rows == 1 { Ok(()) } else { Err(Stale) }
}

pub(super) async fn free_leases(store: &Postgres, now: Timestamp) -> Result<u64> {
    let mut tx = store.db.machine().await?;
    let done = sqlx::query(
        "UPDATE uploads SET state = 'received', version = version + 1, due_at = $1, worker = NULL \
         WHERE state = 'scanning'",
    )
    .bind(now.as_millisecond())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

/// Leases that ran out, and uploads that nobody claims, for queues whose message is gone.
pub(super) async fn reap(
    store: &Postgres,
    before: Timestamp,
    unheard: Timestamp,
    now: Timestamp,
    limit: u32,
) -> Result<u64> {
    let mut tx = store.db.machine().await?;
    let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
        "UPDATE uploads SET state = 'received', version = version + 1, due_at = $2, worker = NULL WHERE id IN \
         (SELECT id FROM uploads WHERE state IN ('received', 'scanning') AND due_at <= $1 \
          AND (state = 'scanning' OR due_at <= $4) ORDER BY due_at LIMIT $3 \
          FOR UPDATE SKIP LOCKED) RETURNING id, tenant, size, sha256",
    )
    .bind(before.as_millisecond())
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
    .bind(unheard.as_millisecond())
    .fetch_all(&mut *tx)
    .await?;
    let known = rows
        .iter()
        .map(|(id, tenant, size, sha256)| Ok((parse(id)?, parse(tenant)?, unsigned(*size)?, sha256)))
        .collect::<Result<Vec<(UploadId, TenantId, u64, &String)>>>()?;
    let news: Vec<_> = known
        .iter()
        .map(|(id, tenant, size, sha256)| outbox::News {
            upload: *id,
            tenant,
            kind: "upload.received",
            body: received(id, tenant, *size, sha256),
            at: now,
        })
        .collect();
    outbox::append(&mut tx, &news).await?;
    tx.commit().await?;
    Ok(rows.len() as u64)
}

pub(super) async fn backlog(store: &Postgres) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM uploads WHERE state IN ('awaiting', 'received', 'scanning')",
    )
    .fetch_one(&mut *store.db.machine().await?)
    .await?;
    unsigned(count)
}

pub(super) async fn backlogs(store: &Postgres) -> Result<Vec<(TenantId, u64)>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT u.tenant, u.uploads - coalesce(o.pending, 0) FROM \
         (SELECT tenant, count(*) AS uploads FROM uploads WHERE state IN ('received', 'scanning') GROUP BY tenant) u \
         LEFT JOIN (SELECT tenant, count(DISTINCT upload) AS pending FROM outbox \
          WHERE handed_at IS NULL AND kind = 'upload.received' GROUP BY tenant) o ON o.tenant = u.tenant \
         WHERE u.uploads > coalesce(o.pending, 0) ORDER BY u.tenant",
    )
    .fetch_all(&mut *store.db.machine().await?)
    .await?;
    rows.into_iter().map(|(tenant, count)| Ok((parse(&tenant)?, unsigned(count)?))).collect()
}

pub(super) async fn oldest(store: &Postgres) -> Result<Option<Timestamp>> {
    let oldest: Option<i64> =
        sqlx::query_scalar("SELECT min(accepted_at) FROM uploads WHERE state IN ('received', 'scanning')")
            .fetch_one(&mut *store.db.machine().await?)
            .await?;
    oldest.map(time).transpose()
}
