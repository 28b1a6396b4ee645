//! The machine's answer, and the rule that nothing is published without proof.

use super::{
    check::{CheckResult, Outcome},
    film::{FilmDetail, SheetDetail},
    known::KNOWN_BAD,
    likeness::Likeness,
    picture::PictureDetail,
    plan::{Cleared, Gap, Plan},
    policy::Opinion,
};
use lazaret_report::{Coverage, Evidence, Finding, Region};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The three answers there are, from mildest to hardest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Publish,
    Review,
    Quarantine,
}

impl Decision {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Review => "review",
            Self::Quarantine => "quarantine",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Decision {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        [Self::Publish, Self::Review, Self::Quarantine]
            .into_iter()
            .find(|d| d.as_str() == s)
            .ok_or_else(|| format!("no such decision: {s:?}; decisions are publish, review, quarantine"))
    }
}

/// What was learnt of one file, before anybody judged it.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// Lower-case hex of all the bytes that the checks read.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// By content.
    pub media_type: String,
    /// As the sender said.
    pub declared: Option<String>,
    pub plan: Plan,
    pub results: Vec<CheckResult>,
    /// Worst score by `model.label`; empty where no model applies.
    pub labels: BTreeMap<String, f32>,
    /// Of films.
    pub film: Option<FilmDetail>,
    /// Of pictures that were decoded.
    pub picture: Option<PictureDetail>,
    /// Of pictures in which there is something to be seen.
    pub perceptual_hash: Option<Likeness>,
}

impl Examined {
    pub fn findings(&self) -> impl Iterator<Item = (&CheckResult, &Finding)> {
        self.results.iter().flat_map(|result| result.findings.iter().map(move |finding| (result, finding)))
    }
}

/// A verdict with everything it rests on. There is no way to make one that publishes but [`Verdict::reach`], which
/// asks for a [`Cleared`].
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    answer: Answer,
    reasons: Vec<String>,
    second: bool,
    policy: PolicyVersion,
    examined: Examined,
}

/// Which policy judged, and which of its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    pub version: u32,
    /// SHA-256 of the policy's text, lower-case hex.
    pub digest: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Publish(Cleared),
    Review,
    Quarantine,
}

impl Verdict {
    /// Law 2: the policy's opinion publishes only with proof; without one the gaps become the reasons for a review.
    /// A file that holds a virus is never published, whatever the policy says, and one that is known to be bad is always
    /// quarantined.
    pub fn reach(examined: Examined, opinion: Opinion, policy: PolicyVersion) -> Self {
        let infected = examined.findings().any(|(_, f)| f.code == "antivirus.infected");
        let known = examined.findings().any(|(_, f)| f.code == KNOWN_BAD);
        let proof = examined.plan.prove(&examined.results);
        let second = opinion.second;
        let gap_codes = |gaps: &[Gap]| gaps.iter().map(Gap::code).collect::<Vec<_>>();
        let (answer, reasons) = match (opinion.decision, proof) {
            (Decision::Publish | Decision::Review, _) if known => {
                (Answer::Quarantine, vec![KNOWN_BAD.to_owned()])
            }
            (Decision::Publish, _) if infected => (Answer::Quarantine, vec!["antivirus.infected".to_owned()]),
            (Decision::Publish, Ok(cleared)) => (Answer::Publish(cleared), opinion.reasons),
            (Decision::Publish, Err(gaps)) => (Answer::Review, gap_codes(&gaps)),
            (Decision::Review, proof) => {
                let gaps = proof.err().map(|gaps| gap_codes(&gaps)).unwrap_or_default();
                // What a rule saw comes first. That it could not be asked (no score of a picture that nobody could
                // decode, say) comes last: the gap is why.
                let (asked, failed): (Vec<_>, Vec<_>) =
                    opinion.reasons.into_iter().partition(|reason| !reason.starts_with("policy."));
                (Answer::Review, asked.into_iter().chain(gaps).chain(failed).collect())
            }
            (Decision::Quarantine, _) => (Answer::Quarantine, opinion.reasons),
        };
        Self { answer, reasons, second, policy, examined }
    }

