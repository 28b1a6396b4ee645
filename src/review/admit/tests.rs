use super::*;
use crate::{
    ports::{
        accounts::{Role, Tenants},
        contract::samples::{at, id, tenant},
    },
    upload::{
        Decision,
        verdict::{CheckDetail, FindingDetail, TypeDetail, VerdictDetail},
    },
};

fn who(name: &str, role: Role) -> User {
    User {
        id: name.into(),
        email: format!("{name}@example.org"),
        role,
        tenants: Tenants::These([tenant("acme")].into()),
        password: None,
        totp: None,
        totp_step: 0,
        backup_codes: Vec::new(),
        created_at: at(0),
        disabled_at: None,
        version: 1,
    }
}

fn item() -> Item {
    Item {
        upload: id(1),
        tenant: tenant("acme"),
        filename: None,
        status: Status::Open,
        severity: 30,
        reasons: vec!["coverage.image.partial".into()],
        media_type: "application/pdf".into(),
        queued_at: at(1),
        escalated: false,
        sealed: false,
        version: 3,
        fence: 7,
        holder: Some("ann".into()),
        held_until: Some(at(5)),
        not_by: None,
    }
}

fn verdict(gap: bool, infected: bool) -> NumberedVerdict {
    let check = CheckDetail {
        check: "image".into(),
        engine: None,
        version: None,
        coverage: if gap { "partial" } else { "complete" }.into(),
        why: None,
    };
    let finding = FindingDetail {
        check: "antivirus".into(),
        code: "antivirus.infected".into(),
        detail: String::new(),
        score: None,
        evidence: None,
    };
    let detail = VerdictDetail {
        verdict: Decision::Review,
        sha256: String::new(),
        size: 1,
        r#type: TypeDetail { media_type: "application/pdf".into(), declared: None },
        reasons: Vec::new(),
        findings: Vec::from_iter(infected.then_some(finding)),
        checks: vec![check],
        labels: Default::default(),
        policy: None,
        film: None,
    };
    NumberedVerdict { number: 1, detail, at: at(1) }
}

fn ask(kind: Kind, reason: &str) -> Ask {
    Ask { kind, reason: reason.into(), note: String::new(), overrides: Vec::new(), fence: 7 }
}

fn over(ask: Ask) -> Ask {
    Ask { overrides: vec!["coverage.image.partial".into()], ..ask }
}

fn decide(
    ask: &Ask,
    item: &Item,
    state: State,
    verdict: &NumberedVerdict,
    rulings: &[Ruling],
    who: &User,
    rules: &Rules,
) -> Result<(Ruling, Becomes), Denied> {
    admit(ask, Case { item, state, verdict, rulings }, who, rules, at(9))
}

/// Of ann, a moderator, on the item that she holds.
fn said(ask: &Ask, change: impl FnOnce(&mut Item)) -> Result<(Ruling, Becomes), Denied> {
    let mut item = item();
    change(&mut item);
    let ann = who("ann", Role::Moderator);
    decide(ask, &item, State::InReview, &verdict(true, false), &[], &ann, &Rules::default())
}

#[test]
fn a_ruling_waits_for_as_long_as_it_can_be_undone() {
    let (ruling, becomes) = said(&ask(Kind::Quarantine, "spam"), |_| ()).unwrap();
    assert_eq!(
        (ruling.standing, ruling.due_at, ruling.over.as_str()),
        (Standing::Waiting, Some(at(39)), "verdict 1")
    );
    assert!(becomes.status == Status::Waiting && becomes.released && !becomes.sealed);
}

