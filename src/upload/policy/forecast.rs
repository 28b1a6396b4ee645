//! What a policy would have said of a file that was judged already, from what is on record of it. Of no effect: what is
//! published is examined anew.

use super::Policy;
use crate::upload::{
    Check, CheckResult, Decision, Plan, Verdict,
    plan::SwitchedOff,
    verdict::{CheckDetail, Examined, FindingDetail, VerdictDetail},
};
use lazaret_report::{Coverage, Engine, Finding, Report};

/// What no policy had a say in: the file could not be scanned or read.
const NOT_ITS_OWN: [&str; 2] = ["scan_failed", "io.unreadable"];
/// Publishing was tried, and failed.
const WITHHELD: &str = "rendition.";

/// What would have come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    pub decision: Decision,
    pub reasons: Vec<String>,
}

impl Policy {
    pub fn forecast(&self, on_record: &VerdictDetail, name: Option<&str>, tenant: &str) -> Forecast {
        let stays = || Forecast { decision: on_record.verdict, reasons: on_record.reasons.clone() };
        let first = on_record.reasons.first().map_or("", String::as_str);
        if NOT_ITS_OWN.contains(&first) {
            return stays();
        }
        let examined = examined(on_record);
        let opinion = self.judge(&examined, name, tenant);
        let verdict = Verdict::reach(examined, opinion, self.version().clone());
        if verdict.decision() == Decision::Publish && first.starts_with(WITHHELD) {
            return stays();
        }
        Forecast { decision: verdict.decision(), reasons: verdict.reasons().to_vec() }
    }
}

/// As it was examined, but for what the record leaves out: a check that did not apply is the plan's again.
fn examined(detail: &VerdictDetail) -> Examined {
    let media_type = &detail.r#type.media_type;
    let left_out = |check: &CheckDetail| check.coverage == "not_applicable";
    let off: Vec<SwitchedOff> = detail
        .checks
        .iter()
        .filter(|check| left_out(check))
        .filter_map(|check| check.check.parse().ok())
        .map(|check: Check| SwitchedOff {
            check,
            media_type: media_type.clone(),
            because: "as on record".to_owned(),
        })
        .collect();
    let plan = Plan::new(media_type, &off);
    let mut results: Vec<CheckResult> = Vec::with_capacity(detail.checks.len());
    for check in detail.checks.iter().filter(|check| !left_out(check)) {
        let Ok(kind) = check.check.parse::<Check>() else { continue };
        // A check that stands twice has its findings with the first.
        let first = !results.iter().any(|result| result.check == kind);
        let findings = detail.findings.iter().filter(|finding| first && finding.check == check.check);
        let engine = check.engine.as_deref().unwrap_or_default();
        let report = Report {
            engine: Engine::new(engine, check.version.clone().unwrap_or_default()),
            coverage: coverage(check),
            findings: findings.map(finding).collect(),
        };
        let mut result = CheckResult::looked(kind, report);
        if check.engine.is_none() {
            result.engine = None;
        }
        results.push(result);
    }
    results.extend(plan.not_applicable());
    Examined {
        sha256: detail.sha256.clone(),
        size: detail.size,
        media_type: media_type.clone(),
        declared: detail.r#type.declared.clone(),
        plan,
        results,
        labels: detail.labels.clone(),
        film: detail.film.clone(),
        picture: detail.picture.clone(),
        perceptual_hash: detail.perceptual_hash,
    }
}

/// A word that is not known is no coverage.
fn coverage(check: &CheckDetail) -> Coverage {
    let why = check.why.as_deref().unwrap_or_default();
    let (code, detail) = why.split_once(": ").unwrap_or((why, ""));
    match check.coverage.as_str() {
        "complete" => Coverage::Complete,
        "partial" => Coverage::partial(code, detail),
        _ => Coverage::failed(code, detail),
    }
}

