//! One inspection by one engine, and what came of it.

use lazaret_report::{Coverage, Engine, Finding, Report};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The inspections there are. The order is the order in which they are shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// What is it really?
    Type,
    /// Is its container whole, and is nothing else in it?
    Structure,
    /// Does ClamAV know it?
    Antivirus,
    /// What do its pictures show?
    Image,
    /// What does its video show?
    Video,
}

impl Check {
    pub const ALL: [Self; 5] = [Self::Type, Self::Structure, Self::Antivirus, Self::Image, Self::Video];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Structure => "structure",
            Self::Antivirus => "antivirus",
            Self::Image => "image",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Check {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|check| check.as_str() == s).ok_or_else(|| {
            format!("no such check: {s:?}; checks are type, structure, antivirus, image, video")
        })
    }
}

/// What came of one check. Only the planner makes [`Outcome::NotApplicable`]: its field cannot be written elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Looked(Coverage),
    NotApplicable(super::plan::NotApplicable),
}

/// One check of one upload: by which engine, how far it got, what it saw.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    pub check: Check,
    /// Absent where the check did not apply.
    pub engine: Option<Engine>,
    pub outcome: Outcome,
    pub findings: Vec<Finding>,
}

impl CheckResult {
    pub fn looked(check: Check, report: Report) -> Self {
        Self {
            check,
            engine: Some(report.engine),
            outcome: Outcome::Looked(report.coverage),
            findings: report.findings,
        }
    }

    /// The check could not be made at all.
    pub fn failed(check: Check, engine: Option<Engine>, code: &str, detail: impl Into<String>) -> Self {
        Self { check, engine, outcome: Outcome::Looked(Coverage::failed(code, detail)), findings: Vec::new() }
    }

    /// The name of the coverage, as it is shown and stored.
    pub fn coverage_name(&self) -> &'static str {
        match &self.outcome {
            Outcome::Looked(Coverage::Complete) => "complete",
            Outcome::Looked(Coverage::Partial(_)) => "partial",
            Outcome::Looked(Coverage::Failed(_)) => "failed",
            Outcome::NotApplicable(_) => "not_applicable",
        }
    }

    /// Why the coverage is not complete.
    pub fn why(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Looked(Coverage::Complete) => None,
            Outcome::Looked(Coverage::Partial(why) | Coverage::Failed(why)) => Some(why.to_string()),
            Outcome::NotApplicable(reason) => Some(reason.to_string()),
        }
    }
}
