//! Codes in words, sizes and times as people read them.

use crate::{
    ports::care::Level,
    upload::{
        ruling::Kind,
        verdict::{CheckDetail, FindingDetail},
    },
};
use jiff::Timestamp;
use lazaret_report::{Evidence, Region};

/// Characters.
const BRIEF: usize = 160;

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
        "image.label" | "video.label" => "What a model saw",
        "policy.error" => "A rule of the policy failed",
        "scan_failed" => "It could not be scanned",
        "io.unreadable" => "It could not be read",
        "rendition.failed" => "No copy could be made for publishing",
        "publish.no_copy" => "It is published only as a copy, and none can be made of it",
        "rendition.not_clean" => "The copy for publishing did not pass its checks",
        other => return other.replace(['.', '_'], " "),
    }
    .to_owned()
}

pub(super) fn finding(finding: &FindingDetail) -> String {
    let mut words = reason(&finding.code);
    if !finding.detail.is_empty() {
        words = format!("{words}: {}", finding.detail);
    }
    let at = finding.evidence.as_ref().and_then(place);
    let parts = finding.regions.iter().take(PARTS).map(part);
    let places: Vec<String> = at.into_iter().chain(parts).collect();
    if places.is_empty() { words } else { format!("{words} ({})", places.join("; ")) }
}

/// Parts of a picture that are told in words; more are drawn.
const PARTS: usize = 3;

/// For who does not see it drawn.
fn part(region: &Region) -> String {
    let percent = |from: f32, long: f32| format!("{:.0}–{:.0} %", from * 100.0, (from + long) * 100.0);
    let (across, down) = (percent(region.x, region.width), percent(region.y, region.height));
    format!("{across} from the left, {down} from the top")
}

/// Where a finding is, if it does not say so itself.
fn place(evidence: &Evidence) -> Option<String> {
    match evidence {
        Evidence::Bytes { offset, length } => Some(format!("at byte {offset}, {length} long")),
        // Of a picture that has but one.
        Evidence::Frame { index: 0 } => None,
        Evidence::Frame { index } => Some(format!("frame {}", index + 1)),
        Evidence::Time { .. } | Evidence::Member { .. } => None,
    }
}

/// `1:02.5`, of a film's time.
pub(super) fn clock(ms: u64) -> String {
    format!("{}:{:04.1}", ms / 60_000, (ms % 60_000) as f64 / 1e3)
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

/// `2026-11-20`, of a day since 1970.
pub(super) fn day(day: i64) -> String {
    let at = Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%d").to_string()
}

/// Text from outside, in one short line.
pub(super) fn brief(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(BRIEF).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
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
        assert_eq!([clock(0), clock(62_540), clock(3_600_000)], ["0:00.0", "1:02.5", "60:00.0"]);
        assert_eq!(place(&Evidence::Frame { index: 2 }).as_deref(), Some("frame 3"));
        assert_eq!(place(&Evidence::Frame { index: 0 }), None, "of a picture that is one frame");
        let region = Region { x: 0.5, y: 0.25, width: 0.25, height: 0.75 };
        assert_eq!(part(&region), "50–75 % from the left, 25–100 % from the top");
        assert_eq!([day(0), day(20_000)], ["1970-01-01", "2024-10-04"]);
        assert_eq!(brief("a\nb\u{1b}[2J"), "a b [2J");
        assert_eq!(brief(&"x".repeat(500)).chars().count(), 161);
        assert_eq!([59, 60, 3_900].map(minutes), ["59 s", "1 min", "1 h 5 min"]);
    }
}
