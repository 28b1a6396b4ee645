//! What a walk has found so far, in a bounded list.

use lazaret_report::{Coverage, Evidence, Finding};

/// More findings than this tell nobody anything.
const MOST: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Log {
    findings: Vec<Finding>,
    dropped: u64,
    /// What a walk that came to the end did not look at.
    lessened: Option<Coverage>,
}

impl Log {
    pub(super) fn add(&mut self, code: &str, detail: impl Into<String>, offset: u64, length: u64) {
        if self.findings.len() < MOST {
            self.findings.push(Finding::new(code, detail).at(Evidence::Bytes { offset, length }));
        } else {
            self.dropped += 1;
        }
    }

    /// The container breaks a rule at `offset`, and can still be read.
    pub(super) fn malformed(&mut self, offset: u64, why: impl Into<String>) {
        self.add("structure.malformed", why, offset, 0);
    }

    /// The walk goes on, and yet leaves out a part of the file: a coverage code and why.
    pub(super) fn partial(&mut self, code: &str, why: impl Into<String>) {
        self.lessened.get_or_insert_with(|| Coverage::partial(code, why));
    }

    /// Content that acts, or reaches out of the file.
    pub(super) fn active(&mut self, offset: u64, what: impl Into<String>) {
        self.add("structure.active", what, offset, 0);
    }

    pub(super) fn truncated(&mut self, offset: u64) {
        self.add("structure.truncated", "the file ends before its container does", offset, 0);
    }

    /// Complete, unless something was left out, or there was more to say than the list holds.
    pub(super) fn coverage(&self) -> Coverage {
        if self.dropped == 0 {
            return self.lessened.clone().unwrap_or(Coverage::Complete);
        }
        Coverage::partial("limit.findings", format!("{} more findings", self.dropped))
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
