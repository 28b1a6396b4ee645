//! Policies: compiled, and judging files that law 2 has something to say of.

use lazaret::upload::{
    Check, CheckResult, Decision, Plan, Verdict,
    policy::{DEFAULT, MAX_BYTES, Policy},
    verdict::Examined,
};
use lazaret_report::{Coverage, Engine, Finding, Report};
use std::collections::BTreeMap;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = match Policy::compile(text, 7) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(text.len() <= MAX_BYTES && policy.text() == text && policy.rules().count() > 0);
    for (coverage, code) in cases() {
        let examined = examined(coverage.clone(), code);
        let opinion = policy.judge(&examined, Some("a.jpg"), "acme");
        let known = policy
            .rules()
            .any(|(name, decision, _)| decision == opinion.decision && opinion.reasons == [name.to_owned()]);
        let ours = opinion.decision == Decision::Review
            && ["policy.error", "policy.no_match"].contains(&opinion.reasons.concat().as_str());
        assert!(known || ours, "{opinion:?}");
        let verdict = Verdict::reach(examined, opinion, policy.version().clone());
        let may = coverage.is_complete() && code != Some("antivirus.infected");
        assert!(
            may || verdict.decision() != Decision::Publish,
            "{coverage:?} {code:?}: {:?}",
            verdict.detail()
        );
    }
}

fn cases() -> [(Coverage, Option<&'static str>); 4] {
    [
        (Coverage::Complete, None),
        (Coverage::Complete, Some("antivirus.infected")),
        (Coverage::partial("limit.frames", "600 of 900"), Some("structure.trailing")),
        (Coverage::failed("child.crashed", "signal 11"), None),
    ]
}

fn examined(coverage: Coverage, code: Option<&str>) -> Examined {
    let plan = Plan::new("image/jpeg", &[]);
    let finding = code.map(|code| Finding::new(code, "a detail").scored(0.5));
    let report = |check: Check| Report {
        engine: Engine::new("e", "1"),
        coverage: if check == Check::Antivirus { coverage.clone() } else { Coverage::Complete },
        findings: if check == Check::Antivirus { finding.iter().cloned().collect() } else { Vec::new() },
    };
    let mut results: Vec<CheckResult> = plan.not_applicable().collect();
    let required = Check::ALL.into_iter().filter(|check| plan.requires(*check));
    results.extend(required.map(|check| CheckResult::looked(check, report(check))));
    Examined {
        sha256: "00".repeat(32),
        size: 1000,
        media_type: "image/jpeg".to_owned(),
        declared: Some("image/png".to_owned()),
        plan,
        results,
        labels: BTreeMap::from([("m.porn".to_owned(), 0.2), ("m.sexy".to_owned(), 0.9)]),
        film: None,
        picture: None,
        perceptual_hash: None,
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let conditions = [
        "true",
        "file.size > 10 && file.media_type.startsWith(\"image/\")",
        "findings.exists(f, f.code.matches(\"^antivirus[.]\") && f.score >= 0.5)",
        "score(\"porn\") > 0.1 || labels[\"m.sexy\"] < 0.5",
        "found(\"structure\") && coverage[\"image\"] == \"complete\"",
        "size(findings) == 0 ? upload.tenant == \"acme\" : has(file.sha256)",
        "[1, 2].map(x, x * 2).all(y, y in {2: true, 4: false})",
        "1 / 0 == 0",
        "file.nothing == \"\"",
    ];
    let rule = |when: &&str| {
        format!("[[rule]]\nname = \"a\"\nwhen = '{when}'\nverdict = \"publish\"\n").into_bytes()
    };
    conditions.iter().map(rule).chain([DEFAULT.as_bytes().to_vec()]).collect()
}
