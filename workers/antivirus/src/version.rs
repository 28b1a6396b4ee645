//! `VERSION`: `ClamAV 1.4.6/27500/Fri Nov 20 07:30:12 2026` with official signatures, `ClamAV 1.4.6` without.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) engine: String,
    pub(crate) signatures: Option<Dated>,
}

/// The daily signatures: their number, and when they were built, read as UTC. clamd writes its local time without a
/// zone, so a daemon elsewhere is up to 14 hours off; our own runs in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dated {
    pub(crate) number: u64,
    pub(crate) built: Timestamp,
}

impl Version {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(bytes.strip_suffix(b"\0")?).ok()?.strip_prefix("ClamAV ")?;
        let mut parts = line.splitn(3, '/');
        let engine = parts.next().filter(|e| {
            !e.is_empty()
                && e.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_' | b'~'))
        })?;
        let signatures = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(_), None) => return None,
            (Some(number), Some(date)) => {
                Some(Dated { number: number.parse().ok()?, built: parse_date(date)? })
            }
        };
        Some(Self { engine: engine.to_owned(), signatures })
    }

    /// As verdicts record it: `1.4.6/27500/2026-11-20`, or `1.4.6/test-signatures`.
    pub(crate) fn recorded(&self) -> String {
        match &self.signatures {
            None => format!("{}/test-signatures", self.engine),
            Some(dated) => {
                let day = dated.built.to_zoned(TimeZone::UTC).date();
                format!("{}/{}/{day}", self.engine, dated.number)
            }
        }
    }
}

/// `ctime`'s form, whose day may be padded by a space.
fn parse_date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_weekday, month, day, time, year] = words[..] else { return None };
    let civil = DateTime::strptime("%b %d %H:%M:%S %Y", format!("{month} {day} {time} {year}")).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (given, want) in [
            ("ClamAV 1.4.6/27500/Fri Nov 20 07:30:12 2026\0", Some("1.4.6/27500/2026-11-20")),
            ("ClamAV 1.4.6/27500/Sun Nov  1 07:30:12 2026\0", Some("1.4.6/27500/2026-11-01")),
            ("ClamAV 0.103.8\0", Some("0.103.8/test-signatures")),
            ("ClamAV 1.4.6/27500\0", None),
            ("ClamAV 1.4.6/x/Fri Nov 20 07:30:12 2026\0", None),
            ("ClamAV 1.4.6/27500/yesterday\0", None),
            ("ClamAV 1.4.6/27500/Fri Nov 31 07:30:12 2026\0", None),
            ("ClamAV 1.4.6", None),
            ("ClamAV \0", None),
            ("PONG\0", None),
        ] {
            let got = Version::parse(given.as_bytes()).map(|v| v.recorded());
            assert_eq!(got.as_deref(), want, "{given:?}");
        }
    }
}
