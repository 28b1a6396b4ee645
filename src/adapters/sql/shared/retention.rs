//! What is erased in time, in SQL that both engines understand.

use super::{
    both::{This, append, begin, reader},
    sight::of_erased,
};
use crate::{
    adapters::sql::{CLOSE, END_EPISODES, EpisodeRow, parse},
    ports::{Result, Retention, accounts::Deed, streams::Episode, wall::EpisodeId},
    upload::StreamId,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;

/// On the audit lines of what no person did.
const ACTOR: &str = "retention";

const FORGOTTEN: &str = "SELECT id, tenant FROM streams WHERE closed_at IS NULL AND key_expires_at < $1 \
    AND opened_at < $1 AND (watched_until IS NULL OR watched_until < $1) ORDER BY id LIMIT $2";
const RULED: &str = "SELECT stream, number, tenant, state, began_at, ended_at, worst, because, scores, evidence, ruling, \
    fence, holder, held_until FROM episodes WHERE state = 'ruled' AND coalesce(ruled_at, ended_at) < $1 \
    ORDER BY coalesce(ruled_at, ended_at), stream, number LIMIT $2";
/// What nobody said nobody takes back.
const CONDEMN: &str = "UPDATE episodes SET ruled_by = NULL, ruled_at = NULL, evidence = '[]' WHERE stream = $1 \
    AND number = $2 AND state = 'ruled' AND coalesce(ruled_at, ended_at) < $3";
const ERASE_EPISODE: &str = "DELETE FROM episodes WHERE stream = $1 AND number = $2 AND state = 'ruled' \
    AND coalesce(ruled_at, ended_at) < $3 RETURNING tenant";
const ENDED: &str = "SELECT id FROM streams s WHERE closed_at < $1 \
    AND NOT EXISTS (SELECT 1 FROM episodes e WHERE e.stream = s.id) ORDER BY closed_at, id LIMIT $2";
const ERASE_STREAM: &str = "DELETE FROM streams WHERE id = $1 AND closed_at < $2 \
    AND NOT EXISTS (SELECT 1 FROM episodes e WHERE e.stream = streams.id) RETURNING tenant";

#[async_trait]
impl Retention for This {
    async fn close_forgotten_streams(&self, before: Timestamp, at: Timestamp, limit: u32) -> Result<u32> {
        let mut tx = begin(self).await?;
        let mut closed = Vec::new();
        let query = sqlx::query_as(FORGOTTEN).bind(before.as_millisecond()).bind(i64::from(limit));
        let forgotten: Vec<(String, String)> = query.fetch_all(&mut *tx).await?;
        for (id, tenant) in forgotten {
            let done = sqlx::query(CLOSE).bind(&id).bind(&tenant).bind(at.as_millisecond());
            if done.execute(&mut *tx).await?.rows_affected() == 0 {
                continue;
            }
            sqlx::query(END_EPISODES).bind(&id).bind(at.as_millisecond()).execute(&mut *tx).await?;
            closed.push((id, tenant));
        }
        // The log's turn is taken last: whoever rules on one of them has its row, and waits for the turn.
        for (id, tenant) in &closed {
            let deed = Deed { actor: ACTOR, action: "stream.closed", at };
            append(&mut tx, deed, id, json!({ "tenant": tenant, "because": "forgotten" })).await?;
        }
        tx.commit().await?;
        Ok(u32::try_from(closed.len()).unwrap_or(u32::MAX))
    }

    async fn ruled_episodes(&self, before: Timestamp, limit: u32) -> Result<Vec<Episode>> {
        let query = sqlx::query_as(RULED).bind(before.as_millisecond()).bind(i64::from(limit));
        let rows: Vec<EpisodeRow> = query.fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    async fn condemn_episode(&self, (stream, number): EpisodeId, before: Timestamp) -> Result<bool> {
        let mut tx = begin(self).await?;
        let query = sqlx::query(CONDEMN).bind(stream.to_string()).bind(i64::from(number));
        let condemned = query.bind(before.as_millisecond()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(condemned.rows_affected() == 1)
    }

    async fn erase_episode(
        &self,
        (stream, number): EpisodeId,
        before: Timestamp,
        at: Timestamp,
    ) -> Result<bool> {
        let mut tx = begin(self).await?;
        let query = sqlx::query_scalar(ERASE_EPISODE).bind(stream.to_string()).bind(i64::from(number));
        let erased: Option<String> = query.bind(before.as_millisecond()).fetch_optional(&mut *tx).await?;
        let Some(tenant) = erased else {
            tx.rollback().await?;
            return Ok(false);
        };
        let deed = Deed { actor: ACTOR, action: "episode.erased", at };
        append(&mut tx, deed, &stream.to_string(), json!({ "tenant": tenant, "episode": number })).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn ended_streams(&self, before: Timestamp, limit: u32) -> Result<Vec<StreamId>> {
        let query = sqlx::query_scalar(ENDED).bind(before.as_millisecond()).bind(i64::from(limit));
        let ids: Vec<String> = query.fetch_all(&mut *reader(self).await?).await?;
        ids.iter().map(|id| parse(id)).collect()
    }

    async fn erase_stream(&self, id: StreamId, before: Timestamp, at: Timestamp) -> Result<bool> {
        let id = id.to_string();
        let mut tx = begin(self).await?;
        sqlx::query("DELETE FROM stream_rulings WHERE stream = $1").bind(&id).execute(&mut *tx).await?;
        let query = sqlx::query_scalar(ERASE_STREAM).bind(&id).bind(before.as_millisecond());
        let Some(tenant): Option<String> = query.fetch_optional(&mut *tx).await? else {
            tx.rollback().await?;
            return Ok(false);
        };
        let deed = Deed { actor: ACTOR, action: "stream.erased", at };
        append(&mut tx, deed, &id, of_erased(&tenant)).await?;
        tx.commit().await?;
        Ok(true)
    }
}