fn finding(on_record: &FindingDetail) -> Finding {
    Finding {
        code: on_record.code.clone(),
        detail: on_record.detail.clone(),
        score: on_record.score,
        evidence: on_record.evidence.clone(),
        regions: on_record.regions.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::policy::{DEFAULT, DEFAULT_VERSION};
    use proptest::prelude::*;

    fn policy(verdict: &str, when: &str) -> Policy {
        let text = format!("[[rule]]\nname = \"it\"\nwhen = '{when}'\nverdict = \"{verdict}\"\n");
        Policy::compile(&text, 2).unwrap()
    }

    /// Judged by the embedded policy.
    fn judged(media_type: &str, gap: Option<Check>, finding: Option<&str>, score: f32) -> VerdictDetail {
        let plan = Plan::new(media_type, &[]);
        let mut results: Vec<CheckResult> = plan.not_applicable().collect();
        for check in Check::ALL.into_iter().filter(|check| plan.requires(*check)) {
            let coverage = match gap {
                Some(of) if of == check => Coverage::partial("embedded", "pictures inside"),
                _ => Coverage::Complete,
            };
            let own = finding.filter(|code| code.starts_with(check.as_str()));
            let findings = own.map(|code| Finding::new(code, "seen")).into_iter().collect();
            let engine = Engine::new("model", "1");
            results.push(CheckResult::looked(check, Report { engine, coverage, findings }));
        }
        let labels = ["porn", "hentai", "sexy", "neutral", "drawing"];
        let examined = Examined {
            sha256: "00".repeat(32),
            size: 9,
            media_type: media_type.to_owned(),
            declared: Some(media_type.to_owned()),
            plan,
            results,
            labels: labels.map(|label| (format!("nsfw-mobilenet-v2.{label}"), score)).into(),
            film: None,
            picture: None,
            perceptual_hash: None,
        };
        let embedded = Policy::compile(DEFAULT, DEFAULT_VERSION).unwrap();
        let opinion = embedded.judge(&examined, Some("a.jpg"), "acme");
        Verdict::reach(examined, opinion, embedded.version().clone()).detail()
    }

    proptest! {
        /// The record is enough: the policy that judged says the same of it again.
        #[test]
        fn the_same_policy_says_the_same(
            media_type in proptest::sample::select(vec!["image/jpeg", "video/mp4", "application/pdf", "text/plain"]),
            gap in proptest::option::of(proptest::sample::select(Check::ALL.to_vec())),
            finding in proptest::option::of(proptest::sample::select(vec![
                "antivirus.infected", "type.executable", "type.mismatch", "structure.embedded", "structure.suspicious",
            ])),
            score in 0.0f32..1.0,
        ) {
            let detail = judged(media_type, gap, finding, score);
            let embedded = Policy::compile(DEFAULT, DEFAULT_VERSION).unwrap();
            let again = embedded.forecast(&detail, Some("a.jpg"), "acme");
            prop_assert_eq!((again.decision, again.reasons), (detail.verdict, detail.reasons));
        }
    }

    #[test]
    fn law_2_holds_for_forecasts_too() {
        let gap = judged("image/jpeg", Some(Check::Image), None, 0.0);
        let forecast = policy("publish", "true").forecast(&gap, None, "acme");
        assert_eq!(forecast.decision, Decision::Review);
        assert_eq!(forecast.reasons, ["coverage.image.partial"]);
        let infected = judged("image/jpeg", None, Some("antivirus.infected"), 0.0);
        assert_eq!(
            policy("publish", "true").forecast(&infected, None, "acme").decision,
            Decision::Quarantine
        );
        // The word of the record is no proof that a check did not apply where none is known to do without.
        let mut strange = judged("image/jpeg", None, None, 0.0);
        strange.checks.retain(|check| check.check != "antivirus");
        assert_eq!(policy("publish", "true").forecast(&strange, None, "acme").decision, Decision::Review);
    }

    #[test]
    fn what_no_policy_decided_stays() {
        let mut failed = judged("image/jpeg", None, None, 0.0);
        failed.verdict = Decision::Review;
        for (reason, verdict, decision) in [
            ("scan_failed", "quarantine", Decision::Review),
            ("rendition.failed", "publish", Decision::Review),
            ("rendition.failed", "quarantine", Decision::Quarantine),
        ] {
            failed.reasons = vec![reason.to_owned()];
            let forecast = policy(verdict, "true").forecast(&failed, None, "acme");
            assert_eq!(forecast.decision, decision, "{reason} {verdict}");
        }
    }

    #[test]
    fn fields_are_those_of_the_record() {
        let detail = judged("image/jpeg", None, None, 0.5);
        for when in [
            r#"file.extension == "png" && upload.tenant == "acme""#,
            r#"score("porn") > 0.4 && coverage.image == "complete""#,
        ] {
            let forecast = policy("quarantine", when).forecast(&detail, Some("x.PNG"), "acme");
            assert_eq!(
                (forecast.decision, &forecast.reasons[..]),
                (Decision::Quarantine, &["it".to_owned()][..])
            );
        }
    }
}