    /// The file could not be examined, after as many attempts as are allowed.
    pub fn gave_up(examined: Examined, policy: PolicyVersion) -> Self {
        Self {
            answer: Answer::Review,
            reasons: vec!["scan_failed".to_owned()],
            second: false,
            policy,
            examined,
        }
    }

    /// The file could not be read at all.
    pub fn unreadable(examined: Examined, policy: PolicyVersion) -> Self {
        Self {
            answer: Answer::Review,
            reasons: vec!["io.unreadable".to_owned()],
            second: false,
            policy,
            examined,
        }
    }

    /// The same verdict, but for review: publishing was tried and its renditions did not pass.
    #[must_use]
    pub fn withheld(mut self, reason: &str, results: Vec<CheckResult>) -> Self {
        self.answer = Answer::Review;
        self.reasons = vec![reason.to_owned()];
        self.examined.results.extend(results);
        self
    }

    /// The same verdict with the contact sheet of its film.
    #[must_use]
    pub fn with_sheet(mut self, sheet: SheetDetail) -> Self {
        if let Some(film) = &mut self.examined.film {
            film.sheet = Some(sheet);
        }
        self
    }

    pub fn decision(&self) -> Decision {
        match self.answer {
            Answer::Publish(_) => Decision::Publish,
            Answer::Review => Decision::Review,
            Answer::Quarantine => Decision::Quarantine,
        }
    }

    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    pub fn policy(&self) -> &PolicyVersion {
        &self.policy
    }

    pub fn examined(&self) -> &Examined {
        &self.examined
    }

    /// The form in which a verdict is stored and shown.
    pub fn detail(&self) -> VerdictDetail {
        let examined = &self.examined;
        VerdictDetail {
            verdict: self.decision(),
            sha256: examined.sha256.clone(),
            size: examined.size,
            r#type: TypeDetail {
                media_type: examined.media_type.clone(),
                declared: examined.declared.clone(),
            },
            reasons: self.reasons.clone(),
            second: self.second,
            findings: examined
                .findings()
                .map(|(result, finding)| FindingDetail {
                    check: result.check.to_string(),
                    code: finding.code.clone(),
                    detail: finding.detail.clone(),
                    score: finding.score,
                    evidence: finding.evidence.clone(),
                    regions: finding.regions.clone(),
                })
                .collect(),
            checks: examined.results.iter().map(CheckDetail::from).collect(),
            labels: examined.labels.clone(),
            film: examined.film.clone(),
            picture: examined.picture.clone(),
            perceptual_hash: examined.perceptual_hash,
            policy: Some(self.policy.clone()),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The score from which a label is what something is taken for.
pub const LIKELY: f32 = 0.5;

/// A verdict as JSON: the same members in `lazaret scan --json`, in the API and in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictDetail {
    pub verdict: Decision,
    pub sha256: String,
    pub size: u64,
    pub r#type: TypeDetail,
    pub reasons: Vec<String>,
    /// The policy asks for two people to approve it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub second: bool,
    pub findings: Vec<FindingDetail>,
    pub checks: Vec<CheckDetail>,
    pub labels: BTreeMap<String, f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub film: Option<FilmDetail>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureDetail>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perceptual_hash: Option<Likeness>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyVersion>,
}

impl VerdictDetail {
    /// The labels that came to a half or more, the likeliest first.
    pub fn likely_labels(&self) -> Vec<&str> {
        let mut likely: Vec<_> = self.labels.iter().filter(|(_, score)| **score >= LIKELY).collect();
        likely.sort_by(|a, b| b.1.total_cmp(a.1));
        likely.into_iter().map(|(label, _)| label.as_str()).collect()
    }

