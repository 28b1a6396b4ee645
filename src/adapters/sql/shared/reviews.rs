//! The flagged queue, in SQL that both engines understand. Each adapter has this file as a module of its own, over its
//! `both.rs`. What is read and then written goes by compare-and-set, so that no engine's way of locking matters.

use super::{
    both::{Engine, This, append, begin, reader},
    rule,
    sight::{lines_in_sight, of_queues, of_tenants},
};
use crate::{
    adapters::sql::{parse, signed, small, time, unsigned},
    ports::{
        PortError, Result,
        accounts::Deed,
        reviews::{AuditFilter, Becomes, CarriedOut, Counts, Item, Reviews, Ruling, View, Voiced},
        store::{AuditLine, Stale, Store},
    },
    upload::UploadId,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use sqlx::QueryBuilder;

#[derive(sqlx::FromRow)]
struct ItemRow {
    upload: String,
    tenant: String,
    filename: Option<String>,
    status: String,
    severity: i64,
    reasons: String,
    media_type: String,
    queued_at: i64,
    escalated: i64,
    sealed: i64,
    version: i64,
    fence: i64,
    holder: Option<String>,
    held_until: Option<i64>,
    not_by: Option<String>,
    reports: i64,
    appealed: i64,
    appeals: i64,
}

impl TryFrom<ItemRow> for Item {
    type Error = PortError;

    fn try_from(row: ItemRow) -> Result<Self> {
        Ok(Self {
            upload: parse(&row.upload)?,
            tenant: parse(&row.tenant)?,
            filename: row.filename,
            status: parse(&row.status)?,
            severity: small(row.severity)?,
            reasons: words(&row.reasons),
            media_type: row.media_type,
            queued_at: time(row.queued_at)?,
            escalated: row.escalated != 0,
            sealed: row.sealed != 0,
            version: unsigned(row.version)?,
            fence: unsigned(row.fence)?,
            holder: row.holder,
            held_until: row.held_until.map(time).transpose()?,
            not_by: words(row.not_by.as_deref().unwrap_or_default()),
            reports: unsigned(row.reports)?,
            appealed: row.appealed > 0,
            appeals: unsigned(row.appeals)?,
        })
    }
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

const ITEMS: &str = "SELECT r.upload, r.tenant, u.filename, r.status, r.severity, r.reasons, r.media_type, r.queued_at, \
    r.escalated, r.sealed, r.version, r.fence, r.holder, r.held_until, r.not_by, \
    (SELECT count(*) FROM reports p WHERE p.upload = r.upload AND p.outcome IS NULL) AS reports, \
    (SELECT count(*) FROM appeals a WHERE a.upload = r.upload AND a.outcome IS NULL) AS appealed, \
    (SELECT count(*) FROM appeals a WHERE a.upload = r.upload) AS appeals \
    FROM reviews r JOIN uploads u ON u.id = r.upload";

/// What of the open queue the view shows.
fn seen(query: &mut QueryBuilder<Engine>, view: &View) {
    query.push(" r.status = 'open' AND r.sealed = 0");
    if !view.escalated {
        query.push(" AND r.escalated = 0");
    }
    of_tenants(query, "r.tenant", &view.tenants);
    of_queues(query, "r.reason", &view.queues);
    if let Some(tenant) = &view.tenant {
        query.push(" AND r.tenant = ").push_bind(tenant.as_str().to_owned());
    }
    if let Some(reason) = &view.reason {
        query.push(" AND r.reason = ").push_bind(reason.clone());
    }
    if let Some(media_type) = &view.media_type {
        // Every type that begins so: '~' sorts above all that a type is made of.
        query.push(" AND r.media_type >= ").push_bind(media_type.clone());
        query.push(" AND r.media_type <= ").push_bind(format!("{media_type}~"));
    }
    if let Some(voiced) = view.voiced {
        query.push(match voiced {
            Voiced::Reported => " AND r.upload IN (SELECT upload FROM reports WHERE outcome IS NULL)",
            Voiced::Appealed => " AND r.upload IN (SELECT upload FROM appeals WHERE outcome IS NULL)",
        });
    }
    if let Some(before) = view.before {
        query.push(" AND r.queued_at < ").push_bind(before.as_millisecond());
    }
}

const HARDEST_FIRST: &str = " ORDER BY r.severity DESC, r.queued_at, r.upload LIMIT ";
/// How often the next item is asked for, where others take it first.
const ROUNDS: u32 = 8;
/// Reasons that are counted by themselves.
const COUNTED: usize = 12;

#[async_trait]
impl Reviews for This {
    async fn queue(&self, view: &View, limit: u32) -> Result<Vec<Item>> {
        let mut query = QueryBuilder::<Engine>::new(ITEMS);
        query.push(" WHERE");
        seen(&mut query, view);
        query.push(HARDEST_FIRST).push_bind(i64::from(limit));
        let rows: Vec<ItemRow> = query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter().map(Item::try_from).collect()
    }

    async fn counts(&self, view: &View, now: Timestamp) -> Result<Counts> {
        // One look at all that is open serves every figure.
        let mut query =
            QueryBuilder::<Engine>::new("SELECT r.reason, count(*), count(CASE WHEN r.held_until > ");
        query.push_bind(now.as_millisecond());
        query.push(" THEN 1 END), min(r.queued_at) FROM reviews r WHERE");
        seen(&mut query, view);
        query.push(" GROUP BY r.reason ORDER BY count(*) DESC, r.reason");
        let rows: Vec<(String, i64, i64, i64)> =
            query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        Ok(Counts {
            open: unsigned(rows.iter().map(|row| row.1).sum())?,
            held: unsigned(rows.iter().map(|row| row.2).sum())?,
            oldest: rows.iter().map(|row| row.3).min().map(time).transpose()?,
            reasons: rows
                .into_iter()
                .take(COUNTED)
                .map(|(reason, n, ..)| Ok((reason, unsigned(n)?)))
                .collect::<Result<_>>()?,
        })
    }

    async fn item(&self, id: UploadId) -> Result<Option<Item>> {
        let mut query = QueryBuilder::<Engine>::new(ITEMS);
        query.push(" WHERE r.upload = ").push_bind(id.to_string());
        let row: Option<ItemRow> = query.build_query_as().fetch_optional(&mut *reader(self).await?).await?;
        row.map(Item::try_from).transpose()
    }

    async fn adopt(&self, id: UploadId) -> Result<()> {
        let Some(verdict) = self.verdict(id).await? else { return Ok(()) };
        let mut tx = begin(self).await?;
        let row: Option<(String, i64)> = sqlx::query_as(
            "SELECT tenant, settled_at FROM uploads WHERE id = $1 AND settled_at IS NOT NULL AND state <> 'erased'",
        )
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        if let Some((tenant, at)) = row {
            super::enqueue::enqueue(&mut tx, &id.to_string(), &tenant, &verdict.detail, time(at)?).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn next(&self, view: &View, who: &str, now: Timestamp, until: Timestamp) -> Result<Option<Item>> {
        for _ in 0..ROUNDS {
            let mut query = QueryBuilder::<Engine>::new("SELECT r.upload FROM reviews r WHERE");
            seen(&mut query, view);
            query.push(" AND (r.held_until IS NULL OR r.held_until <= ").push_bind(now.as_millisecond());
            query.push(" OR r.holder = ").push_bind(who.to_owned());
            query.push(") AND (r.skipped_by IS NULL OR r.skipped_by <> ").push_bind(who.to_owned());
            query.push(") AND (r.not_by IS NULL OR ' ' || r.not_by || ' ' NOT LIKE ");
            query.push_bind(format!("% {who} %")).push(")").push(HARDEST_FIRST).push_bind(1i64);
            let id: Option<String> =
                query.build_query_scalar().fetch_optional(&mut *reader(self).await?).await?;
            let Some(id) = id else { return Ok(None) };
            // Somebody may have taken it meanwhile; then it is asked again.
            if let Some(item) = self.take(parse(&id)?, who, now, until).await? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    async fn take(&self, id: UploadId, who: &str, now: Timestamp, until: Timestamp) -> Result<Option<Item>> {
        let mut tx = begin(self).await?;
        let taken = sqlx::query(
            "UPDATE reviews SET holder = $2, held_until = $4, version = version + 1, \
             fence = CASE WHEN holder = $2 THEN fence ELSE fence + 1 END \
             WHERE upload = $1 AND status = 'open' AND (held_until IS NULL OR held_until <= $3 OR holder = $2)",
        )
        .bind(id.to_string())
        .bind(who)
        .bind(now.as_millisecond())
        .bind(until.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        if taken.rows_affected() == 0 { Ok(None) } else { self.item(id).await }
    }

    async fn keep(
        &self,
        id: UploadId,
        who: &str,
        fence: u64,
        until: Timestamp,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = begin(self).await?;
        let done = sqlx::query(
            "UPDATE reviews SET held_until = $4 WHERE upload = $1 AND holder = $2 AND fence = $3 AND status = 'open'",
        )
        .bind(id.to_string())
        .bind(who)
        .bind(signed(fence)?)
        .bind(until.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(if done.rows_affected() == 1 { Ok(()) } else { Err(Stale) })
    }

    async fn put_back(
        &self,
        id: UploadId,
        who: &str,
        fence: u64,
        skipped: Option<(&str, Deed<'_>)>,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = begin(self).await?;
        let done = sqlx::query(
            "UPDATE reviews SET holder = NULL, held_until = NULL, version = version + 1, \
             skipped_by = coalesce($4, skipped_by) \
             WHERE upload = $1 AND holder = $2 AND fence = $3 AND status = 'open'",
        )
        .bind(id.to_string())
        .bind(who)
        .bind(signed(fence)?)
        .bind(skipped.map(|_| who))
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(Err(Stale));
        }
        if let Some((reason, deed)) = skipped {
            append(&mut tx, deed, &id.to_string(), json!({ "reason": reason })).await?;
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn rule(
        &self,
        item: &Item,
        ruling: &Ruling,
        becomes: &Becomes,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>> {
        rule::rule(self, item, ruling, becomes, deed).await
    }

    async fn undo(
        &self,
        id: UploadId,
        number: u32,
        who: &str,
        until: Option<Timestamp>,
        deed: Deed<'_>,
    ) -> Result<bool> {
        rule::undo(self, id, number, who, until, deed).await
    }

    async fn rulings(&self, id: UploadId) -> Result<Vec<Ruling>> {
        rule::rulings(self, id).await
    }

    async fn undoable(&self, who: &str, now: Timestamp) -> Result<Vec<Ruling>> {
        rule::undoable(self, who, now).await
    }

    async fn batch(&self, who: &str, batch: &str) -> Result<Vec<Ruling>> {
        rule::batch(self, who, batch).await
    }

    async fn due_ruling(&self, now: Timestamp, until: Timestamp) -> Result<Option<Ruling>> {
        rule::due(self, now, until).await
    }

    async fn put_off(&self, ruling: &Ruling, until: Timestamp) -> Result<()> {
        rule::put_off(self, ruling, until).await
    }

    async fn carried_out(
        &self,
        ruling: &Ruling,
        done: &CarriedOut,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<Vec<String>, Stale>> {
        super::carry_out::carry_out(self, ruling, done, deed).await
    }

    async fn record(&self, deed: Deed<'_>, subject: &str, detail: serde_json::Value) -> Result<()> {
        let mut tx = begin(self).await?;
        append(&mut tx, deed, subject, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn audit_find(&self, filter: &AuditFilter) -> Result<Vec<AuditLine>> {
        let mut query = QueryBuilder::<Engine>::new(
            "SELECT a.sequence, a.at, a.actor, a.action, a.subject, a.detail FROM audit a WHERE a.sequence < ",
        );
        query.push_bind(filter.before.map_or(Ok(i64::MAX), signed)?);
        let wanted = [("actor", &filter.actor), ("subject", &filter.subject), ("action", &filter.action)];
        for (column, value) in wanted {
            if let Some(value) = value {
                query.push(" AND a.").push(column).push(" = ").push_bind(value.clone());
            }
        }
        if let Some((tenants, queues)) = &filter.sight {
            lines_in_sight(&mut query, tenants, queues);
        }
        query.push(" ORDER BY a.sequence DESC LIMIT ").push_bind(i64::from(filter.limit));
        let rows: Vec<(i64, i64, String, String, String, String)> =
            query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter()
            .map(|(sequence, at, actor, action, subject, detail)| {
                let (sequence, at) = (unsigned(sequence)?, time(at)?);
                Ok(AuditLine { sequence, at, actor, action, subject, detail })
            })
            .collect()
    }
}
