//! A person's decision, and what it may not do. The rules are pure; who asks and what is stored is `review`'s.

use super::{
    check::Check,
    verdict::{Decision, Examined, VerdictDetail},
};
use std::{collections::BTreeSet, fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Approve,
    Quarantine,
    /// To a senior.
    Escalate,
    /// Says something, and changes nothing.
    Note,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Approve, Self::Quarantine, Self::Escalate, Self::Note];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Quarantine => "quarantine",
            Self::Escalate => "escalate",
            Self::Note => "note",
        }
    }

    /// What it makes of the upload.
    pub fn decision(self) -> Option<Decision> {
        match self {
            Self::Approve => Some(Decision::Publish),
            Self::Quarantine => Some(Decision::Quarantine),
            Self::Escalate | Self::Note => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == s)
            .ok_or_else(|| format!("no such ruling: {s:?}; rulings are approve, quarantine, escalate, note"))
    }
}

/// The reason that seals an item.
pub const SEALS: &str = "child_abuse";

/// The reasons that there are for each kind, with the words for people.
pub fn reasons(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Approve => &[
            ("harmless", "Harmless"),
            ("allowed", "Allowed by the rules"),
            ("false_alarm", "The machine was wrong"),
            ("appeal", "Appeal upheld"),
        ],
        Kind::Quarantine => &[
            ("nudity", "Nudity or sexual content"),
            ("violence", "Violence"),
            ("hate", "Hate"),
            ("harassment", "Harassment"),
            ("malware", "Malware or a trick"),
            ("spam", "Spam or fraud"),
            ("illegal", "Illegal otherwise"),
            (SEALS, "Child sexual abuse (seals the item)"),
            ("unreadable", "Cannot be looked at"),
            ("other", "Other (say which in the note)"),
        ],
        Kind::Escalate => &[
            ("unsure", "I am not sure"),
            ("too_hard", "I would rather not look at this"),
            ("law", "May need the law"),
        ],
        Kind::Note => &[("note", "A note")],
    }
}

/// A gap in coverage, as the stored verdict has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// `coverage.image.partial`
    pub code: String,
    pub why: String,
}

/// What a verdict says was not looked at.
pub fn gaps(verdict: &VerdictDetail) -> Vec<Gap> {
    let mut seen = BTreeSet::new();
    verdict
        .checks
        .iter()
        .filter(|check| !matches!(check.coverage.as_str(), "complete" | "not_applicable"))
        .map(|check| Gap {
            code: format!("coverage.{}.{}", check.check, check.coverage),
            why: check.why.clone().unwrap_or_default(),
        })
        .filter(|gap| seen.insert(gap.code.clone()))
        .collect()
}

pub fn is_infected(verdict: &VerdictDetail) -> bool {
    verdict.findings.iter().any(|finding| finding.code == "antivirus.infected")
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("a file with a virus is never published, whoever says so")]
    Infected,
    #[error("name the gaps that it overrides: {}", .0.join(", "))]
    Gaps(Vec<String>),
    #[error("{0} is no gap of this upload")]
    NoGap(String),
}

impl Forbidden {
    /// The gaps that an approval left out, of the words that are on record of why it was not carried out.
    pub fn gaps_in(outcome: &str) -> impl Iterator<Item = &str> {
        let words = outcome.split([' ', ',']);
        words.filter(|word| {
            let parts: Vec<_> = word.split('.').collect();
            matches!(parts[..], ["coverage", check, "partial" | "failed" | "missing"] if check.parse::<Check>().is_ok())
        })
    }
}

/// Leave to publish by a ruling: the one way beside a verdict's proof. It names every gap that it goes over, and there
/// is none over a virus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave(());

impl Leave {
    fn but_for(gaps: impl Iterator<Item = String>, overrides: &[String]) -> Result<Self, Forbidden> {
        let left: Vec<String> = gaps.filter(|code| !overrides.contains(code)).collect();
        if left.is_empty() { Ok(Self(())) } else { Err(Forbidden::Gaps(left)) }
    }

    /// `verdict` is what the checks say of the very bytes that are to be published.
    pub fn over(verdict: &VerdictDetail, overrides: &[String]) -> Result<Self, Forbidden> {
        if is_infected(verdict) {
            return Err(Forbidden::Infected);
        }
        Self::but_for(gaps(verdict).into_iter().map(|gap| gap.code), overrides)
    }

    /// As [`Self::over`], of what was found just now.
    pub fn over_examined(examined: &Examined, overrides: &[String]) -> Result<Self, Forbidden> {
        if examined.findings().any(|(_, finding)| finding.code == "antivirus.infected") {
            return Err(Forbidden::Infected);
        }
        let gaps = examined.plan.prove(&examined.results).err().unwrap_or_default();
        Self::but_for(gaps.iter().map(super::plan::Gap::code), overrides)
    }
}

