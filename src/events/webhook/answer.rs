//! What a webhook said, and what follows.

use jiff::{Timestamp, fmt::rfc2822};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Made,
    /// It wants to be called no more.
    Gone,
    /// To be called again.
    Failed {
        error: String,
        asked: Option<Duration>,
    },
}

/// As much of the body as stands in the error.
const SHOWN_CHARS: usize = 120;

/// `body` is the beginning of it.
pub(super) fn judge(status: u16, retry_after: Option<&str>, body: &[u8], now: Timestamp) -> Answer {
    match status {
        200..=299 => Answer::Made,
        410 => Answer::Gone,
        300..=399 => {
            Answer::Failed { error: format!("answered {status}: redirects are not followed"), asked: None }
        }
        _ => {
            let body: String = String::from_utf8_lossy(body).chars().take(SHOWN_CHARS).collect();
            let separator = if body.is_empty() { "" } else { ": " };
            let error = format!("answered {status}{separator}{body}");
            Answer::Failed { error, asked: retry_after.and_then(|text| pause(text, now)) }
        }
    }
}

/// Retry-After (RFC 9110, 10.2.3): seconds, or a date.
fn pause(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(text.trim()).ok()?.timestamp();
    Duration::try_from(at.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_an_answer() {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let judged = |status, after| judge(status, after, b"why\n", now);
        for (status, after, asked) in [
            (500, None, None),
            (503, Some("120"), Some(120)),
            (429, Some("Fri, 20 Nov 2026 10:00:30 GMT"), Some(30)),
            (429, Some("Fri, 20 Nov 2026 09:00:00 GMT"), None),
            (429, Some("soon"), None),
            (429, Some("-1"), None),
        ] {
            let asked = asked.map(Duration::from_secs);
            let error = format!("answered {status}: why\n");
            assert_eq!(judged(status, after), Answer::Failed { error, asked }, "{status} {after:?}");
        }
        assert_eq!((judged(200, None), judged(204, None)), (Answer::Made, Answer::Made));
        assert_eq!(judged(410, None), Answer::Gone);
        assert!(matches!(judged(302, Some("1")), Answer::Failed { asked: None, .. }));
        assert!(matches!(judged(404, None), Answer::Failed { .. }));
    }
}
