//! The one vocabulary that all workers share: what a check saw, and how much it really looked at.
//!
//! A worker turns bytes into a [`Report`]; it knows nothing of uploads, policies or verdicts. Its coverage is *raw*: a
//! claim. Only the service's heart turns a claim into a proof, and only its planner can say that a check does not
//! apply, which is why [`Coverage`] has no such variant.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What one engine says of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub engine: Engine,
    pub coverage: Coverage,
    pub findings: Vec<Finding>,
}

/// Which engine looked, and with which data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// Stable name: `clamav`, `inspect`, `nsfw-mobilenet-v2`.
    pub name: String,
    /// Version of code and data together, as the engine writes it, such as `1.4.6/27500/2026-11-20`.
    pub version: String,
}

impl Engine {
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into() }
    }
}

/// How much of the file the engine looked at, as it claims itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "coverage", content = "why", rename_all = "snake_case")]
pub enum Coverage {
    /// All of it.
    Complete,
    /// Some of it: a limit, an encrypted member, an embedded picture that nobody took out.
    Partial(Why),
    /// Nothing that counts: the file could not be read, the child died, the deadline passed.
    Failed(Why),
}

impl Coverage {
    pub fn partial(code: &str, detail: impl Into<String>) -> Self {
        Self::Partial(Why::new(code, detail))
    }

    pub fn failed(code: &str, detail: impl Into<String>) -> Self {
        Self::Failed(Why::new(code, detail))
    }

    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// The worse of the two claims; of two equally bad ones, the first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |c: &Self| match c {
            Self::Complete => 0,
            Self::Partial(_) => 1,
            Self::Failed(_) => 2,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// Why coverage is not complete: a stable dotted code and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Stable, such as `limit.frames`, `encrypted`, `child.deadline`.
    pub code: String,
    /// Lower case, no period; never holds bytes of the file unescaped.
    pub detail: String,
}

impl Why {
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            f.write_str(&self.code)
        } else {
            write!(f, "{}: {}", self.code, self.detail)
        }
    }
}

/// One thing that a check saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable and dotted; its first part is the check: `antivirus.infected`, `type.mismatch`, `structure.trailing`.
    pub code: String,
    /// A sentence for people: lower case, no period, bytes of the file escaped.
    pub detail: String,
    /// 0 to 1 where the engine has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// Where in the file it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Where in the picture, or in the worst frame, it was seen; empty where nobody said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
}

impl Finding {
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), ..Self::default() }
    }

    #[must_use]
    pub fn within(mut self, regions: Vec<Region>) -> Self {
        self.regions = regions;
        self
    }

    #[must_use]
    pub fn at(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    #[must_use]
    pub fn scored(mut self, score: f32) -> Self {
        self.score = Some(score);
        self
    }
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// Bytes `offset .. offset + length` of the file.
    Bytes { offset: u64, length: u64 },
    /// One frame of a picture or video, counted from 0.
    Frame { index: u32 },
    /// A stretch of a film, in milliseconds from its first frame, and the worst frame in it: when, and its number among
    /// those that were looked at.
    Time { from_ms: u64, to_ms: u64, at_ms: u64, frame: u32 },
    /// A member of an archive, by its listed name, escaped.
    Member { name: String },
}

/// A part of a picture as it is shown, upright: from its left and upper edge, in fractions of its width and height, to
/// four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Region {
    /// What of the rectangle lies in the picture; `None` where that is nothing. All in fractions.
    pub fn clipped(left: f32, top: f32, right: f32, bottom: f32) -> Option<Self> {
        let inside = |side: f32| (side.clamp(0.0, 1.0) * 1e4).round();
        let [left, top, right, bottom] = [left, top, right, bottom].map(inside);
        // NaN is smaller than nothing, and so is no part.
        let some = right > left && bottom > top;
        let part = |length: f32| length / 1e4;
        some.then(|| Self {
            x: part(left),
            y: part(top),
            width: part(right - left),
            height: part(bottom - top),
        })
    }

    /// Intersection over union: 1 for the same part, 0 for two that do not touch.
    pub fn overlap(&self, other: &Self) -> f32 {
        let along =
            |a: f32, a_long: f32, b: f32, b_long: f32| ((a + a_long).min(b + b_long) - a.max(b)).max(0.0);
        let both = along(self.x, self.width, other.x, other.width)
            * along(self.y, self.height, other.y, other.height);
        both / (self.width * self.height + other.width * other.height - both)
    }
}

/// The engine cannot look at any file just now: missing, starting, hung, out of date. This is the engine's trouble and
/// not the file's, so it costs an upload no attempt: the upload waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    pub engine: String,
    /// What is wrong and what to do: lower case, no period.
    pub why: String,
}

impl Unavailable {
    pub fn new(engine: impl Into<String>, why: impl Into<String>) -> Self {
        Self { engine: engine.into(), why: why.into() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is unavailable: {}", self.engine, self.why)
    }
}

impl std::error::Error for Unavailable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_claim_wins_and_the_first_of_equals_stays() {
        let partial = Coverage::partial("limit.frames", "600 of 900");
        let failed = Coverage::failed("child.crashed", "signal 11");
        assert_eq!(Coverage::Complete.and(partial.clone()), partial);
        assert_eq!(partial.clone().and(failed.clone()), failed);
        assert_eq!(failed.clone().and(partial), failed);
        assert_eq!(failed.clone().and(Coverage::failed("other", "")), failed);
    }

    #[test]
    fn a_region_is_what_lies_in_the_picture() {
        let of = |sides: [f32; 4]| Region::clipped(sides[0], sides[1], sides[2], sides[3]);
        let region = |x, y, width, height| Region { x, y, width, height };
        assert_eq!(of([0.1, 0.25, 0.5, 0.75]), Some(region(0.1, 0.25, 0.4, 0.5)));
        assert_eq!(of([-0.5, -3.0, 0.333_34, 9.0]), Some(region(0.0, 0.0, 0.3333, 1.0)));
        for nothing in
            [[1.5, 0.0, 2.0, 1.0], [0.5, 0.5, 0.5, 1.0], [0.6, 0.0, 0.4, 1.0], [f32::NAN, 0.0, 1.0, 1.0]]
        {
            assert_eq!(of(nothing), None, "{nothing:?}");
        }
        let json = serde_json::to_string(&of([0.1, 0.25, 0.5, 0.75])).unwrap();
        assert_eq!(json, r#"{"x":0.1,"y":0.25,"width":0.4,"height":0.5}"#);
    }

    #[test]
    fn regions_overlap_by_their_intersection_over_their_union() {
        let region = |x, width| Region { x, y: 0.0, width, height: 0.5 };
        assert!((region(0.0, 0.5).overlap(&region(0.0, 0.5)) - 1.0).abs() < 1e-6);
        assert!((region(0.0, 0.5).overlap(&region(0.25, 0.5)) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(region(0.0, 0.25).overlap(&region(0.25, 0.5)), 0.0);
    }

    #[test]
    fn coverage_on_the_wire() {
        let json = serde_json::to_string(&Coverage::partial("encrypted", "member a")).unwrap();
        assert_eq!(json, r#"{"coverage":"partial","why":{"code":"encrypted","detail":"member a"}}"#);
        assert_eq!(serde_json::to_string(&Coverage::Complete).unwrap(), r#"{"coverage":"complete"}"#);
    }
}
