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

/// Lines that one stream's changes have in the audit log within an hour. The log is never cut, and a stream may flap for ever.
const LINES: i64 = 60;
const HOUR_MS: i64 = 3_600_000;

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

/// In milliseconds, as stored.
pub(in crate::adapters) fn an_hour_before(at: Timestamp) -> i64 {
    at.as_millisecond().saturating_sub(HOUR_MS)
}

/// The audit line's detail of a change that is the so manieth within its hour. `None` where the log has enough of it, as its
/// last line says; events tell of all.
pub(in crate::adapters) fn listed((nth, since): (i64, i64), said: Value) -> Option<Value> {
    let mut said = said;
    if nth == LINES
        && let Some(said) = said.as_object_mut()
        && let Ok(until) = Timestamp::from_millisecond(since.saturating_add(HOUR_MS))
    {
        said.insert("unlisted_until".to_owned(), until.to_string().into());
    }
    (nth <= LINES).then_some(said)
}
