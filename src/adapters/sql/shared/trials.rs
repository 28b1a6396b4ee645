//! Policies over time, in SQL that both engines understand.

use super::both::{This, append, begin, reader};
use crate::{
    adapters::sql::{damaged, parse, small, time},
    ports::{
        Result,
        accounts::Deed,
        store::Stale,
        trials::{Past, Trials, Version},
    },
    upload::TenantId,
};
use async_trait::async_trait;
use serde_json::json;
use sha2::{Digest, Sha256};

#[async_trait]
impl Trials for This {
    async fn tenants(&self, limit: u32) -> Result<Vec<TenantId>> {
        // From one to the next, so that the many uploads of one are passed over.
        let names: Vec<String> = sqlx::query_scalar(
            "WITH RECURSIVE t (name) AS (SELECT min(tenant) FROM uploads UNION ALL \
             SELECT (SELECT min(u.tenant) FROM uploads u WHERE u.tenant > t.name) FROM t WHERE t.name IS NOT NULL) \
             SELECT name FROM t WHERE name IS NOT NULL UNION SELECT tenant FROM policies ORDER BY 1 LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *reader(self).await?)
        .await?;
        names.iter().map(|name| parse(name)).collect()
    }

    async fn policy_versions(&self, tenant: &TenantId, limit: u32) -> Result<Vec<Version>> {
        let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(
            "SELECT version, at, made_by, why FROM policies WHERE tenant = $1 ORDER BY version DESC LIMIT $2",
        )
        .bind(tenant.as_str())
        .bind(i64::from(limit))
        .fetch_all(&mut *reader(self).await?)
        .await?;
        rows.into_iter()
            .map(|(number, at, by, why)| Ok(Version { number: small(number)?, at: time(at)?, by, why }))
            .collect()
    }

    async fn policy_text(&self, tenant: &TenantId, number: u32) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT text FROM policies WHERE tenant = $1 AND version = $2")
            .bind(tenant.as_str())
            .bind(i64::from(number))
            .fetch_optional(&mut *reader(self).await?)
            .await?)
    }

    async fn save_policy(
        &self,
        tenant: &TenantId,
        over: u32,
        text: &str,
        why: &str,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>> {
        let mut tx = begin(self).await?;
        // Of two at once the second finds the key taken, or the latest another.
        let saved = sqlx::query(
            "INSERT INTO policies (tenant, version, text, at, made_by, why) \
             SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT coalesce(max(version), 1) FROM policies WHERE tenant = $1) = $7 \
             ON CONFLICT (tenant, version) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(i64::from(over) + 1)
        .bind(text)
        .bind(deed.at.as_millisecond())
        .bind(deed.actor)
        .bind(why)
        .bind(i64::from(over))
        .execute(&mut *tx)
        .await?;
        if saved.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(Err(Stale));
        }
        let detail = json!({ "version": over + 1, "digest": crate::hex(&Sha256::digest(text)) });
        append(&mut tx, deed, tenant.as_str(), detail).await?;
        tx.commit().await?;
        Ok(Ok(over + 1))
    }

    async fn past(&self, tenant: &TenantId, limit: u32) -> Result<Vec<Past>> {
        let rows: Vec<(String, Option<String>, String, Option<String>, String)> = sqlx::query_as(
            // The last ones first, then their verdicts: the other way round all of the tenant's are sorted.
            "SELECT u.id, u.filename, u.state, (SELECT r.reason FROM reviews r WHERE r.upload = u.id), CAST(v.detail AS TEXT) FROM (\
               SELECT id, filename, state FROM uploads WHERE tenant = $1 \
               AND state IN ('published', 'in_review', 'quarantined') \
               AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.upload = uploads.id AND r.sealed = 1) \
               ORDER BY id DESC LIMIT $2) u \
             JOIN verdicts v ON v.upload = u.id \
             AND v.number = (SELECT max(w.number) FROM verdicts w WHERE w.upload = u.id) ORDER BY u.id DESC",
        )
        .bind(tenant.as_str())
        .bind(i64::from(limit))
        .fetch_all(&mut *reader(self).await?)
        .await?;
        rows.into_iter()
            .map(|(upload, filename, state, filed_under, detail)| {
                Ok(Past {
                    upload: parse(&upload)?,
                    filename,
                    state: parse(&state)?,
                    filed_under,
                    verdict: serde_json::from_str(&detail).map_err(damaged)?,
                })
            })
            .collect()
    }
}
