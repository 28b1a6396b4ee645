//! What rules may say, what is refused, and what each rule of the default policy does.

use super::{DEFAULT, DEFAULT_VERSION, Policy, PolicyError};
use crate::upload::{Check, CheckResult, Decision, Plan, Verdict, verdict::Examined};
use lazaret_report::{Coverage, Engine, Finding, Report};
use std::collections::BTreeMap;

fn file(media_type: &str, coverage: Coverage, codes: &[&str], labels: &[(&str, f32)]) -> Examined {
    let plan = Plan::new(media_type, &[]);
    let mut results: Vec<_> = plan.not_applicable().collect();
    for check in Check::ALL.into_iter().filter(|check| plan.requires(*check)) {
        let findings = codes
            .iter()
            .filter(|code| code.starts_with(check.as_str()))
            .map(|code| Finding::new(code, "seen by a test"))
            .collect();
        let coverage = if check == Check::Image { coverage.clone() } else { Coverage::Complete };
        results.push(CheckResult::looked(
            check,
            Report { engine: Engine::new("test", "1"), coverage, findings },
        ));
    }
    let labels: BTreeMap<String, f32> = labels.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    Examined {
        sha256: "ab".repeat(32),
        size: 42,
        media_type: media_type.into(),
        declared: None,
        plan,
        results,
        labels,
        film: None,
        picture: None,
        perceptual_hash: None,
    }
}

const CALM: &[(&str, f32)] = &[("m.porn", 0.01), ("m.hentai", 0.01), ("m.sexy", 0.02), ("m.neutral", 0.96)];

#[test]
fn each_rule_of_the_default_policy() {
    let policy = Policy::compile(DEFAULT, DEFAULT_VERSION).unwrap();
    let with = |porn: f32, sexy: f32| vec![("m.porn", porn), ("m.hentai", 0.0), ("m.sexy", sexy)];
    /// Reason, scores, findings, decision.
    type Case = (&'static str, Vec<(&'static str, f32)>, &'static [&'static str], Decision);
    let cases: Vec<Case> = vec![
        ("clean", CALM.to_vec(), &[], Decision::Publish),
        ("antivirus.infected", CALM.to_vec(), &["antivirus.infected"], Decision::Quarantine),
        ("type.executable", CALM.to_vec(), &["type.executable", "type.extension"], Decision::Quarantine),
        ("type.not_allowed", CALM.to_vec(), &["type.not_allowed"], Decision::Quarantine),
        ("type.not_allowed", CALM.to_vec(), &["type.too_large"], Decision::Quarantine),
        (
            "structure.embedded",
            CALM.to_vec(),
            &["structure.trailing", "structure.embedded"],
            Decision::Quarantine,
        ),
        ("type.disguised", CALM.to_vec(), &["type.mismatch"], Decision::Review),
        ("structure.suspicious", CALM.to_vec(), &["structure.trailing"], Decision::Review),
        ("image.explicit", with(0.97, 0.0), &[], Decision::Quarantine),
        ("image.questionable", with(0.41, 0.0), &[], Decision::Review),
        ("image.questionable", with(0.0, 0.85), &[], Decision::Review),
        ("clean", with(0.39, 0.79), &[], Decision::Publish),
    ];
    for (reason, labels, codes, decision) in cases {
        let opinion = policy.judge(&file("image/png", Coverage::Complete, codes, &labels), None, "acme");
        assert_eq!(
            (opinion.decision, opinion.reasons),
            (decision, vec![reason.to_owned()]),
            "{codes:?} {labels:?}"
        );
    }
    let named: Vec<_> = policy.rules().map(|(name, ..)| name.to_owned()).collect();
    assert_eq!(named.len(), 9, "a rule without a case above: {named:?}");
}

#[test]
fn a_condition_may_be_written_with_escapes() {
    let text = "[[rule]]\nname = \"large\"\nwhen = \"f\\u0069le.size > 41 && f\\u006fund('type')\"\nverdict = \"quarantine\"\n";
    let policy = Policy::compile(text, 2).unwrap();
    let examined = file("image/png", Coverage::Complete, &["type.mismatch"], CALM);
    let opinion = policy.judge(&examined, None, "acme");
    assert_eq!((opinion.decision, opinion.reasons), (Decision::Quarantine, vec!["large".to_owned()]));
}

#[test]
fn a_label_that_no_model_gave_is_an_error_and_not_zero() {
    let policy = Policy::compile(DEFAULT, 1).unwrap();
    let scored = |coverage, labels| policy.judge(&file("image/png", coverage, &[], labels), None, "");
    assert_eq!(scored(Coverage::Complete, &[]).reasons, ["policy.error"]);
    assert_eq!(scored(Coverage::failed("image.model", ""), &[]).reasons, ["policy.error"]);
    // Where no model applies the score is 0: text, and documents whose pictures nobody took out.
    let text = policy.judge(&file("text/plain", Coverage::Complete, &[], &[]), None, "");
    assert_eq!(text.reasons, ["clean"]);
    let pdf = policy.judge(&file("application/pdf", Coverage::partial("embedded", ""), &[], &[]), None, "");
    assert_eq!(pdf.reasons, ["clean"], "law 2 turns this into a review");
}

