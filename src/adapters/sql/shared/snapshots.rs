//! The newest frames that are asked for, in SQL that both engines understand.

use super::both::{Engine, This, begin, reader};
use crate::{
    adapters::sql::{damaged, parse, signed, time},
    ports::{
        PortError, Result,
        snapshots::{Asked, Snapshot, Snapshots},
        store::Stale,
    },
    upload::StreamId,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::QueryBuilder;

const ASK: &str = "INSERT INTO snapshots (stream, wanted_until) SELECT id, $2 FROM streams WHERE id = $1 \
    AND closed_at IS NULL ON CONFLICT (stream) DO UPDATE SET wanted_until = excluded.wanted_until \
    WHERE snapshots.wanted_until < excluded.wanted_until";
const PUT: &str = "UPDATE snapshots SET key = $2, media_type = $3, scores = $4, at = $5 WHERE stream = $1 \
    AND wanted_until > $5 AND EXISTS (SELECT 1 FROM streams s WHERE s.id = $1 AND s.fence = $6 AND s.holder IS NOT NULL)";
const UNWANTED: &str =
    "SELECT stream FROM snapshots WHERE wanted_until <= $1 ORDER BY wanted_until, stream LIMIT $2";
const EMPTY: &str = "UPDATE snapshots SET key = NULL, media_type = NULL, scores = NULL, at = NULL WHERE stream = $1 \
    AND wanted_until > $2";

#[async_trait]
impl Snapshots for This {
    async fn snapshots(&self, of: &[StreamId], now: Timestamp) -> Result<Vec<Asked>> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Engine>::new(
            "SELECT stream, wanted_until, key, media_type, scores, at FROM snapshots WHERE wanted_until > ",
        );
        query.push_bind(now.as_millisecond()).push(" AND stream IN (");
        let mut ids = query.separated(", ");
        for id in of {
            ids.push_bind(id.to_string());
        }
        query.push(")");
        let rows: Vec<AskedRow> = query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    async fn ask_for_snapshots(&self, of: &[StreamId], until: Timestamp) -> Result<()> {
        let mut tx = begin(self).await?;
        // In one order, or two who ask for the same would wait for each other.
        let mut ids: Vec<String> = of.iter().map(ToString::to_string).collect();
        ids.sort_unstable();
        for id in ids {
            sqlx::query(ASK).bind(id).bind(until.as_millisecond()).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn wanted_snapshots(&self, now: Timestamp) -> Result<Vec<StreamId>> {
        let ids: Vec<String> = sqlx::query_scalar("SELECT stream FROM snapshots WHERE wanted_until > $1")
            .bind(now.as_millisecond())
            .fetch_all(&mut *reader(self).await?)
            .await?;
        ids.iter().map(|id| parse(id)).collect()
    }

    async fn put_snapshot(
        &self,
        of: StreamId,
        fence: u64,
        snapshot: &Snapshot,
    ) -> Result<std::result::Result<Option<String>, Stale>> {
        let id = of.to_string();
        let mut tx = begin(self).await?;
        let before: Option<Option<String>> =
            sqlx::query_scalar("SELECT key FROM snapshots WHERE stream = $1")
                .bind(&id)
                .fetch_optional(&mut *tx)
                .await?;
        let put = sqlx::query(PUT)
            .bind(&id)
            .bind(&snapshot.key)
            .bind(&snapshot.media_type)
            .bind(serde_json::to_string(&snapshot.scores).map_err(damaged)?)
            .bind(snapshot.at.as_millisecond())
            .bind(signed(fence)?)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        if put.rows_affected() == 0 {
            return Ok(Err(Stale));
        }
        Ok(Ok(before.flatten().filter(|key| *key != snapshot.key)))
    }

    async fn unwanted_snapshots(&self, now: Timestamp, limit: u32) -> Result<Vec<StreamId>> {
        let ids: Vec<String> = sqlx::query_scalar(UNWANTED)
            .bind(now.as_millisecond())
            .bind(i64::from(limit))
            .fetch_all(&mut *reader(self).await?)
            .await?;
        ids.iter().map(|id| parse(id)).collect()
    }

    async fn drop_snapshot(&self, of: StreamId, now: Timestamp) -> Result<()> {
        let mut tx = begin(self).await?;
        for statement in ["DELETE FROM snapshots WHERE stream = $1 AND wanted_until <= $2", EMPTY] {
            sqlx::query(statement).bind(of.to_string()).bind(now.as_millisecond()).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct AskedRow {
    stream: String,
    wanted_until: i64,
    key: Option<String>,
    media_type: Option<String>,
    scores: Option<String>,
    at: Option<i64>,
}

impl TryFrom<AskedRow> for Asked {
    type Error = PortError;

    fn try_from(row: AskedRow) -> Result<Self> {
        let snapshot = match (row.key, row.media_type, row.scores, row.at) {
            (Some(key), Some(media_type), Some(scores), Some(at)) => Some(Snapshot {
                key,
                media_type,
                scores: serde_json::from_str(&scores).map_err(damaged)?,
                at: time(at)?,
            }),
            _ => None,
        };
        Ok(Self { stream: parse(&row.stream)?, until: time(row.wanted_until)?, snapshot })
    }
}
