//! Drafts, in SQL that both engines understand.

use super::both::{This, begin, reader};
use crate::{
    adapters::sql::{damaged, time},
    ports::{Drafts, Result, drafts::Draft},
};
use async_trait::async_trait;
use jiff::Timestamp;

#[derive(sqlx::FromRow)]
struct DraftRow {
    id: String,
    person: String,
    path: String,
    fields: String,
    at: i64,
    until: i64,
}

impl TryFrom<DraftRow> for Draft {
    type Error = crate::ports::PortError;

    fn try_from(row: DraftRow) -> Result<Self> {
        Ok(Self {
            fields: serde_json::from_str(&row.fields).map_err(damaged)?,
            at: time(row.at)?,
            until: time(row.until)?,
            id: row.id,
            person: row.person,
            path: row.path,
        })
    }
}

#[async_trait]
impl Drafts for This {
    async fn know_forms(&self, hash: &str, session: &str, person: &str, at: Timestamp) -> Result<()> {
        let mut tx = begin(self).await?;
        sqlx::query(
            "INSERT INTO form_tokens (hash, session, person, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(hash)
        .bind(session)
        .bind(person)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn forget_forms(&self, session: &str) -> Result<()> {
        let mut tx = begin(self).await?;
        sqlx::query("DELETE FROM form_tokens WHERE session = $1").bind(session).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn whose_form(&self, hash: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT person FROM form_tokens WHERE hash = $1")
            .bind(hash)
            .fetch_optional(&mut *reader(self).await?)
            .await?)
    }

    async fn keep(&self, draft: &Draft, most: u32) -> Result<()> {
        let mut tx = begin(self).await?;
        sqlx::query(
            "INSERT INTO drafts (id, person, path, fields, at, until) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&draft.id)
        .bind(&draft.person)
        .bind(&draft.path)
        .bind(serde_json::to_string(&draft.fields).map_err(damaged)?)
        .bind(draft.at.as_millisecond())
        .bind(draft.until.as_millisecond())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM drafts WHERE person = $1 AND id NOT IN (SELECT id FROM drafts WHERE person = $1 \
             ORDER BY at DESC, id LIMIT $2)",
        )
        .bind(&draft.person)
        .bind(i64::from(most))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn draft(&self, person: &str, id: &str, now: Timestamp) -> Result<Option<Draft>> {
        let row: Option<DraftRow> = sqlx::query_as(
            "SELECT id, person, path, fields, at, until FROM drafts WHERE id = $1 AND person = $2 AND until > $3",
        )
        .bind(id)
        .bind(person)
        .bind(now.as_millisecond())
        .fetch_optional(&mut *reader(self).await?)
        .await?;
        row.map(Draft::try_from).transpose()
    }

    async fn drafts(&self, person: &str, now: Timestamp) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT id FROM drafts WHERE person = $1 AND until > $2 ORDER BY at DESC, id")
            .bind(person)
            .bind(now.as_millisecond())
            .fetch_all(&mut *reader(self).await?)
            .await?)
    }

    async fn drop_draft(&self, person: &str, id: &str) -> Result<bool> {
        let mut tx = begin(self).await?;
        let dropped = sqlx::query("DELETE FROM drafts WHERE id = $1 AND person = $2")
            .bind(id)
            .bind(person)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(dropped.rows_affected() == 1)
    }
}
