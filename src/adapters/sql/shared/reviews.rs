//! The flagged queue, in SQL that both engines understand. Each adapter has this file as a module of its own, over its
//! `both.rs`. What is read and then written goes by compare-and-set, so that no engine's way of locking matters.

use super::{
    both::{Engine, This, append, begin, reader},
    briefs, queue, rule,
    sight::lines_in_sight,
};
use crate::{
    adapters::sql::{as_hash, signed, time, unsigned},
    ports::{
        Result,
        accounts::Deed,
        reviews::{
            AuditFilter, Becomes, Brief, CarriedOut, Counts, Item, Place, Reviews, Ruling, Skip, View,
        },
        store::{AuditLine, Stale, Store},
    },
    upload::UploadId,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use sqlx::QueryBuilder;

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// How often the next item is asked for, where others take it first.
const ROUNDS: u32 = 8;

#[async_trait]
impl Reviews for This {
    async fn queue(&self, view: &View, after: Option<&Place>, limit: u32) -> Result<Vec<Item>> {
        queue::queue(self, view, after, limit).await
    }

    async fn counts(&self, view: &View, now: Timestamp) -> Result<Counts> {
        queue::counts(self, view, now).await
    }

    async fn labels(&self, view: &View) -> Result<Vec<(String, u64)>> {
        queue::labels(self, view).await
    }

    async fn sealed(&self, view: &View, limit: u32) -> Result<Vec<Item>> {
        queue::sealed(self, view, limit).await
    }

    async fn item(&self, id: UploadId) -> Result<Option<Item>> {
        queue::item(self, id).await
    }

    async fn briefs(&self, ids: &[UploadId]) -> Result<Vec<Brief>> {
        briefs::briefs(self, ids).await
    }

    async fn adopt(&self, id: UploadId) -> Result<()> {
        let known: Option<i64> = sqlx::query_scalar("SELECT version FROM reviews WHERE upload = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *reader(self).await?)
            .await?;
        if known.is_some() {
            return Ok(());
        }
        let Some(verdict) = self.verdict(id).await? else { return Ok(()) };
        let mut tx = begin(self).await?;
        // It changes nothing, and is not erased before the item is there.
        let row: Option<(String, i64)> = sqlx::query_as(
            "UPDATE uploads SET version = version WHERE id = $1 AND settled_at IS NOT NULL AND state <> 'erased' \
             RETURNING tenant, settled_at",
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
            let Some(id) = queue::free(self, view, who, now).await? else { return Ok(None) };
            // Somebody may have taken it meanwhile; then it is asked again.
            if let Some(item) = self.take(id, who, now, until).await? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    async fn skipped(&self, view: &View, who: &str, now: Timestamp, limit: u32) -> Result<Vec<Item>> {
        queue::skipped(self, view, who, now, limit).await
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
        skipped: Option<Skip<'_>>,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = begin(self).await?;
        let done = sqlx::query(
            "UPDATE reviews SET holder = NULL, held_until = NULL, version = version + 1, \
             skipped_by = CASE WHEN $4 IS NULL THEN skipped_by WHEN $5 = 1 OR skipped_by IS NULL THEN $4 \
             WHEN ' ' || skipped_by || ' ' LIKE '% ' || $4 || ' %' THEN skipped_by ELSE skipped_by || ' ' || $4 END \
             WHERE upload = $1 AND holder = $2 AND fence = $3 AND status = 'open'",
        )
        .bind(id.to_string())
        .bind(who)
        .bind(signed(fence)?)
        .bind(skipped.map(|_| who))
        .bind(i64::from(skipped.is_some_and(|skip| skip.anew)))
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(Err(Stale));
        }
        if let Some(Skip { reason, deed, .. }) = skipped {
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
        since: Timestamp,
        until: Option<Timestamp>,
        deed: Deed<'_>,
    ) -> Result<bool> {
        rule::undo(self, id, number, who, since, until, deed).await
    }

    async fn rulings(&self, id: UploadId) -> Result<Vec<Ruling>> {
        rule::rulings(self, id).await
    }

    async fn undoable(&self, who: &str, now: Timestamp, since: Timestamp) -> Result<Vec<Ruling>> {
        rule::undoable(self, who, now, since).await
    }

    async fn batch(&self, who: &str, batch: &str) -> Result<Vec<Ruling>> {
        rule::batch(self, who, batch).await
    }

    async fn due_ruling(&self, now: Timestamp, until: Timestamp) -> Result<Option<Ruling>> {
        rule::due(self, rule::DUE, now, until).await
    }

    async fn due_unexamined(&self, now: Timestamp, until: Timestamp) -> Result<Option<Ruling>> {
        rule::due(self, rule::UNEXAMINED, now, until).await
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

    async fn audit_hashed(&self, filter: &AuditFilter) -> Result<Vec<(AuditLine, [u8; 32])>> {
        let mut query = QueryBuilder::<Engine>::new(
            "SELECT a.sequence, a.at, a.actor, a.action, a.subject, a.detail, a.hash FROM audit a WHERE a.sequence < ",
        );
        query.push_bind(filter.before.map_or(Ok(i64::MAX), signed)?);
        for (column, values) in [("actor", &filter.actors), ("subject", &filter.subjects)] {
            let Some(values) = values else { continue };
            query.push(" AND a.").push(column).push(" IN (");
            let mut list = query.separated(", ");
            for value in values {
                list.push_bind(value.clone());
            }
            // Of nobody, where there are none: an empty list is not SQL everywhere.
            list.push("''");
            query.push(")");
        }
        if let Some(action) = &filter.action {
            query.push(" AND a.action = ").push_bind(action.clone());
        }
        if let Some((tenants, queues)) = &filter.sight {
            lines_in_sight(&mut query, tenants, queues);
        }
        query.push(" ORDER BY a.sequence DESC LIMIT ").push_bind(i64::from(filter.limit));
        let rows: Vec<(i64, i64, String, String, String, String, Vec<u8>)> =
            query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter()
            .map(|(sequence, at, actor, action, subject, detail, hash)| {
                let (sequence, at) = (unsigned(sequence)?, time(at)?);
                Ok((AuditLine { sequence, at, actor, action, subject, detail }, as_hash(&hash)?))
            })
            .collect()
    }
}
