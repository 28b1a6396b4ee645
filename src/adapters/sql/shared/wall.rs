//! The wall of live streams, in SQL that both engines understand.

use super::{
    both::{Engine, This, append, begin, reader, tell},
    sight::of_tenants,
};
use crate::{
    adapters::sql::{END_EPISODES, StreamRow, parse, signed, small, time},
    ports::{
        PortError, Result, Streams,
        accounts::Deed,
        store::Stale,
        streams::Episode,
        wall::{EpisodeId, Hand, OpenStream, StreamPlace, StreamRuling, StreamView, Wall},
    },
    upload::{Because, Standing, StreamId, TenantId},
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use sqlx::QueryBuilder;

/// Which ones they are is told first; the rest is looked up of these alone.
const OPEN: &str = "SELECT id, tenant, external_id, opened_at, closed_at, key_hash, key_expires_at, tuning, queued, \
    standing, because, since, watched_until, judged, skipped, failed, late, lost, last_posted, last_fed, episode, fence, holder, held_until, \
    source, pull, (SELECT max(number) FROM stream_rulings r WHERE r.stream = id) AS ruled \
    FROM (SELECT stream, place FROM (SELECT id AS stream, ";
const WORST_FIRST: &str = " ORDER BY place DESC, stream DESC";

/// How bad it is, for the order.
fn place(standing: Standing) -> i64 {
    match standing {
        Standing::Cut => 2,
        Standing::Warn => 1,
        Standing::Pass => 0,
    }
}

macro_rules! rulings {
    ($rest:literal) => {
        concat!("SELECT stream, number, hand, reason, note, person, at, stood FROM stream_rulings", $rest)
    };
}

#[async_trait]
impl Wall for This {
    async fn open_streams(
        &self,
        view: &StreamView,
        after: Option<StreamPlace>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OpenStream>> {
        let mut query = QueryBuilder::<Engine>::new(OPEN);
        // As `Stream::seen_at` has it: what nobody watches does not pass.
        query.push("CASE WHEN standing = 'cut' THEN 2 WHEN standing = 'warn' OR watched_until IS NULL");
        query.push(" OR watched_until < ").push_bind(now.as_millisecond());
        query.push(" THEN 1 ELSE 0 END AS place FROM streams WHERE closed_at IS NULL");
        of_tenants(&mut query, "tenant", &view.tenants);
        if let Some(tenant) = &view.tenant {
            query.push(" AND tenant = ").push_bind(tenant.as_str().to_owned());
        }
        if let Some(named) = &view.named {
            // (LIKE has its own view of cases in each engine.)
            query.push(" AND replace(lower(external_id), ").push_bind(named.to_ascii_lowercase());
            query.push(", '') <> lower(external_id)");
        }
        query.push(") placed");
        if let Some(after) = after {
            query.push(" WHERE (place, stream) < (").push_bind(place(after.standing));
            query.push(", ").push_bind(after.stream.to_string()).push(")");
        }
        query.push(WORST_FIRST).push(" LIMIT ").push_bind(i64::from(limit));
        query.push(") page JOIN streams ON id = stream").push(WORST_FIRST);
        let rows: Vec<OpenRow> = query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    async fn rule_stream(
        &self,
        ruling: &StreamRuling,
        after: Option<u32>,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>> {
        let id = ruling.stream.to_string();
        let (standing, because) = match ruling.hand {
            Hand::Cut => (Standing::Cut, Because::Person),
            Hand::Clear => (Standing::Pass, Because::Clean),
        };
        let mut tx = begin(self).await?;
        let stood: Option<String> = sqlx::query_scalar("SELECT standing FROM streams WHERE id = $1")
            .bind(&id)
            .fetch_optional(&mut *tx)
            .await?;
        let ruled: Option<(String, Option<String>)> = sqlx::query_as(
            "UPDATE streams SET standing = $2, because = $3, since = $4, fence = fence + 1, holder = NULL, \
             held_until = NULL WHERE id = $1 AND closed_at IS NULL AND standing = $5 \
             AND (standing <> $2 OR (because <> $3 AND $2 = 'cut')) \
             RETURNING tenant, external_id",
        )
        .bind(&id)
        .bind(standing.as_str())
        .bind(because.as_str())
        .bind(deed.at.as_millisecond())
        .bind(&stood)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((tenant, external_id)) = ruled else {
            tx.rollback().await?;
            return Ok(Err(Stale));
        };
        sqlx::query(END_EPISODES).bind(&id).bind(deed.at.as_millisecond()).execute(&mut *tx).await?;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO stream_rulings (stream, number, hand, reason, note, person, at, stood) SELECT $1, \
             coalesce((SELECT max(number) FROM stream_rulings WHERE stream = $1), 0) + 1, $2, $3, $4, $5, $6, $7 \
             RETURNING number",
        )
        .bind(&id)
        .bind(ruling.hand.as_str())
        .bind(&ruling.reason)
        .bind(&ruling.note)
        .bind(&ruling.by)
        .bind(deed.at.as_millisecond())
        .bind(&stood)
        .fetch_one(&mut *tx)
        .await?;
        if after.is_some_and(|last| number != i64::from(last) + 1) {
            tx.rollback().await?;
            return Ok(Err(Stale));
        }
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

    async fn last_hand(&self, who: &str, since: Timestamp) -> Result<Option<StreamRuling>> {
        let row: Option<RulingRow> = sqlx::query_as(rulings!(
            " r WHERE person = $1 AND at > $2 \
             AND NOT EXISTS (SELECT 1 FROM stream_rulings l WHERE l.stream = r.stream AND l.number > r.number) \
             AND EXISTS (SELECT 1 FROM streams s WHERE s.id = r.stream AND s.closed_at IS NULL) ORDER BY at DESC LIMIT 1"
        ))
        .bind(who)
        .bind(since.as_millisecond())
        .fetch_optional(&mut *reader(self).await?)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    async fn stream_rulings(&self, id: StreamId, limit: u32) -> Result<Vec<StreamRuling>> {
        let rows: Vec<RulingRow> =
            sqlx::query_as(rulings!(" WHERE stream = $1 ORDER BY number DESC LIMIT $2"))
                .bind(id.to_string())
                .bind(i64::from(limit))
                .fetch_all(&mut *reader(self).await?)
                .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    async fn take_episode(
        &self,
        (stream, number): EpisodeId,
        who: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Episode>> {
        let mut tx = begin(self).await?;
        let taken = sqlx::query(
            "UPDATE episodes SET fence = CASE WHEN holder = $3 THEN fence ELSE fence + 1 END, holder = $3, held_until = $5 \
             WHERE stream = $1 AND number = $2 AND state = 'in_review' \
             AND (held_until IS NULL OR held_until <= $4 OR holder = $3)",
        )
        .bind(stream.to_string())
        .bind(i64::from(number))
        .bind(who)
        .bind(now.as_millisecond())
        .bind(until.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        if taken.rows_affected() == 0 { Ok(None) } else { self.episode(stream, number).await }
    }

    async fn keep_episode(
        &self,
        (stream, number): EpisodeId,
        who: &str,
        fence: u64,
        until: Timestamp,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = begin(self).await?;
        let kept = sqlx::query(
            "UPDATE episodes SET held_until = $5 WHERE stream = $1 AND number = $2 AND holder = $3 AND fence = $4 \
             AND state = 'in_review'",
        )
        .bind(stream.to_string())
        .bind(i64::from(number))
        .bind(who)
        .bind(signed(fence)?)
        .bind(until.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(if kept.rows_affected() == 1 { Ok(()) } else { Err(Stale) })
    }

    async fn leave_episode(&self, (stream, number): EpisodeId, who: &str, fence: u64) -> Result<()> {
        let mut tx = begin(self).await?;
        sqlx::query(
            "UPDATE episodes SET holder = NULL, held_until = NULL \
             WHERE stream = $1 AND number = $2 AND holder = $3 AND fence = $4",
        )
        .bind(stream.to_string())
        .bind(i64::from(number))
        .bind(who)
        .bind(signed(fence)?)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn undo_episode(
        &self,
        (stream, number): EpisodeId,
        fence: u64,
        who: &str,
        since: Timestamp,
        until: Timestamp,
        deed: Deed<'_>,
    ) -> Result<bool> {
        let id = stream.to_string();
        let mut tx = begin(self).await?;
        let tenant: Option<String> = sqlx::query_scalar(
            "UPDATE episodes SET state = 'in_review', ruling = NULL, ruled_by = NULL, ruled_at = NULL, fence = fence + 1, \
             holder = $3, held_until = $6 WHERE stream = $1 AND number = $2 AND state = 'ruled' AND ruled_by = $3 \
             AND fence = $4 AND ruled_at > $5 RETURNING tenant",
        )
        .bind(&id)
        .bind(i64::from(number))
        .bind(who)
        .bind(signed(fence)?)
        .bind(since.as_millisecond())
        .bind(until.as_millisecond())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(tenant) = tenant else {
            tx.rollback().await?;
            return Ok(false);
        };
        append(&mut tx, deed, &id, json!({ "tenant": tenant, "episode": number })).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn last_ruled_episode(&self, who: &str, since: Timestamp) -> Result<Option<Episode>> {
        let last: Option<(String, i64)> = sqlx::query_as(
            "SELECT stream, number FROM episodes WHERE ruled_by = $1 AND ruled_at > $2 ORDER BY ruled_at DESC LIMIT 1",
        )
        .bind(who)
        .bind(since.as_millisecond())
        .fetch_optional(&mut *reader(self).await?)
        .await?;
        match last {
            Some((stream, number)) => self.episode(parse(&stream)?, small(number)?).await,
            None => Ok(None),
        }
    }
}

#[derive(sqlx::FromRow)]
struct OpenRow {
    #[sqlx(flatten)]
    stream: StreamRow,
    ruled: Option<i64>,
}

impl TryFrom<OpenRow> for OpenStream {
    type Error = PortError;

    fn try_from(row: OpenRow) -> Result<Self> {
        Ok(Self { stream: row.stream.try_into()?, ruled: row.ruled.map_or(Ok(0), small)? })
    }
}

#[derive(sqlx::FromRow)]
struct RulingRow {
    stream: String,
    number: i64,
    hand: String,
    reason: String,
    note: String,
    person: String,
    at: i64,
    stood: Option<String>,
}

impl TryFrom<RulingRow> for StreamRuling {
    type Error = PortError;

    fn try_from(row: RulingRow) -> Result<Self> {
        Ok(Self {
            stream: parse(&row.stream)?,
            number: small(row.number)?,
            hand: parse(&row.hand)?,
            reason: row.reason,
            note: row.note,
            by: row.person,
            at: time(row.at)?,
            stood: row.stood.as_deref().map(parse).transpose()?,
        })
    }
}
