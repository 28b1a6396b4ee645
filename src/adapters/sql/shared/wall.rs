//! The wall of live streams, in SQL that both engines understand.

use super::{
    both::{Engine, This, append, begin, reader, tell},
    insight::of_tenants,
};
use crate::{
    adapters::sql::{END_EPISODES, StreamRow, parse, small, time},
    ports::{
        Result,
        accounts::{Deed, Tenants},
        store::Stale,
        streams::Stream,
        wall::{Hand, StreamRuling, Wall},
    },
    upload::{Because, Standing, StreamId, TenantId},
};
use async_trait::async_trait;
use serde_json::json;
use sqlx::QueryBuilder;

const OPEN: &str = "SELECT id, tenant, external_id, opened_at, closed_at, key_hash, key_expires_at, tuning, queued, \
    standing, because, since, watched_until, judged, skipped, failed, late, lost, episode, fence, holder, held_until, \
    source, pull \
    FROM streams WHERE closed_at IS NULL";

#[async_trait]
impl Wall for This {
    async fn open_streams(&self, tenants: &Tenants, limit: u32) -> Result<Vec<Stream>> {
        let mut query = QueryBuilder::<Engine>::new(OPEN);
        of_tenants(&mut query, "tenant", tenants);
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        let rows: Vec<StreamRow> = query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    async fn rule_stream(
        &self,
        ruling: &StreamRuling,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>> {
        let id = ruling.stream.to_string();
        let (standing, because) = match ruling.hand {
            Hand::Cut => (Standing::Cut, Because::Person),
            Hand::Clear => (Standing::Pass, Because::Clean),
        };
        let mut tx = begin(self).await?;
        let ruled: Option<(String, Option<String>)> = sqlx::query_as(
            "UPDATE streams SET standing = $2, because = $3, since = $4, fence = fence + 1, holder = NULL, \
             held_until = NULL WHERE id = $1 AND closed_at IS NULL AND (standing <> $2 OR (because <> $3 AND $2 = 'cut')) \
             RETURNING tenant, external_id",
        )
        .bind(&id)
        .bind(standing.as_str())
        .bind(because.as_str())
        .bind(deed.at.as_millisecond())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((tenant, external_id)) = ruled else {
            tx.rollback().await?;
            return Ok(Err(Stale));
        };
        sqlx::query(END_EPISODES).bind(&id).bind(deed.at.as_millisecond()).execute(&mut *tx).await?;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO stream_rulings (stream, number, hand, reason, note, person, at) SELECT $1, \
             coalesce((SELECT max(number) FROM stream_rulings WHERE stream = $1), 0) + 1, $2, $3, $4, $5, $6 \
             RETURNING number",
        )
        .bind(&id)
        .bind(ruling.hand.as_str())
        .bind(&ruling.reason)
        .bind(&ruling.note)
        .bind(&ruling.by)
        .bind(deed.at.as_millisecond())
        .fetch_one(&mut *tx)
        .await?;
        let tenant: TenantId = parse(&tenant)?;
        let said = json!({
            "id": id, "tenant": tenant.as_str(), "external_id": external_id, "decision": standing, "reason": because,
            "at": deed.at.to_string(), "who": "ruling", "ruling": number, "because": ruling.reason,
        });
        tell(&mut tx, ruling.stream.subject(), &tenant, standing.event(), said, deed.at).await?;
        let detail = json!({ "number": number, "hand": ruling.hand.as_str(), "reason": ruling.reason });
        append(&mut tx, deed, &id, detail).await?;
        tx.commit().await?;
        Ok(Ok(small(number)?))
    }

    async fn stream_rulings(&self, id: StreamId, limit: u32) -> Result<Vec<StreamRuling>> {
        let rows: Vec<(i64, String, String, String, String, i64)> = sqlx::query_as(
            "SELECT number, hand, reason, note, person, at FROM stream_rulings WHERE stream = $1 \
             ORDER BY number DESC LIMIT $2",
        )
        .bind(id.to_string())
        .bind(i64::from(limit))
        .fetch_all(&mut *reader(self).await?)
        .await?;
        rows.into_iter()
            .map(|(number, hand, reason, note, by, at)| {
                Ok(StreamRuling {
                    stream: id,
                    number: small(number)?,
                    hand: parse(&hand)?,
                    reason,
                    note,
                    by,
                    at: time(at)?,
                })
            })
            .collect()
    }
}
