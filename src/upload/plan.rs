//! Which checks a type of file needs. Only the planner can say that a check does not apply.

use super::check::{Check, CheckResult, Outcome};
use lazaret_report::Coverage;
use std::{collections::BTreeMap, fmt};

/// The reason that a check does not apply. Its field is private to this module, so no worker and no policy can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotApplicable(String);

impl fmt::Display for NotApplicable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A check that the operator has switched off in writing: `[[checks.off]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchedOff {
    pub check: Check,
    /// A media type, or a family such as `audio/*`.
    pub media_type: String,
    pub because: String,
}

/// What must be known of one file before it may be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    required: Vec<Check>,
    not_applicable: BTreeMap<Check, NotApplicable>,
}

/// One thing that is not known and would have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub check: Check,
    /// `partial`, `failed` or `missing`.
    pub kind: &'static str,
    pub why: String,
}

impl Gap {
    /// The reason code on a verdict: `coverage.image.partial`.
    pub fn code(&self) -> String {
        format!("coverage.{}.{}", self.check, self.kind)
    }
}

/// Proof that every required check looked at all of the file. It can only be made by [`Plan::prove`], and a publish
/// verdict cannot be built without one.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleared(());

impl Plan {
    /// Plans the checks for a file of this type: all that apply, less what the operator switched off.
    pub fn new(media_type: &str, off: &[SwitchedOff]) -> Self {
        let mut plan = Self { required: Vec::new(), not_applicable: BTreeMap::new() };
        for check in Check::ALL {
            let switched_off = off.iter().find(|o| o.check == check && matches(&o.media_type, media_type));
            if let Some(reason) = inapplicable(check, media_type) {
                plan.not_applicable.insert(check, NotApplicable(reason.to_owned()));
            } else if let Some(off) = switched_off {
                plan.not_applicable
                    .insert(check, NotApplicable(format!("switched off by the operator: {}", off.because)));
            } else {
                plan.required.push(check);
            }
        }
        plan
    }

    /// As [`Self::new`], for a part of a document such as a `.docx`. Its XML is no file that anybody opens by itself: the
    /// document's own structure check covers how it hangs together, here it has only to be text, and its pictures are
    /// parts of their own.
    pub fn of_part(media_type: &str, off: &[SwitchedOff]) -> Self {
        let mut plan = Self::new(media_type, off);
        if is_markup_of_parts(media_type) {
            plan.required.retain(|required| *required != Check::Image);
            plan.not_applicable
                .insert(Check::Image, NotApplicable("text that is part of a document".to_owned()));
        }
        plan
    }

    pub fn requires(&self, check: Check) -> bool {
        self.required.contains(&check)
    }

    /// The results of the checks that do not apply, to stand beside those that do.
    pub fn not_applicable(&self) -> impl Iterator<Item = CheckResult> + '_ {
        self.not_applicable.iter().map(|(check, reason)| CheckResult {
            check: *check,
            engine: None,
            outcome: Outcome::NotApplicable(reason.clone()),
            findings: Vec::new(),
        })
    }

    /// Turns claims of coverage into a proof, or says what is missing. A result that says `not_applicable` counts
    /// only for a check that this very plan leaves out.
    pub fn prove(&self, results: &[CheckResult]) -> Result<Cleared, Vec<Gap>> {
        let gaps: Vec<Gap> = self.required.iter().filter_map(|check| gap(*check, results)).collect();
        if gaps.is_empty() { Ok(Cleared(())) } else { Err(gaps) }
    }
}

fn gap(check: Check, results: &[CheckResult]) -> Option<Gap> {
    let mut of_check = results.iter().filter(|result| result.check == check).peekable();
    if of_check.peek().is_none() {
        return Some(Gap { check, kind: "missing", why: "the check was not made".into() });
    }
    of_check.find_map(|result| match &result.outcome {
        Outcome::Looked(Coverage::Complete) => None,
        Outcome::Looked(Coverage::Partial(why)) => Some(Gap { check, kind: "partial", why: why.to_string() }),
        Outcome::Looked(Coverage::Failed(why)) => Some(Gap { check, kind: "failed", why: why.to_string() }),
        Outcome::NotApplicable(_) => {
            Some(Gap { check, kind: "missing", why: "the check applies, and was left out".into() })
        }
    })
}

/// Why a check can see nothing in files of this type. What is not known to hold no pictures, no video and no
/// structure is taken to hold them.
fn inapplicable(check: Check, media_type: &str) -> Option<&'static str> {
    let plain = is_plain_text(media_type);
    match check {
        Check::Type | Check::Structure | Check::Antivirus => None,
        Check::Image => match media_type.split_once('/') {
            _ if plain => Some("plain text holds no pictures"),
            Some(("video", _)) => Some("its pictures are the video check's"),
            Some(("font", _)) => Some("fonts are not pictures"),
            _ => None,
        },
        Check::Video => match media_type.split_once('/') {
            Some(("video", _)) => None,
            _ => Some("not a video"),
        },
    }
}

/// Text in which no reader looks for pictures, members or scripts; of Markdown the walk tells each of its pictures.
fn is_plain_text(media_type: &str) -> bool {
    matches!(
        media_type,
        "text/plain" | "text/csv" | "text/tab-separated-values" | "text/markdown" | "application/json"
    )
}

/// XML and style sheets, but for what a browser runs or draws.
pub fn is_markup_of_parts(media_type: &str) -> bool {
    matches!(media_type, "application/xml" | "text/css")
        || media_type.ends_with("+xml") && !matches!(media_type, "image/svg+xml" | "application/xhtml+xml")
}

/// Does `pattern`, a media type or a family such as `image/*`, take in `media_type`?
pub fn matches(pattern: &str, media_type: &str) -> bool {
    match pattern.strip_suffix("/*") {
        Some("*") => true,
        Some(family) => media_type.split_once('/').is_some_and(|(f, _)| f == family),
        None => pattern == media_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_report::{Engine, Report};

    fn result(check: Check, coverage: Coverage) -> CheckResult {
        let engine = Engine::new("e", "1");
        CheckResult::looked(check, Report { engine, coverage, findings: vec![] })
    }

    fn complete(plan: &Plan) -> Vec<CheckResult> {
        plan.required.iter().map(|check| result(*check, Coverage::Complete)).collect()
    }

    #[test]
    fn which_checks_apply() {
        let cases: [(&str, &[Check]); 6] = [
            ("image/jpeg", &[Check::Type, Check::Structure, Check::Antivirus, Check::Image]),
            ("video/mp4", &[Check::Type, Check::Structure, Check::Antivirus, Check::Video]),
            ("application/pdf", &[Check::Type, Check::Structure, Check::Antivirus, Check::Image]),
            ("application/zip", &[Check::Type, Check::Structure, Check::Antivirus, Check::Image]),
            ("text/plain", &[Check::Type, Check::Structure, Check::Antivirus]),
            ("application/octet-stream", &[Check::Type, Check::Structure, Check::Antivirus, Check::Image]),
        ];
        for (media_type, required) in cases {
            assert_eq!(Plan::new(media_type, &[]).required, required, "{media_type}");
        }
    }

    #[test]
    fn law_2_nothing_but_complete_coverage_of_every_required_check_is_a_proof() {
        let plan = Plan::new("image/png", &[]);
        assert!(plan.prove(&complete(&plan)).is_ok());
        for (i, check) in plan.required.iter().enumerate() {
            let spoiled = [
                (Some(Outcome::Looked(Coverage::partial("limit", ""))), "partial"),
                (Some(Outcome::Looked(Coverage::failed("crashed", ""))), "failed"),
                (Some(Outcome::NotApplicable(NotApplicable("x".into()))), "missing"),
                (None, "missing"),
            ];
            for (outcome, kind) in spoiled {
                let mut results = complete(&plan);
                match outcome {
                    Some(outcome) => results[i].outcome = outcome,
                    None => drop(results.remove(i)),
                }
                let gaps = plan.prove(&results).unwrap_err();
                assert_eq!((gaps.len(), gaps[0].check, gaps[0].kind), (1, *check, kind));
            }
        }
    }

    #[test]
    fn a_second_result_of_a_check_cannot_hide_a_gap_in_the_first() {
        let plan = Plan::new("image/png", &[]);
        let mut results = complete(&plan);
        results.push(result(Check::Image, Coverage::partial("limit.frames", "")));
        assert_eq!(plan.prove(&results).unwrap_err()[0].code(), "coverage.image.partial");
    }

    #[test]
    fn what_the_operator_switched_off_is_shown_with_the_reason() {
        let off = SwitchedOff {
            check: Check::Image,
            media_type: "application/*".into(),
            because: "staff only".into(),
        };
        let plan = Plan::new("application/pdf", &[off]);
        assert!(!plan.requires(Check::Image));
        let shown: Vec<_> = plan.not_applicable().filter_map(|r| r.why()).collect();
        assert!(shown.contains(&"switched off by the operator: staff only".to_owned()), "{shown:?}");
    }

    #[test]
    fn patterns_of_media_types() {
        assert!(matches("image/*", "image/png") && matches("*/*", "a/b") && matches("a/b", "a/b"));
        assert!(!matches("image/*", "imagex/png") && !matches("image/*", "image") && !matches("a/b", "a/c"));
    }
}