/// From 0 to 100: how soon somebody should look. A virus or a hidden program goes first, then what models saw, then what
/// could not be looked at.
pub fn severity(verdict: &VerdictDetail) -> u32 {
    let finding = verdict.findings.iter().map(|finding| match finding.code.as_str() {
        "antivirus.infected" => 95,
        code if code.starts_with("antivirus.") || code == "type.executable" => 85,
        code if code.starts_with("structure.") || code.starts_with("type.") => 55,
        _ => 45,
    });
    // "neutral" and the like are what a harmless picture scores high in.
    let harmless = |label: &str| label.ends_with(".neutral") || label.ends_with(".drawing");
    let scores = verdict
        .labels
        .iter()
        .filter(|(label, _)| !harmless(label))
        .map(|(_, score)| (score.clamp(0.0, 1.0) * 90.0).round() as u32);
    let gap = if gaps(verdict).is_empty() { 10 } else { 30 };
    finding.chain(scores).max().unwrap_or(0).max(gap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::verdict::{CheckDetail, FindingDetail, TypeDetail};

    fn verdict(coverage: &[(&str, &str)], findings: &[&str], labels: &[(&str, f32)]) -> VerdictDetail {
        VerdictDetail {
            verdict: Decision::Review,
            sha256: String::new(),
            size: 1,
            r#type: TypeDetail { media_type: "image/png".into(), declared: None },
            reasons: Vec::new(),
            second: false,
            findings: findings
                .iter()
                .map(|code| FindingDetail {
                    check: "antivirus".into(),
                    code: (*code).into(),
                    detail: String::new(),
                    score: None,
                    evidence: None,
                    regions: Vec::new(),
                })
                .collect(),
            checks: coverage
                .iter()
                .map(|(check, coverage)| CheckDetail {
                    check: (*check).into(),
                    engine: None,
                    version: None,
                    coverage: (*coverage).into(),
                    why: Some("why".into()),
                })
                .collect(),
            labels: labels.iter().map(|(label, score)| ((*label).to_owned(), *score)).collect(),
            policy: None,
            film: None,
            picture: None,
            perceptual_hash: None,
        }
    }

    #[test]
    fn leave_names_every_gap_and_goes_over_no_virus() {
        let clean = verdict(&[("type", "complete"), ("video", "not_applicable")], &[], &[]);
        assert!(Leave::over(&clean, &[]).is_ok());
        let gap = verdict(&[("image", "partial"), ("antivirus", "failed")], &[], &[]);
        let image = "coverage.image.partial".to_owned();
        let antivirus = "coverage.antivirus.failed".to_owned();
        let all = Forbidden::Gaps(vec![image.clone(), antivirus.clone()]);
        // What is on record of it names them, for who asks again.
        assert_eq!(Forbidden::gaps_in(&all.to_string()).collect::<Vec<_>>(), [&image, &antivirus]);
        assert_eq!(Leave::over(&gap, &[]), Err(all));
        let left = Err(Forbidden::Gaps(vec![antivirus.clone()]));
        assert_eq!(Leave::over(&gap, std::slice::from_ref(&image)), left);
        assert!(Leave::over(&gap, &[image.clone(), antivirus]).is_ok());
        let infected = verdict(&[("image", "partial")], &["antivirus.infected"], &[]);
        assert_eq!(Leave::over(&infected, &[image]), Err(Forbidden::Infected));
        for other in ["a file with a virus", "coverage.image", "coverage.image.bad, coverage.x.partial", ""] {
            assert_eq!(Forbidden::gaps_in(other).next(), None, "{other}");
        }
    }

    #[test]
    fn severity_puts_the_worst_first() {
        let order = [
            verdict(&[("type", "complete")], &[], &[("m.neutral", 0.99)]),
            verdict(&[("image", "partial")], &[], &[]),
            verdict(&[("image", "complete")], &["structure.suspicious"], &[("m.porn", 0.3)]),
            verdict(&[("image", "complete")], &[], &[("m.porn", 0.9)]),
            verdict(&[("image", "complete")], &["type.executable"], &[("m.porn", 0.9)]),
            verdict(&[("image", "complete")], &["antivirus.infected"], &[]),
        ];
        let scores: Vec<u32> = order.iter().map(severity).collect();
        assert!(scores.is_sorted() && scores.iter().all(|score| *score <= 100), "{scores:?}");
        assert_eq!(scores[5], 95);
    }

    #[test]
    fn names_go_both_ways() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>(), Ok(kind));
            assert!(!reasons(kind).is_empty());
        }
        assert!("publish".parse::<Kind>().is_err());
    }
}