    /// The verdict as JSON without white space, and the SHA-256 of that text (lower-case hex), which events carry.
    pub fn to_json(&self) -> serde_json::Result<(String, String)> {
        let text = serde_json::to_string(self)?;
        let digest = crate::hex(&Sha256::digest(&text));
        Ok((text, digest))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeDetail {
    pub media_type: String,
    pub declared: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingDetail {
    pub check: String,
    pub code: String,
    pub detail: String,
    pub score: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Parts of the picture, or of the evidence's frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckDetail {
    pub check: String,
    pub engine: Option<String>,
    pub version: Option<String>,
    pub coverage: String,
    pub why: Option<String>,
}

impl From<&CheckResult> for CheckDetail {
    fn from(result: &CheckResult) -> Self {
        Self {
            check: result.check.to_string(),
            engine: result.engine.as_ref().map(|e| e.name.clone()),
            version: result.engine.as_ref().map(|e| e.version.clone()),
            coverage: result.coverage_name().to_owned(),
            why: result.why(),
        }
    }
}

/// Is this result proof enough by itself? For the checks of renditions, which are made and judged one by one.
pub fn is_clean(result: &CheckResult) -> bool {
    matches!(result.outcome, Outcome::Looked(Coverage::Complete)) && result.findings.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::Check;
    use lazaret_report::{Engine, Report};

    fn examined(coverage: Coverage, finding: Option<&str>) -> Examined {
        let plan = Plan::new("text/plain", &[]);
        let report = |coverage, findings| Report { engine: Engine::new("e", "1"), coverage, findings };
        let findings = finding.map(|code| Finding::new(code, "")).into_iter().collect();
        let mut results: Vec<_> = plan.not_applicable().collect();
        results.push(CheckResult::looked(Check::Type, report(Coverage::Complete, vec![])));
        results.push(CheckResult::looked(Check::Structure, report(Coverage::Complete, vec![])));
        results.push(CheckResult::looked(Check::Antivirus, report(coverage, findings)));
        Examined {
            sha256: "00".repeat(32),
            size: 1,
            media_type: "text/plain".into(),
            declared: None,
            plan,
            results,
            labels: BTreeMap::new(),
            film: None,
            picture: None,
            perceptual_hash: None,
        }
    }

    fn reach(examined: Examined, decision: Decision) -> Verdict {
        let opinion = Opinion { decision, reasons: vec!["rule".into()], second: false };
        Verdict::reach(examined, opinion, PolicyVersion { version: 1, digest: String::new() })
    }

    #[test]
    fn a_policy_that_says_publish_is_overruled_by_gaps_and_by_viruses() {
        let clean = reach(examined(Coverage::Complete, None), Decision::Publish);
        assert_eq!((clean.decision(), clean.reasons()), (Decision::Publish, &["rule".to_owned()][..]));
        let gap = reach(examined(Coverage::partial("limit.size", ""), None), Decision::Publish);
        assert_eq!(gap.decision(), Decision::Review);
        assert_eq!(gap.reasons(), ["coverage.antivirus.partial"]);
        let infected = reach(examined(Coverage::Complete, Some("antivirus.infected")), Decision::Publish);
        assert_eq!(infected.decision(), Decision::Quarantine);
    }

    #[test]
    fn what_is_known_to_be_bad_is_quarantined_whatever_a_policy_says() {
        for decision in [Decision::Publish, Decision::Review, Decision::Quarantine] {
            let known = reach(examined(Coverage::Complete, Some(KNOWN_BAD)), decision);
            assert_eq!(known.decision(), Decision::Quarantine, "{decision:?}");
        }
    }

    #[test]
    fn a_review_names_the_rule_and_the_gaps() {
        let verdict = reach(examined(Coverage::failed("deadline", ""), None), Decision::Review);
        assert_eq!(verdict.reasons(), ["rule", "coverage.antivirus.failed"]);
        let opinion =
            Opinion { decision: Decision::Review, reasons: vec!["policy.error".into()], second: false };
        let policy = PolicyVersion { version: 1, digest: String::new() };
        let verdict = Verdict::reach(examined(Coverage::failed("deadline", ""), None), opinion, policy);
        assert_eq!(verdict.reasons(), ["coverage.antivirus.failed", "policy.error"]);
    }

    #[test]
    fn the_shape_of_a_verdict() {
        let finding = Some("antivirus.infected");
        let verdict = reach(examined(Coverage::Complete, finding), Decision::Quarantine);
        insta::assert_json_snapshot!(verdict.detail());
    }
}
