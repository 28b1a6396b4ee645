//! Streams and their episodes: rows, and the statements, which read the same to both engines.

use super::{damaged, parse, signed, small, time, unsigned};
use crate::ports::{
    Kind, PortError, Result,
    streams::{Change, Counts, Episode, EpisodeState, Source, Stream, StreamKey},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

pub(in crate::adapters) const STREAM: &str = "SELECT id, tenant, external_id, opened_at, closed_at, key_hash, \
    key_expires_at, tuning, queued, standing, because, since, watched_until, judged, skipped, failed, late, lost, \
    episode, fence, holder, held_until, source, pull FROM streams WHERE id = $1";

pub(in crate::adapters) const OPEN: &str = "INSERT INTO streams (id, tenant, external_id, opened_at, key_hash, \
    key_expires_at, tuning, queued, standing, because, since, source) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'warn', 'unwatched', $4, $9)";

pub(in crate::adapters) const REKEY: &str = "UPDATE streams SET key_hash = $3, key_expires_at = $4 \
    WHERE id = $1 AND tenant = $2 AND closed_at IS NULL";

/// The episode that goes on ends with the stream.
pub(in crate::adapters) const CLOSE: &str = "UPDATE streams SET closed_at = $3, holder = NULL, held_until = NULL, \
    fence = fence + 1 WHERE id = $1 AND tenant = $2 AND closed_at IS NULL";
pub(in crate::adapters) const END_EPISODES: &str =
    "UPDATE episodes SET state = 'in_review', ended_at = $2 WHERE stream = $1 AND state = 'open'";

pub(in crate::adapters) const WATCH: &str = "UPDATE streams SET fence = fence + 1, holder = $2, held_until = $4 \
    WHERE id = $1 AND closed_at IS NULL AND (holder IS NULL OR holder = $2 OR held_until <= $3) \
    RETURNING id, tenant, external_id, opened_at, closed_at, key_hash, key_expires_at, tuning, queued, standing, \
    because, since, watched_until, judged, skipped, failed, late, lost, episode, fence, holder, held_until, source, pull";

pub(in crate::adapters) const SIGN: &str = "UPDATE streams SET held_until = $3, watched_until = $4, judged = $5, \
    skipped = $6, failed = $7, late = $8, lost = $9 WHERE id = $1 AND fence = $2 AND closed_at IS NULL \
    AND holder IS NOT NULL";

pub(in crate::adapters) const LEAVE: &str = "UPDATE streams SET holder = NULL, held_until = NULL, watched_until = $3, \
    judged = $4, skipped = $5, failed = $6, late = $7, lost = $8 \
    WHERE id = $1 AND fence = $2 AND closed_at IS NULL";

pub(in crate::adapters) const CHANGE: &str = "UPDATE streams SET held_until = $3, watched_until = $4, judged = $5, \
    skipped = $6, failed = $7, late = $8, lost = $9, since = CASE WHEN standing = $10 AND because = $11 THEN since \
    ELSE $12 END, standing = $10, because = $11, episode = $13 \
    WHERE id = $1 AND fence = $2 AND closed_at IS NULL AND holder IS NOT NULL";

/// What a person has ruled on stays as it is.
pub(in crate::adapters) const EPISODE: &str = "INSERT INTO episodes (stream, number, tenant, state, began_at, ended_at, \
    worst, because, scores, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    ON CONFLICT (stream, number) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at, \
    worst = excluded.worst, because = excluded.because, scores = excluded.scores, evidence = excluded.evidence \
    WHERE episodes.state != 'ruled'";

pub(in crate::adapters) const RESEALED: &str = "UPDATE streams SET source = $3 WHERE id = $1 AND source = $2";

pub(in crate::adapters) const PULLED: &str = "UPDATE streams SET pull = $3 WHERE id = $1 AND fence = $2";

/// Those of whom the row says that they pass, those that are fed by the broker, and those whose frames are fetched.
pub(in crate::adapters) const DESERTED: &str = "SELECT id FROM streams WHERE closed_at IS NULL \
    AND (held_until IS NULL OR held_until <= $1) AND (queued = 1 OR source IS NOT NULL OR standing = 'pass') \
    ORDER BY held_until, id LIMIT $2";

pub(in crate::adapters) const ONE_EPISODE: &str = "SELECT stream, number, tenant, state, began_at, ended_at, worst, \
    because, scores, evidence, ruling, fence, holder, held_until FROM episodes WHERE stream = $1 AND number = $2";

pub(in crate::adapters) const EPISODES: &str = "SELECT stream, number, tenant, state, began_at, ended_at, worst, \
    because, scores, evidence, ruling, fence, holder, held_until FROM episodes WHERE tenant = $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2) \
    AND (CAST($3 AS TEXT) IS NULL OR stream < $3 OR (stream = $3 AND number < $4)) \
    ORDER BY stream DESC, number DESC LIMIT $5";

/// `cut` before `warn`.
pub(in crate::adapters) const IN_REVIEW: &str = "SELECT stream, number, tenant, state, began_at, ended_at, worst, \
    because, scores, evidence, ruling, fence, holder, held_until FROM episodes WHERE state = 'in_review'";
pub(in crate::adapters) const IN_REVIEW_ORDER: &str = " ORDER BY worst, began_at, stream, number LIMIT ";

pub(in crate::adapters) const RULE: &str = "UPDATE episodes SET state = 'ruled', ruling = $3, ruled_by = $4, \
    ruled_at = $6, holder = NULL, held_until = NULL \
    WHERE stream = $1 AND number = $2 AND state = 'in_review' AND holder = $4 AND fence = $5";

#[derive(sqlx::FromRow)]
pub(in crate::adapters) struct StreamRow {
    id: String,
    tenant: String,
    external_id: Option<String>,
    opened_at: i64,
    closed_at: Option<i64>,
    key_hash: Vec<u8>,
    key_expires_at: i64,
    tuning: String,
    queued: i64,
    standing: String,
    because: String,
    since: i64,
    watched_until: Option<i64>,
    judged: i64,
    skipped: i64,
    failed: i64,
    late: i64,
    lost: i64,
    episode: i64,
    fence: i64,
    holder: Option<String>,
    held_until: Option<i64>,
    source: Option<String>,
    pull: Option<String>,
}

impl TryFrom<StreamRow> for Stream {
    type Error = PortError;

    fn try_from(row: StreamRow) -> Result<Self> {
        let hash =
            row.key_hash.try_into().map_err(|_| damaged("a stream key's hash that is not 32 bytes"))?;
        Ok(Self {
            id: parse(&row.id)?,
            tenant: parse(&row.tenant)?,
            external_id: row.external_id,
            opened_at: time(row.opened_at)?,
            closed_at: row.closed_at.map(time).transpose()?,
            key: StreamKey { hash, expires_at: time(row.key_expires_at)? },
            tuning: row.tuning,
            queued: row.queued != 0,
            standing: parse(&row.standing)?,
            because: parse(&row.because)?,
            since: time(row.since)?,
            watched_until: row.watched_until.map(time).transpose()?,
            counts: Counts {
                judged: unsigned(row.judged)?,
                skipped: unsigned(row.skipped)?,
                failed: unsigned(row.failed)?,
                late: unsigned(row.late)?,
                lost: unsigned(row.lost)?,
            },
            episode: small(row.episode)?,
            fence: unsigned(row.fence)?,
            holder: row.holder,
            held_until: row.held_until.map(time).transpose()?,
            source: row.source.map(Source::from),
            pull: row.pull.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(in crate::adapters) struct EpisodeRow {
    stream: String,
    number: i64,
    tenant: String,
    state: String,
    began_at: i64,
    ended_at: Option<i64>,
    worst: String,
    because: String,
    scores: String,
    evidence: String,
    ruling: Option<String>,
    fence: i64,
    holder: Option<String>,
    held_until: Option<i64>,
}

impl TryFrom<EpisodeRow> for Episode {
    type Error = PortError;

    fn try_from(row: EpisodeRow) -> Result<Self> {
        Ok(Self {
            stream: parse(&row.stream)?,
            tenant: parse(&row.tenant)?,
            number: small(row.number)?,
            state: EpisodeState::stored(&row.state).ok_or_else(|| damaged("an episode's state"))?,
            began_at: time(row.began_at)?,
            ended_at: row.ended_at.map(time).transpose()?,
            worst: parse(&row.worst)?,
            because: parse(&row.because)?,
            scores: serde_json::from_str(&row.scores).map_err(damaged)?,
            evidence: serde_json::from_str(&row.evidence).map_err(damaged)?,
            ruling: row.ruling.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?,
            fence: unsigned(row.fence)?,
            holder: row.holder,
            held_until: row.held_until.map(time).transpose()?,
        })
    }
}

/// In the order of the statements.
pub(in crate::adapters) fn counts(counts: &Counts) -> [i64; 5] {
    // A publisher that counts up to the end of the numbers has lost as many as can be counted.
    let fit = |n: u64| signed(n).unwrap_or(i64::MAX);
    [fit(counts.judged), fit(counts.skipped), fit(counts.failed), fit(counts.late), fit(counts.lost)]
}

pub(in crate::adapters) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

pub(in crate::adapters) fn json_text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| {
        PortError::new(Kind::Fail, "what is known of a stream cannot be written as JSON").because(e)
    })
}

/// The body of a stream's event, and the audit line's detail.
pub(in crate::adapters) fn changed(stream: &Stream, change: &Change) -> Value {
    json!({
        "id": stream.id.to_string(), "tenant": stream.tenant.as_str(), "external_id": stream.external_id,
        "decision": change.standing, "reason": change.because, "at": change.at.to_string(),
        "episode": change.episode.as_ref().map(|episode| episode.number), "sequence": change.sequence,
        "scores": change.scores, "counts": change.sign.counts,
    })
}

/// Inserts, updates and looks: the same for both engines' connections.
macro_rules! stream_statements {
    ($connection:ty) => {
        use jiff::Timestamp;
        use $crate::{
            adapters::sql::{self, EpisodeRow, StreamRow, signed},
            ports::{
                Result,
                accounts::Tenants,
                store::Stale,
                streams::{
                    Change, Episode, EpisodeRuling, EpisodeState, NewStream, Pull, Sign, Source, Stream,
                    StreamKey, Watch,
                },
            },
            upload::{StreamId, TenantId},
        };

        pub(super) async fn insert(tx: &mut $connection, new: &NewStream) -> Result<()> {
            sqlx::query(sql::OPEN)
                .bind(new.id.to_string())
                .bind(new.tenant.as_str())
                .bind(new.external_id.as_deref())
                .bind(new.at.as_millisecond())
                .bind(&new.key.hash[..])
                .bind(new.key.expires_at.as_millisecond())
                .bind(&new.tuning)
                .bind(i64::from(new.queued))
                .bind(new.source.as_ref().map(Source::reveal))
                .execute(tx)
                .await?;
            Ok(())
        }

        pub(super) async fn one(reader: &mut $connection, id: StreamId) -> Result<Option<Stream>> {
            let row: Option<StreamRow> =
                sqlx::query_as(sql::STREAM).bind(id.to_string()).fetch_optional(reader).await?;
            row.map(TryInto::try_into).transpose()
        }

        pub(super) async fn rekey(
            tx: &mut $connection,
            tenant: &TenantId,
            id: StreamId,
            key: &StreamKey,
        ) -> Result<bool> {
            let done = sqlx::query(sql::REKEY)
                .bind(id.to_string())
                .bind(tenant.as_str())
                .bind(&key.hash[..])
                .bind(key.expires_at.as_millisecond())
                .execute(tx)
                .await?;
            Ok(done.rows_affected() == 1)
        }

        pub(super) async fn close(
            tx: &mut $connection,
            tenant: &TenantId,
            id: StreamId,
            at: Timestamp,
        ) -> Result<bool> {
            let done = sqlx::query(sql::CLOSE)
                .bind(id.to_string())
                .bind(tenant.as_str())
                .bind(at.as_millisecond())
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query(sql::END_EPISODES).bind(id.to_string()).bind(at.as_millisecond()).execute(tx).await?;
            Ok(true)
        }

        pub(super) async fn watch(
            tx: &mut $connection,
            id: StreamId,
            holder: &str,
            now: Timestamp,
            until: Timestamp,
        ) -> Result<Option<Watch>> {
            let row: Option<StreamRow> = sqlx::query_as(sql::WATCH)
                .bind(id.to_string())
                .bind(holder)
                .bind(now.as_millisecond())
                .bind(until.as_millisecond())
                .fetch_optional(tx)
                .await?;
            let Some(row) = row else { return Ok(None) };
            let stream: Stream = row.try_into()?;
            Ok(Some(Watch { fence: stream.fence, until, stream }))
        }

        pub(super) async fn sign(
            tx: &mut $connection,
            id: StreamId,
            fence: u64,
            sign: &Sign,
        ) -> Result<std::result::Result<(), Stale>> {
            let [judged, skipped, failed, late, lost] = sql::counts(&sign.counts);
            let done = sqlx::query(sql::SIGN)
                .bind(id.to_string())
                .bind(signed(fence)?)
                .bind(sign.until.as_millisecond())
                .bind(sql::millis(sign.watched_until))
                .bind(judged)
                .bind(skipped)
                .bind(failed)
                .bind(late)
                .bind(lost)
                .execute(tx)
                .await?;
            Ok(if done.rows_affected() == 1 { Ok(()) } else { Err(Stale) })
        }

        pub(super) async fn pulled(
            tx: &mut $connection,
            id: StreamId,
            fence: u64,
            pull: &Pull,
        ) -> Result<std::result::Result<(), Stale>> {
            let done = sqlx::query(sql::PULLED)
                .bind(id.to_string())
                .bind(signed(fence)?)
                .bind(sql::json_text(pull)?)
                .execute(tx)
                .await?;
            Ok(if done.rows_affected() == 1 { Ok(()) } else { Err(Stale) })
        }

        pub(super) async fn leave(tx: &mut $connection, id: StreamId, fence: u64, sign: &Sign) -> Result<()> {
            let [judged, skipped, failed, late, lost] = sql::counts(&sign.counts);
            sqlx::query(sql::LEAVE)
                .bind(id.to_string())
                .bind(signed(fence)?)
                .bind(sql::millis(sign.watched_until))
                .bind(judged)
                .bind(skipped)
                .bind(failed)
                .bind(late)
                .bind(lost)
                .execute(tx)
                .await?;
            Ok(())
        }

        pub(super) async fn change(
            tx: &mut $connection,
            watch: &Watch,
            change: &Change,
        ) -> Result<std::result::Result<(), Stale>> {
            let Sign { until, watched_until, counts } = &change.sign;
            let [judged, skipped, failed, late, lost] = sql::counts(counts);
            let last = change.episode.as_ref().map_or(watch.stream.episode, |episode| episode.number);
            let done = sqlx::query(sql::CHANGE)
                .bind(watch.stream.id.to_string())
                .bind(signed(watch.fence)?)
                .bind(until.as_millisecond())
                .bind(sql::millis(*watched_until))
                .bind(judged)
                .bind(skipped)
                .bind(failed)
                .bind(late)
                .bind(lost)
                .bind(change.standing.as_str())
                .bind(change.because.as_str())
                .bind(change.at.as_millisecond())
                .bind(i64::from(last))
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(Err(Stale));
            }
            if let Some(seen) = &change.episode {
                episode(tx, seen).await?;
            }
            Ok(Ok(()))
        }

        async fn episode(tx: &mut $connection, episode: &Episode) -> Result<()> {
            sqlx::query(sql::EPISODE)
                .bind(episode.stream.to_string())
                .bind(i64::from(episode.number))
                .bind(episode.tenant.as_str())
                .bind(episode.state.as_str())
                .bind(episode.began_at.as_millisecond())
                .bind(sql::millis(episode.ended_at))
                .bind(episode.worst.as_str())
                .bind(episode.because.as_str())
                .bind(sql::json_text(&episode.scores)?)
                .bind(sql::json_text(&episode.evidence)?)
                .execute(tx)
                .await?;
            Ok(())
        }

        pub(super) async fn deserted(
            reader: &mut $connection,
            now: Timestamp,
            limit: u32,
        ) -> Result<Vec<StreamId>> {
            let ids: Vec<String> = sqlx::query_scalar(sql::DESERTED)
                .bind(now.as_millisecond())
                .bind(i64::from(limit))
                .fetch_all(reader)
                .await?;
            ids.iter().map(|id| sql::parse(id)).collect()
        }

        pub(super) async fn episodes(
            reader: &mut $connection,
            tenant: &TenantId,
            state: Option<EpisodeState>,
            before: Option<(StreamId, u32)>,
            limit: u32,
        ) -> Result<Vec<Episode>> {
            let rows: Vec<EpisodeRow> = sqlx::query_as(sql::EPISODES)
                .bind(tenant.as_str())
                .bind(state.map(EpisodeState::as_str))
                .bind(before.map(|(stream, _)| stream.to_string()))
                .bind(before.map(|(_, number)| i64::from(number)))
                .bind(i64::from(limit))
                .fetch_all(reader)
                .await?;
            rows.into_iter().map(TryInto::try_into).collect()
        }

        pub(super) async fn in_review(
            reader: &mut $connection,
            tenants: &Tenants,
            limit: u32,
        ) -> Result<Vec<Episode>> {
            let mut query =
                sqlx::QueryBuilder::<<$connection as sqlx::Connection>::Database>::new(sql::IN_REVIEW);
            if let Tenants::These(these) = tenants {
                query.push(" AND tenant IN (");
                let mut list = query.separated(", ");
                for tenant in these {
                    list.push_bind(tenant.as_str().to_owned());
                }
                // Of nobody, where there are none: an empty list is not SQL everywhere.
                list.push("''");
                query.push(")");
            }
            query.push(sql::IN_REVIEW_ORDER).push_bind(i64::from(limit));
            let rows: Vec<EpisodeRow> = query.build_query_as().fetch_all(reader).await?;
            rows.into_iter().map(TryInto::try_into).collect()
        }

        pub(super) async fn reseal(
            tx: &mut $connection,
            id: StreamId,
            from: &Source,
            to: &Source,
        ) -> Result<bool> {
            let query = sqlx::query(sql::RESEALED).bind(id.to_string());
            let done = query.bind(from.reveal()).bind(to.reveal()).execute(tx).await?;
            Ok(done.rows_affected() == 1)
        }

        pub(super) async fn rule(
            tx: &mut $connection,
            episode: &Episode,
            ruling: &EpisodeRuling,
        ) -> Result<bool> {
            let done = sqlx::query(sql::RULE)
                .bind(episode.stream.to_string())
                .bind(i64::from(episode.number))
                .bind(sql::json_text(ruling)?)
                .bind(&ruling.by)
                .bind(signed(episode.fence)?)
                .bind(ruling.at.as_millisecond())
                .execute(tx)
                .await?;
            Ok(done.rows_affected() == 1)
        }

        pub(super) async fn one_episode(
            reader: &mut $connection,
            stream: StreamId,
            number: u32,
        ) -> Result<Option<Episode>> {
            let row: Option<EpisodeRow> = sqlx::query_as(sql::ONE_EPISODE)
                .bind(stream.to_string())
                .bind(i64::from(number))
                .fetch_optional(reader)
                .await?;
            row.map(TryInto::try_into).transpose()
        }
    };
}
pub(in crate::adapters) use stream_statements;
