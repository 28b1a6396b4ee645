//! What users say of uploads, merged onto the items of the queue.

use super::both::{Connection, This, append, begin, reader};
use crate::{
    adapters::sql::{parse, small, time, unsigned},
    ports::{
        Result, Reviews,
        accounts::Deed,
        reports::{Appeal, Heard, NewAppeal, NewReport, Report, Reports},
    },
    upload::{
        State, TenantId, UploadId,
        report::{APPEALED, MOST_APPEALS, MOST_REPORTS, raised},
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;

#[derive(sqlx::FromRow)]
struct ItemRow {
    status: String,
    severity: i64,
    sealed: i64,
}

/// The upload's state, and its item, locked until the transaction ends. `None` where the tenant has no such upload.
async fn locked(
    tx: &mut Connection,
    tenant: &TenantId,
    id: UploadId,
) -> Result<Option<(State, Option<ItemRow>)>> {
    let item: Option<ItemRow> = sqlx::query_as(
        "UPDATE reviews SET version = version + 1 WHERE upload = $1 RETURNING status, severity, sealed",
    )
    .bind(id.to_string())
    .fetch_optional(&mut *tx)
    .await?;
    let state: Option<String> = sqlx::query_scalar("SELECT state FROM uploads WHERE id = $1 AND tenant = $2")
        .bind(id.to_string())
        .bind(tenant.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    Ok(state.map(|state| parse(&state)).transpose()?.map(|state| (state, item)))
}

/// The item is open again, from now on, to all but `not_by`.
async fn reopen(tx: &mut Connection, id: UploadId, not_by: Option<String>, at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE reviews SET status = 'open', queued_at = $2, not_by = $3, escalated = 0, skipped_by = NULL \
         WHERE upload = $1 AND status = 'closed'",
    )
    .bind(id.to_string())
    .bind(at.as_millisecond())
    .bind(not_by)
    .execute(tx)
    .await?;
    Ok(())
}

async fn raise(tx: &mut Connection, id: UploadId, severity: u32) -> Result<()> {
    sqlx::query("UPDATE reviews SET severity = $2 WHERE upload = $1")
        .bind(id.to_string())
        .bind(i64::from(severity))
        .execute(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl Reports for This {
    async fn report(&self, report: &NewReport) -> Result<Option<Heard>> {
        let id = report.upload.to_string();
        self.adopt(report.upload).await?;
        let mut tx = begin(self).await?;
        let (state, item) = match locked(&mut tx, &report.tenant, report.upload).await? {
            Some((state @ (State::Published | State::InReview | State::Quarantined), Some(item))) => {
                (state, item)
            }
            other => {
                tx.rollback().await?;
                return Ok(other.map(|(state, _)| Heard::NotNow(state)));
            }
        };
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM reports WHERE upload = $1")
            .bind(&id)
            .fetch_one(&mut *tx)
            .await?;
        let added = sqlx::query(
            "INSERT INTO reports (upload, number, category, text, reporter, at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (upload, reporter, category) DO NOTHING",
        )
        .bind(&id)
        .bind(kept + 1)
        .bind(report.category.as_str())
        .bind(&report.text)
        .bind(&report.reporter)
        .bind(report.at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(Some(Heard::Repeat));
        }
        if unsigned(kept)? >= MOST_REPORTS {
            tx.rollback().await?;
            return Ok(Some(Heard::Full));
        }
        let severity = raised(small(item.severity)?, report.category);
        raise(&mut tx, report.upload, severity).await?;
        if state == State::Published && item.status == "closed" {
            reopen(&mut tx, report.upload, None, report.at).await?;
        }
        let deed = Deed { actor: &report.actor, action: "upload.reported", at: report.at };
        let detail =
            json!({ "category": report.category.as_str(), "number": kept + 1, "severity": severity });
        append(&mut tx, deed, &id, detail).await?;
        tx.commit().await?;
        Ok(Some(Heard::New))
    }

    async fn appeal(&self, appeal: &NewAppeal) -> Result<Option<Heard>> {
        let id = appeal.upload.to_string();
        self.adopt(appeal.upload).await?;
        let mut tx = begin(self).await?;
        let found = locked(&mut tx, &appeal.tenant, appeal.upload).await?;
        let said: Vec<(String, String, Option<String>)> =
            sqlx::query_as("SELECT text, appellant, outcome FROM appeals WHERE upload = $1")
                .bind(&id)
                .fetch_all(&mut *tx)
                .await?;
        let repeated = said.iter().any(|(text, who, _)| *text == appeal.text && *who == appeal.appellant);
        let waits = said.iter().any(|(_, _, outcome)| outcome.is_none());
        let item = match found {
            Some((State::Quarantined, Some(item))) if item.sealed == 0 && !repeated => item,
            other => {
                tx.rollback().await?;
                return Ok(other.map(|(state, item)| match state {
                    _ if repeated => Heard::Repeat,
                    State::Quarantined if item.is_some_and(|item| item.sealed == 1) => Heard::Sealed,
                    state => Heard::NotNow(state),
                }));
            }
        };
        if waits || said.len() as u64 >= MOST_APPEALS {
            tx.rollback().await?;
            return Ok(Some(Heard::Full));
        }
        sqlx::query("INSERT INTO appeals (upload, number, text, appellant, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&id)
            .bind(said.len() as i64 + 1)
            .bind(&appeal.text)
            .bind(&appeal.appellant)
            .bind(appeal.at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        raise(&mut tx, appeal.upload, small(item.severity)?.max(APPEALED)).await?;
        // Somebody else looks at it than all who decided it so far.
        let decided = super::answer::decided_by(&mut tx, &id).await?;
        reopen(&mut tx, appeal.upload, decided.clone(), appeal.at).await?;
        // Also where it is open already, for a second person to agree to its reversal.
        sqlx::query("UPDATE reviews SET not_by = $2 WHERE upload = $1 AND status = 'open'")
            .bind(&id)
            .bind(decided)
            .execute(&mut *tx)
            .await?;
        let deed = Deed { actor: &appeal.actor, action: "upload.appealed", at: appeal.at };
        append(&mut tx, deed, &id, json!({ "number": said.len() + 1 })).await?;
        tx.commit().await?;
        Ok(Some(Heard::New))
    }

    async fn reports(&self, id: UploadId) -> Result<Vec<Report>> {
        let rows: Vec<(String, String, String, i64, Option<String>)> = sqlx::query_as(
            "SELECT category, text, reporter, at, outcome FROM reports WHERE upload = $1 ORDER BY number",
        )
        .bind(id.to_string())
        .fetch_all(&mut *reader(self).await?)
        .await?;
        rows.into_iter()
            .map(|(category, text, reporter, at, outcome)| {
                Ok(Report { category: parse(&category)?, text, reporter, at: time(at)?, outcome })
            })
            .collect()
    }

    async fn appeals(&self, id: UploadId) -> Result<Vec<Appeal>> {
        let rows: Vec<(String, String, i64, Option<String>)> = sqlx::query_as(
            "SELECT text, appellant, at, outcome FROM appeals WHERE upload = $1 ORDER BY number",
        )
        .bind(id.to_string())
        .fetch_all(&mut *reader(self).await?)
        .await?;
        rows.into_iter()
            .map(|(text, appellant, at, outcome)| Ok(Appeal { text, appellant, at: time(at)?, outcome }))
            .collect()
    }
}
