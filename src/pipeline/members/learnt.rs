//! What was learnt of the members of one archive.

use super::Place;
use crate::upload::{Check, Outcome, verdict::Examined};
use lazaret_inspect::quoted;
use lazaret_report::{Coverage, Engine, Evidence, Finding, Why};
use std::collections::BTreeMap;

/// What came of the members of one archive.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Inside {
    /// The worst claim of each check, where it is not complete.
    pub(super) gaps: BTreeMap<Check, Coverage>,
    pub(super) findings: Vec<(Check, Finding)>,
    /// The models that looked at pictures.
    pub(super) engines: Vec<Engine>,
    /// Worst score of each label.
    pub(super) labels: BTreeMap<String, f32>,
}

impl Inside {
    /// A gap of every check: nobody knows what it would have said.
    pub(super) fn gap(&mut self, coverage: &Coverage) {
        for check in [Check::Type, Check::Structure, Check::Antivirus, Check::Image] {
            self.gap_of(check, coverage.clone());
        }
    }

    fn gap_of(&mut self, check: Check, coverage: Coverage) {
        if !coverage.is_complete() {
            let had = self.gaps.remove(&check).unwrap_or(Coverage::Complete);
            self.gaps.insert(check, had.and(coverage));
        }
    }
}

/// Adds what was learnt of a member to what is known of the archive around it.
pub(super) fn take_in(name: &str, place: &Place, examined: Examined, inside: &mut Inside) {
    let within = |why: &Why| Why::new(&why.code, format!("member {}: {}", quoted(name), why.detail));
    let missing = examined.plan.prove(&examined.results).err().unwrap_or_default();
    for gap in missing.iter().filter(|gap| gap.kind == "missing") {
        inside.gap_of(parent_of(gap.check), Coverage::Failed(within(&Why::new("missing", &gap.why))));
    }
    for result in examined.results {
        let check = parent_of(result.check);
        match &result.outcome {
            Outcome::Looked(Coverage::Partial(why)) => inside.gap_of(check, Coverage::Partial(within(why))),
            Outcome::Looked(Coverage::Failed(why)) => inside.gap_of(check, Coverage::Failed(within(why))),
            Outcome::Looked(Coverage::Complete) | Outcome::NotApplicable(_) => {}
        }
        if let Some(engine) = result.engine.filter(|_| parent_of(result.check) == Check::Image)
            && !inside.engines.contains(&engine)
        {
            inside.engines.push(engine);
        }
        let told =
            result.findings.into_iter().filter(|finding| !place.is_part || matters_in_a_part(&finding.code));
        inside.findings.extend(told.map(|mut finding| {
            finding.detail = format!("member {}: {}", quoted(name), finding.detail);
            finding.evidence = Some(within_member(name, finding.evidence));
            (check, finding)
        }));
    }
    for (label, score) in examined.labels {
        let worst = inside.labels.entry(label).or_insert(score);
        *worst = worst.max(score);
    }
}

/// The way to a finding's place, from the outermost archive inwards.
fn within_member(name: &str, evidence: Option<Evidence>) -> Evidence {
    let name = quoted(name);
    match evidence {
        Some(Evidence::Member { name: inner }) => Evidence::Member { name: format!("{name} > {inner}") },
        _ => Evidence::Member { name },
    }
}

/// The rest of the member is a gap already.
pub(super) fn only_what_is_bad(mut examined: Examined) -> Examined {
    for result in &mut examined.results {
        if let Outcome::Looked(coverage) = &mut result.outcome {
            *coverage = Coverage::Complete;
        }
        result.findings.retain(|f| matches!(f.code.as_str(), "antivirus.infected" | "type.executable"));
    }
    examined.labels.clear();
    examined
}

/// An archive has no video check of its own: films in it are pictures of it.
fn parent_of(check: Check) -> Check {
    if check == Check::Video { Check::Image } else { check }
}

/// Whether a type may be uploaded is asked of the document, not of what it is made of.
fn matters_in_a_part(code: &str) -> bool {
    !matches!(code, "type.not_allowed" | "type.too_large" | "type.unknown")
}
