//! Which part of an object to answer with (RFC 9110, 13 and 14): not modified, a range, or all of it.

use axum::http::{HeaderMap, header};
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    NotModified,
    All,
    Part(Range<u64>),
    Unsatisfiable,
}

/// `etag` is the object's, quoted and strong.
pub fn answer(headers: &HeaderMap, etag: &str, size: u64) -> Answer {
    // Most requests are for all of it.
    let any = [header::IF_NONE_MATCH, header::RANGE].iter().any(|name| headers.contains_key(name));
    if !any {
        return Answer::All;
    }
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|line| line.to_str().is_ok_and(|l| names(l, etag))) {
        return Answer::NotModified;
    }
    // Only the very same bytes are continued; a date says nothing here, as none is ever sent.
    if headers.get(header::IF_RANGE).is_some_and(|value| value.as_bytes() != etag.as_bytes()) {
        return Answer::All;
    }
    let mut ranges = headers.get_all(header::RANGE).iter();
    match (ranges.next().and_then(|value| value.to_str().ok()), ranges.next()) {
        (Some(range), None) => part(range, size),
        _ => Answer::All,
    }
}

/// Weak comparison, as If-None-Match asks for. Entity tags may hold commas, ours never do.
fn names(list: &str, etag: &str) -> bool {
    list.trim() == "*" || list.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

/// One range. Several at once, other units and bad syntax are passed over, as the RFC allows.
fn part(header: &str, size: u64) -> Answer {
    let Some((unit, range)) = header.split_once('=') else { return Answer::All };
    let Some((first, last)) = range.trim().split_once('-') else { return Answer::All };
    // Numbers too large for us are larger than any object.
    let number = |digits: &str| -> Option<u64> {
        let legal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        legal.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let range = match (unit.trim().eq_ignore_ascii_case("bytes"), first, last) {
        (false, ..) => return Answer::All,
        (true, "", last) => number(last).map(|length| (size - length.min(size))..size),
        (true, first, "") => number(first).map(|first| first..size),
        (true, first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size)),
            _ => None,
        },
    };
    match range {
        None => Answer::All,
        Some(range) if range.start < range.end => Answer::Part(range),
        Some(_) => Answer::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const ETAG: &str = "\"abc\"";

    fn of(headers: &[(HeaderName, &'static str)]) -> Answer {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        answer(&headers, ETAG, 100)
    }

    #[test]
    fn ranges() {
        use Answer::{All, Part, Unsatisfiable};
        let cases = [
            ("bytes=0-9", Part(0..10)),
            ("bytes=0-0", Part(0..1)),
            ("bytes=99-", Part(99..100)),
            ("bytes=90-1000", Part(90..100)),
            ("bytes=-10", Part(90..100)),
            ("bytes=-1000", Part(0..100)),
            ("BYTES = 5-6", Part(5..7)),
            ("bytes=0-99999999999999999999999", Part(0..100)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=100-200", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-4", All),
            ("bytes=0-1,5-6", All),
            ("bytes=a-b", All),
            ("bytes=+1-2", All),
            ("bytes=-", All),
            ("bytes", All),
            ("items=0-9", All),
        ];
        for (range, expected) in cases {
            assert_eq!(of(&[(header::RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn conditions() {
        use Answer::{All, NotModified, Part};
        let (r, inm, ir) = (header::RANGE, header::IF_NONE_MATCH, header::IF_RANGE);
        let cases = [
            (vec![], All),
            (vec![(inm.clone(), "\"abc\"")], NotModified),
            (vec![(inm.clone(), "\"x\", W/\"abc\"")], NotModified),
            (vec![(inm.clone(), "*")], NotModified),
            (vec![(inm.clone(), "abc")], All),
            (vec![(inm.clone(), "\"abcd\"")], All),
            (vec![(inm.clone(), "\"abc\""), (r.clone(), "bytes=0-1")], NotModified),
            (vec![(inm, "\"x\""), (r.clone(), "bytes=0-1")], Part(0..2)),
            (vec![(ir.clone(), "\"abc\""), (r.clone(), "bytes=0-1")], Part(0..2)),
            (vec![(ir.clone(), "W/\"abc\""), (r.clone(), "bytes=0-1")], All),
            (vec![(ir.clone(), "\"old\""), (r.clone(), "bytes=0-1")], All),
            (vec![(ir.clone(), "Wed, 21 Oct 2015 07:28:00 GMT"), (r.clone(), "bytes=0-1")], All),
            (vec![(r.clone(), "bytes=0-1"), (r, "bytes=2-3")], All),
            (vec![(ir, "\"abc\"")], All),
        ];
        for (headers, expected) in cases {
            assert_eq!(of_all(&headers), expected, "{headers:?}");
        }
    }

    fn of_all(list: &[(HeaderName, &'static str)]) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(name, HeaderValue::from_static(value));
        }
        answer(&headers, ETAG, 100)
    }
}
