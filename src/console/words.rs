//! Codes in words, sizes and times as people read them.

use crate::{
    ports::care::Level,
    upload::{
        ruling::Kind,
        verdict::{CheckDetail, FindingDetail},
    },
};
use jiff::Timestamp;

/// A reason or finding, in words.
pub(super) fn reason(code: &str) -> String {
    if let Some(rest) = code.strip_prefix("coverage.")
        && let Some((check, kind)) = rest.rsplit_once('.')
    {
        let how = match kind {
            "partial" => "looked at only part of it",
            "failed" => "could not look at it",
            _ => "was not made",
        };
        return format!("The {check} check {how}");
    }
    match code {
        "antivirus.infected" => "A virus",
        "type.executable" => "A program",
        "type.mismatch" => "Not the type that it claims to be",
        "type.not_allowed" => "A type that is not allowed",
        "structure.suspicious" => "Its structure is suspicious",
        "structure.embedded" => "Something else is hidden in it",
        "image.label" => "What a model saw",
        "policy.error" => "A rule of the policy failed",
        "scan_failed" => "It could not be scanned",
        "io.unreadable" => "It could not be read",
        "rendition.failed" => "No copy could be made for publishing",
        "rendition.not_clean" => "The copy for publishing did not pass its checks",
        other => return other.replace(['.', '_'], " "),
    }
    .to_owned()
}

pub(super) fn finding(finding: &FindingDetail) -> String {
    let words = reason(&finding.code);
    if finding.detail.is_empty() { words } else { format!("{words}: {}", finding.detail) }
}

pub(super) fn engine(check: &CheckDetail) -> String {
    match (&check.engine, &check.version) {
        (Some(engine), Some(version)) => format!("{engine} {version}"),
        (Some(engine), None) => engine.clone(),
        _ => "–".to_owned(),
    }
}

pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Of a film: `1:02:03.4`, or `2:03.4`.
pub(super) fn moment(ms: u64) -> String {
    let (tenths, seconds) = (ms / 100 % 10, ms / 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}.{tenths}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}.{tenths}"),
    }
}

/// `5 min`, `3 h`, `12 d`.
pub(super) fn age(at: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - at.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `40 s`, `12 min`, `1 h 5 min`.
pub(super) fn minutes(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Approve => "Approve",
        Kind::Quarantine => "Quarantine",
        Kind::Escalate => "Escalate",
        Kind::Note => "Note",
    }
}

/// `2026-11-20 12:00:05`, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(super) fn severity(severity: u32) -> &'static str {
    Level::of(severity).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_read() {
        assert_eq!(reason("coverage.image.partial"), "The image check looked at only part of it");
        assert_eq!(reason("rule.made_up"), "rule made up");
        assert_eq!([bytes(999), bytes(1_500), bytes(2_340_000)], ["999 B", "1.5 kB", "2.3 MB"]);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let ages = [0, 59, 61, 7_200, 864_000].map(|seconds| age(at(0), at(seconds)));
        assert_eq!(ages, ["0 s", "59 s", "1 min", "2 h", "10 d"]);
        assert_eq!(age(at(5), at(0)), "0 s");
        assert_eq!([59, 60, 3_900].map(minutes), ["59 s", "1 min", "1 h 5 min"]);
    }
}
