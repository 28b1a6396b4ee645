//! Other's people, in SQL that both engines understand.

use super::both::{This, append, begin, reader};
use crate::ports::{Federation, Result, accounts::Deed};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;

#[async_trait]
impl Federation for This {
    async fn known_as(&self, issuer: &str, subject: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT person FROM identities WHERE issuer = $1 AND subject = $2")
            .bind(issuer)
            .bind(subject)
            .fetch_optional(&mut *reader(self).await?)
            .await?)
    }

    async fn bind(&self, issuer: &str, subject: &str, person: &str, deed: Deed<'_>) -> Result<bool> {
        let mut tx = begin(self).await?;
        let bound = sqlx::query(
            "INSERT INTO identities (issuer, subject, person, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(issuer)
        .bind(subject)
        .bind(person)
        .bind(deed.at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        if bound.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        append(&mut tx, deed, person, json!({ "issuer": issuer })).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn end_once(&self, hash: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let mut tx = begin(self).await?;
        sqlx::query("DELETE FROM ended_sign_ins WHERE until <= $1")
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
        let first =
            sqlx::query("INSERT INTO ended_sign_ins (hash, until) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(hash)
                .bind(until.as_millisecond())
                .execute(&mut *tx)
                .await?;
        tx.commit().await?;
        Ok(first.rows_affected() == 1)
    }
}