#[test]
fn who_may_not_decide_is_told_why() {
    let spam = ask(Kind::Quarantine, "spam");
    let cases: Vec<(Denied, Result<_, _>)> = vec![
        (Denied::NoItem, said(&spam, |item| item.tenant = tenant("globex"))),
        (Denied::NoItem, said(&spam, |item| item.sealed = true)),
        (Denied::Escalated, said(&spam, |item| item.escalated = true)),
        (Denied::SamePerson, said(&spam, |item| item.not_by = Some("ann".into()))),
        (Denied::Held("bob".into()), said(&spam, |item| item.holder = Some("bob".into()))),
        (Denied::Over, said(&spam, |item| item.holder = None)),
        (Denied::Over, said(&spam, |item| item.fence = 8)),
        (Denied::Reason, said(&ask(Kind::Quarantine, "harmless"), |_| ())),
        (Denied::Reason, said(&ask(Kind::Quarantine, ""), |_| ())),
        (Denied::Note, said(&ask(Kind::Quarantine, "other"), |_| ())),
        (Denied::Note, said(&ask(Kind::Note, "note"), |_| ())),
    ];
    for (expected, got) in cases {
        assert_eq!(got.unwrap_err(), expected);
    }
    let auditor = who("ann", Role::Auditor);
    let got =
        decide(&spam, &item(), State::InReview, &verdict(true, false), &[], &auditor, &Rules::default());
    assert_eq!(got.unwrap_err(), Denied::Right);
}

#[test]
fn an_approval_names_each_gap_and_goes_over_no_virus() {
    let approve = ask(Kind::Approve, "harmless");
    let gap = "coverage.image.partial".to_owned();
    assert_eq!(said(&approve, |_| ()).unwrap_err(), Forbidden::Gap(gap.clone()).into());
    let (ruling, _) = said(&over(approve.clone()), |_| ()).unwrap();
    assert_eq!(ruling.overrides, [gap]);
    let strange =
        Ask { overrides: vec!["coverage.image.partial".into(), "coverage.x.y".into()], ..approve.clone() };
    assert_eq!(said(&strange, |_| ()).unwrap_err(), Forbidden::NoGap("coverage.x.y".into()).into());
    let ann = who("ann", Role::Admin);
    let virus = verdict(true, true);
    let got = decide(&over(approve), &item(), State::InReview, &virus, &[], &ann, &Rules::default());
    assert_eq!(got.unwrap_err(), Forbidden::Infected.into());
}

#[test]
fn what_is_marked_takes_two_people() {
    let rules = Rules { second: vec!["coverage.".into()], ..Rules::default() };
    let (ann, bob) = (who("ann", Role::Moderator), who("bob", Role::Moderator));
    let approve = over(ask(Kind::Approve, "harmless"));
    let (first, becomes) =
        decide(&approve, &item(), State::InReview, &verdict(true, false), &[], &ann, &rules).unwrap();
    assert_eq!((first.standing, becomes.status), (Standing::Second, Status::Open));
    assert_eq!(becomes.not_by.as_deref(), Some("ann"));
    let held = Item { holder: Some("bob".into()), not_by: becomes.not_by, ..item() };
    let first = Ruling { number: 1, ..first };
    let (second, becomes) =
        decide(&approve, &held, State::InReview, &verdict(true, false), &[first], &bob, &rules).unwrap();
    assert_eq!((second.standing, becomes.status), (Standing::Waiting, Status::Waiting));
}

#[test]
fn child_abuse_seals_at_once() {
    let (_, becomes) = said(&ask(Kind::Quarantine, SEALS), |_| ()).unwrap();
    assert!(becomes.sealed);
}

#[test]
fn seniors_reverse_what_was_carried_out_and_others_do_not() {
    let closed = Item { status: Status::Closed, holder: None, ..item() };
    let done = |kind| Ruling {
        number: 4,
        standing: Standing::Done,
        ..said(&over(ask(kind, "spam")), |_| ()).unwrap().0
    };
    let history = [done(Kind::Quarantine)];
    for (role, allowed) in [(Role::Moderator, false), (Role::Senior, true), (Role::Admin, true)] {
        let got = decide(
            &over(ask(Kind::Approve, "appeal")),
            &closed,
            State::Quarantined,
            &verdict(true, false),
            &history,
            &who("zoe", role),
            &Rules::default(),
        );
        assert_eq!(got.is_ok(), allowed, "{role}");
        if let Ok((ruling, _)) = got {
            assert_eq!(ruling.over, "ruling 4");
        }
    }
    let again = decide(
        &ask(Kind::Quarantine, "spam"),
        &closed,
        State::Quarantined,
        &verdict(true, false),
        &history,
        &who("zoe", Role::Senior),
        &Rules::default(),
    );
    assert!(matches!(again, Err(Denied::Decided(_))));
}
