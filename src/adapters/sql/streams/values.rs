//! What is bound to the statements, and what is told of a change.

use crate::{
    adapters::sql::signed,
    ports::{
        Kind, PortError, Result,
        streams::{Change, Counts, Stream},
    },
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

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