#[test]
fn conditions_see_the_documented_fields() {
    let conditions = [
        r#"file.media_type == "image/png" && file.size == 42 && file.declared == """#,
        r#"file.extension == "jpeg" && file.sha256.startsWith("abab")"#,
        r#"upload.tenant == "acme""#,
        r#"findings.exists(f, f.check == "structure" && f.code == "structure.trailing" && f.score == 0.0)"#,
        r#"found("structure") && found("structure.trailing") && !found("structure.trail")"#,
        r#"coverage["antivirus"] == "complete" && coverage.video == "not_applicable""#,
        r#"labels["m.porn"] < 0.5 && score("porn") < 0.5 && score("m.porn") < 0.5"#,
        r#"size(findings) == 1 && file.media_type.matches("^image/")"#,
    ];
    for condition in conditions {
        let text = format!("[[rule]]\nname = \"seen\"\nwhen = '''{condition}'''\nverdict = \"quarantine\"\n");
        let policy = Policy::compile(&text, 2).unwrap();
        let examined = file("image/png", Coverage::Complete, &["structure.trailing"], CALM);
        let opinion = policy.judge(&examined, Some("holiday.JPEG"), "acme");
        assert_eq!(opinion.reasons, ["seen"], "{condition}");
    }
}

#[test]
fn a_rule_may_ask_for_two_people() {
    let text = |second: &str, verdict: &str| {
        format!("[[rule]]\nname = \"r\"\nwhen = \"true\"\nverdict = \"{verdict}\"\n{second}")
    };
    let picture = file("image/png", Coverage::Complete, &[], CALM);
    for (second, verdict, asked) in [
        ("second = true\n", "review", true),
        ("second = true\n", "quarantine", true),
        ("second = false\n", "review", false),
        ("", "review", false),
    ] {
        let policy = Policy::compile(&text(second, verdict), 1).unwrap();
        let opinion = policy.judge(&picture, None, "");
        assert_eq!(opinion.second, asked, "{second}{verdict}");
        let detail = Verdict::reach(picture.clone(), opinion, policy.version().clone()).detail();
        assert_eq!(detail.second, asked);
        assert_eq!(detail.to_json().unwrap().0.contains("\"second\":true"), asked);
    }
    let refused = Policy::compile(&text("second = true\n", "publish"), 1).unwrap_err().to_string();
    assert!(refused.starts_with("line 5: rule \"r\": what it publishes nobody approves"), "{refused}");
}

#[test]
fn what_fails_at_run_time_goes_to_review() {
    for condition in
        ["1", "file.nothing == 1", "findings[7].code == 'x'", "labels['none'] > 0.1", "score('none') > 0.0"]
    {
        let text = format!("[[rule]]\nname = \"r\"\nwhen = \"{condition}\"\nverdict = \"publish\"\n");
        let policy = Policy::compile(&text, 1).unwrap();
        let opinion = policy.judge(&file("image/png", Coverage::Complete, &[], CALM), None, "");
        assert_eq!(
            (opinion.decision, &*opinion.reasons[0]),
            (Decision::Review, "policy.error"),
            "{condition}"
        );
    }
    let never =
        Policy::compile("[[rule]]\nname = \"r\"\nwhen = \"false\"\nverdict = \"publish\"\n", 1).unwrap();
    let opinion = never.judge(&file("image/png", Coverage::Complete, &[], CALM), None, "");
    assert_eq!((opinion.decision, &*opinion.reasons[0]), (Decision::Review, "policy.no_match"));
}

#[test]
fn what_does_not_compile_is_refused_with_its_line() {
    let rule = |name: &str, when: &str| {
        format!("# a comment\n[[rule]]\nname = \"{name}\"\nwhen = '{when}'\nverdict = \"review\"\n")
    };
    let cases = [
        (rule("a", "file.size >"), "line 4: rule \"a\": the condition does not compile"),
        (rule("a", "fil.size > 1"), "line 4: rule \"a\": the condition does not compile: no such field: fil"),
        (rule("a", "scores(\"porn\") > 1.0"), "no such function: scores"),
        (rule("A b", "true"), "line 3: rule \"A b\": a name is"),
        (
            format!("{}{}", rule("a", "true"), rule("a", "true")),
            "line 8: rule \"a\": another rule has this name",
        ),
        ("[[rule]]\nname = \"a\"\nwhen = 'true'\nverdict = \"maybe\"\n".into(), "unknown variant `maybe`"),
        ("[[rule]]\nname = \"a\"\nwen = 'true'\nverdict = \"review\"\n".into(), "unknown field `wen`"),
        (String::new(), "the policy has no rule"),
        (format!("# {}", "x".repeat(super::MAX_BYTES)), "bytes long; the most is 262144"),
    ];
    for (text, error) in cases {
        let refused: PolicyError = Policy::compile(&text, 1).unwrap_err();
        assert!(refused.to_string().contains(error), "{refused}\nlacks {error}");
    }
}
