//! What came of the members, folded into the results of the archive around them.

use super::Inside;
use crate::upload::{Check, CheckResult, Outcome, Plan};
use lazaret_report::{Coverage, Engine, Finding};
use std::collections::BTreeMap;

/// More findings of one code than this tell nobody anything new.
const EACH: usize = 6;

/// `results` holds those of the archive itself. A check that the plan leaves out takes no gap.
pub(in crate::pipeline) fn fold(
    inside: Inside,
    plan: &Plan,
    results: &mut Vec<CheckResult>,
    labels: &mut BTreeMap<String, f32>,
) {
    let Inside { mut gaps, findings, engines, labels: scores } = inside;
    for check in Check::ALL.into_iter().filter(|check| plan.requires(*check)) {
        let Some(gap) = gaps.remove(&check) else { continue };
        match results.iter_mut().find(|result| result.check == check) {
            Some(result) => worsen(result, gap),
            None => results.push(CheckResult {
                check,
                engine: None,
                outcome: Outcome::Looked(gap),
                findings: Vec::new(),
            }),
        }
    }
    for (check, finding) in few_of_each(findings) {
        match results.iter_mut().find(|result| result.check == check) {
            Some(result) => result.findings.push(finding),
            None => {
                // The check is off, and what was seen is seen.
                if let Some(first) = results.first_mut() {
                    first.findings.push(finding);
                }
            }
        }
    }
    name_models(engines, results);
    for (label, score) in scores {
        let worst = labels.entry(label).or_insert(score);
        *worst = worst.max(score);
    }
}

fn worsen(result: &mut CheckResult, gap: Coverage) {
    if let Outcome::Looked(coverage) = &mut result.outcome {
        let had = std::mem::replace(coverage, Coverage::Complete);
        *coverage = had.and(gap);
    }
}

/// The image check of an archive is made by the models that looked at its members' pictures.
fn name_models(engines: Vec<Engine>, results: &mut Vec<CheckResult>) {
    let Some(at) = results.iter().position(|result| result.check == Check::Image) else { return };
    let mut engines = engines.into_iter();
    results[at].engine = results[at].engine.take().or_else(|| engines.next());
    let more: Vec<_> =
        engines.map(|engine| CheckResult { engine: Some(engine), ..results[at].clone() }).collect();
    results.extend(more);
}

/// The first few findings of each code, and how many more there were.
fn few_of_each(findings: Vec<(Check, Finding)>) -> Vec<(Check, Finding)> {
    let mut kept = Vec::new();
    let mut counts: BTreeMap<(Check, String), usize> = BTreeMap::new();
    for (check, finding) in findings {
        let count = counts.entry((check, finding.code.clone())).or_default();
        *count += 1;
        if *count <= EACH {
            kept.push((check, finding));
        }
    }
    let more = counts.into_iter().filter(|(_, count)| *count > EACH);
    kept.extend(more.map(|((check, code), count)| {
        (check, Finding::new(&code, format!("{} more members with the same", count - EACH)))
    }));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(check: Check) -> CheckResult {
        CheckResult {
            check,
            engine: None,
            outcome: Outcome::Looked(Coverage::Complete),
            findings: Vec::new(),
        }
    }

    #[test]
    fn law_2_any_gap_of_a_member_is_a_gap_of_the_upload() {
        let plan = Plan::new("application/zip", &[]);
        let required = [Check::Type, Check::Structure, Check::Antivirus, Check::Image];
        for check in required {
            let mut results: Vec<_> = required.into_iter().map(looked).collect();
            let inside = Inside { gaps: [(check, Coverage::partial("x", ""))].into(), ..Inside::default() };
            fold(inside, &plan, &mut results, &mut BTreeMap::new());
            let gaps = plan.prove(&results).unwrap_err();
            assert_eq!((gaps.len(), gaps[0].check, gaps[0].kind), (1, check, "partial"));
        }
    }

    #[test]
    fn findings_are_kept_and_counted_and_worst_scores_win() {
        let plan = Plan::new("application/zip", &[]);
        let mut results = vec![looked(Check::Type), looked(Check::Image)];
        let findings =
            (0..10).map(|n| (Check::Type, Finding::new("type.executable", format!("{n}")))).collect();
        let engines = vec![Engine::new("m", "1"), Engine::new("n", "1")];
        let labels = [("m.porn".to_owned(), 0.9)].into();
        let mut scores = [("m.porn".to_owned(), 0.1)].into();
        fold(Inside { findings, engines, labels, ..Inside::default() }, &plan, &mut results, &mut scores);
        assert_eq!(results[0].findings.len(), EACH + 1);
        assert_eq!(results[0].findings[EACH].detail, "4 more members with the same");
        assert_eq!(results.iter().filter(|r| r.check == Check::Image && r.engine.is_some()).count(), 2);
        assert_eq!(scores["m.porn"], 0.9);
    }
}
