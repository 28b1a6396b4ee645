//! What a walk of an archive has found so far: a few of each kind, and how many more there were.

use crate::content::{Declared, identify_by_magic};
use crate::quote::{quoted, quoted_bytes};
use lazaret_report::{Coverage, Evidence, Finding};
use std::collections::BTreeMap;

/// More findings of one code than this tell nobody anything new.
const EACH: u64 = 6;

#[derive(Debug)]
pub(crate) struct Log {
    findings: Vec<Finding>,
    counts: BTreeMap<String, u64>,
    coverage: Coverage,
}

impl Default for Log {
    fn default() -> Self {
        Self { findings: Vec::new(), counts: BTreeMap::new(), coverage: Coverage::Complete }
    }
}

impl Log {
    fn push(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.code.clone()).or_default();
        *count += 1;
        if *count <= EACH {
            self.findings.push(finding);
        }
    }

    /// Something about the bytes `offset .. offset + length`.
    pub(crate) fn add(&mut self, code: &str, detail: impl Into<String>, offset: u64, length: u64) {
        self.push(Finding::new(code, detail).at(Evidence::Bytes { offset, length }));
    }

    /// Something about the member of this name.
    pub(crate) fn member(&mut self, code: &str, name: &str, what: &str) {
        let name = quoted(name);
        self.push(Finding::new(code, format!("member {name} {what}")).at(Evidence::Member { name }));
    }

    pub(crate) fn malformed(&mut self, offset: u64, why: impl Into<String>) {
        self.add("structure.malformed", why, offset, 0);
    }

    /// Not all of the archive could be looked at.
    pub(crate) fn gap(&mut self, code: &str, detail: impl Into<String>) {
        self.gap_of(Coverage::partial(code, detail));
    }

    pub(crate) fn fail(&mut self, code: &str, detail: impl Into<String>) {
        self.gap_of(Coverage::failed(code, detail));
    }

    pub(crate) fn gap_of(&mut self, coverage: Coverage) {
        let before = std::mem::replace(&mut self.coverage, Coverage::Complete);
        self.coverage = before.and(coverage);
    }

    pub(crate) fn finish(mut self) -> (Coverage, Vec<Finding>) {
        for (code, count) in self.counts {
            if count > EACH {
                self.findings.push(Finding::new(&code, format!("{} more of the same", count - EACH)));
            }
        }
        (self.coverage, self.findings)
    }
}

/// What bytes that nobody expected look like, in words.
pub(crate) fn looks_like(sample: &[u8]) -> String {
    let known = identify_by_magic(sample, Declared::default()).media_type;
    if known == crate::content::UNKNOWN {
        return format!("which begin {}", quoted_bytes(&sample[..sample.len().min(16)]));
    }
    format!("which look like {known}")
}
