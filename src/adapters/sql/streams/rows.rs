//! What the statements answer.

use crate::{
    adapters::sql::{damaged, parse, small, time, unsigned},
    ports::{
        PortError, Result,
        streams::{Counts, Episode, EpisodeState, Last, Source, Stream, StreamKey},
    },
};

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
    last_posted: Option<i64>,
    last_fed: Option<i64>,
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
            // All 64 bits are the publisher's.
            last: Last {
                posted: row.last_posted.map(i64::cast_unsigned),
                fed: row.last_fed.map(i64::cast_unsigned),
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
