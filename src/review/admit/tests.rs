use super::*;
use crate::{
    ports::{
        accounts::{Queues, Role, Tenants},
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
        queues: Queues::All,
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
        labels: Vec::new(),
        queued_at: at(1),
        escalated: false,
        sealed: false,
        version: 3,
        fence: 7,
        holder: Some("ann".into()),
        held_until: Some(at(5)),
        not_by: Vec::new(),
        skipped_by: Vec::new(),
        reports: 0,
        appealed: false,
        appeals: 0,
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
        regions: Vec::new(),
    };
    let detail = VerdictDetail {
        verdict: Decision::Review,
        sha256: String::new(),
        size: 1,
        r#type: TypeDetail { media_type: "application/pdf".into(), declared: None },
        reasons: Vec::new(),
        second: false,
        findings: Vec::from_iter(infected.then_some(finding)),
        checks: vec![check],
        labels: Default::default(),
        policy: None,
        film: None,
        picture: None,
        perceptual_hash: None,
    };
    NumberedVerdict { number: 1, detail, at: at(1) }
}

fn ask(kind: Kind, reason: &str) -> Ask {
    Ask { kind, reason: reason.into(), note: String::new(), overrides: Vec::new(), fence: 7, batch: None }
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
        (Denied::SamePerson, said(&spam, |item| item.not_by = vec!["ann".into()])),
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
    assert_eq!(said(&approve, |_| ()).unwrap_err(), Forbidden::Gaps(vec![gap.clone()]).into());
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
    assert_eq!(becomes.not_by, ["ann"]);
    let held = Item { holder: Some("bob".into()), not_by: becomes.not_by, ..item() };
    let first = Ruling { number: 1, ..first };
    let (second, becomes) =
        decide(&approve, &held, State::InReview, &verdict(true, false), &[first], &bob, &rules).unwrap();
    assert_eq!((second.standing, becomes.status), (Standing::Waiting, Status::Waiting));
}

#[test]
fn the_policy_marks_what_takes_two_people_and_a_reversal_is_open_to_a_second_senior() {
    let marked = NumberedVerdict {
        detail: VerdictDetail { second: true, ..verdict(true, false).detail },
        ..verdict(true, false)
    };
    let approve = over(ask(Kind::Approve, "false_alarm"));
    let (ann, zoe) = (who("ann", Role::Moderator), who("zoe", Role::Senior));
    let rules = Rules::default();
    let (first, becomes) = decide(&approve, &item(), State::InReview, &marked, &[], &ann, &rules).unwrap();
    assert_eq!((first.standing, becomes.status, becomes.escalated), (Standing::Second, Status::Open, false));
    let closed = Item { status: Status::Closed, holder: None, ..item() };
    let done = Ruling { standing: Standing::Done, kind: Kind::Quarantine, ..first };
    let (first, becomes) =
        decide(&approve, &closed, State::Quarantined, &marked, &[done], &zoe, &rules).unwrap();
    assert_eq!((first.standing, becomes.status, becomes.escalated), (Standing::Second, Status::Open, true));
}

#[test]
fn a_gap_that_an_approval_failed_of_may_be_named_from_then_on() {
    let approve = over(ask(Kind::Approve, "harmless"));
    let (said, _) = said(&approve, |_| ()).unwrap();
    let outcome = Some(Forbidden::Gaps(vec!["coverage.antivirus.partial".into()]).to_string());
    let failed = Ruling { standing: Standing::Failed, outcome, at: at(5), ..said };
    let ann = who("ann", Role::Moderator);
    let again = |overrides: &[&str], verdict: &NumberedVerdict| {
        let ask =
            Ask { overrides: overrides.iter().map(|code| (*code).to_owned()).collect(), ..approve.clone() };
        let history = [failed.clone()];
        decide(&ask, &item(), State::InReview, verdict, &history, &ann, &Rules::default())
            .map(|(ruling, _)| ruling.standing)
    };
    let (one, two) = ("coverage.image.partial", "coverage.antivirus.partial");
    let now = verdict(true, false);
    assert_eq!(again(&[two], &now), Err(Forbidden::Gaps(vec![one.into()]).into()));
    assert_eq!(again(&[one, two], &now), Ok(Standing::Waiting));
    // It may have been the trouble of a moment; what is found then is not gone over unnamed.
    assert_eq!(again(&[one], &now), Ok(Standing::Waiting));
    // A verdict that came after says itself what was not looked at.
    let later = NumberedVerdict { at: at(6), ..verdict(true, false) };
    assert_eq!(again(&[one], &later), Ok(Standing::Waiting));
    assert_eq!(again(&[one, two], &later), Err(Forbidden::NoGap(two.into()).into()));
}

#[test]
fn child_abuse_seals_at_once_and_is_served_to_nobody_meanwhile() {
    let (ruling, becomes) = said(&ask(Kind::Quarantine, SEALS), |_| ()).unwrap();
    assert!(becomes.sealed && becomes.status == Status::Waiting);
    assert_eq!(ruling.due_at, Some(at(39)), "nobody is served it: it can be taken back");
    let ann = who("ann", Role::Moderator);
    let published = |reason| {
        let ask = ask(Kind::Quarantine, reason);
        let rules = Rules::default();
        decide(&ask, &item(), State::Published, &verdict(true, false), &[], &ann, &rules).unwrap()
    };
    let (ruling, becomes) = published(SEALS);
    assert!(becomes.sealed && becomes.status == Status::Waiting);
    assert_eq!((ruling.standing, ruling.due_at), (Standing::Waiting, Some(at(9))));
    assert_eq!(published("spam").0.due_at, Some(at(39)));
}

#[test]
fn what_is_quarantined_already_is_sealed_by_whoever_sees_it() {
    let closed = Item { status: Status::Closed, holder: None, ..item() };
    let rule = |reason: &str, item: &Item, state, role| {
        let ask = Ask { fence: 0, ..ask(Kind::Quarantine, reason) };
        decide(&ask, item, state, &verdict(true, false), &[], &who("bob", role), &Rules::default())
    };
    // Whatever became of it before, and whoever had their say.
    let before = Item { escalated: true, not_by: vec!["bob".into()], ..closed.clone() };
    assert!(rule(SEALS, &before, State::Quarantined, Role::Moderator).unwrap().1.sealed);
    assert_eq!(rule("spam", &before, State::Quarantined, Role::Moderator).unwrap_err(), Denied::Escalated);
    for role in [Role::Moderator, Role::Senior, Role::Admin] {
        let (ruling, becomes) = rule(SEALS, &closed, State::Quarantined, role).unwrap();
        assert_eq!((ruling.standing, ruling.due_at), (Standing::Waiting, Some(at(39))), "{role}");
        assert!(becomes.sealed && becomes.status == Status::Waiting, "{role}");
        // For that alone, and once.
        let spam = rule("spam", &closed, State::Quarantined, role);
        assert!(matches!(spam, Err(Denied::Decided(_))), "{role}: {spam:?}");
    }
    let sealed = Item { sealed: true, ..closed.clone() };
    let again = rule(SEALS, &sealed, State::Quarantined, Role::Senior);
    assert!(matches!(again, Err(Denied::Decided(_))), "{again:?}");
    let cases = [
        (Denied::NoItem, rule(SEALS, &sealed, State::Quarantined, Role::Moderator)),
        (Denied::Right, rule(SEALS, &closed, State::Quarantined, Role::Auditor)),
        // That would take it down.
        (Denied::Right, rule(SEALS, &closed, State::Published, Role::Moderator)),
        (Denied::State(State::Erased), rule(SEALS, &closed, State::Erased, Role::Senior)),
    ];
    for (expected, got) in cases {
        assert_eq!(got.unwrap_err(), expected);
    }
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

#[test]
fn who_sees_another_queue_sees_no_such_item() {
    let ann = |queues: &str| User { queues: queues.parse().unwrap(), ..who("ann", Role::Moderator) };
    for (queues, sees) in
        [("*", true), ("coverage", true), ("coverage.image", true), ("image", false), ("", false)]
    {
        assert_eq!(may_see(&item(), &ann(queues)), sees, "{queues}");
        let got = decide(
            &ask(Kind::Quarantine, "spam"),
            &item(),
            State::InReview,
            &verdict(true, false),
            &[],
            &ann(queues),
            &Rules::default(),
        );
        assert_eq!(got.err(), (!sees).then_some(Denied::NoItem), "{queues}");
    }
}

#[test]
fn an_escalation_can_be_undone_as_long_as_others() {
    let (ruling, becomes) = said(&ask(Kind::Escalate, "unsure"), |_| ()).unwrap();
    assert_eq!((ruling.standing, ruling.due_at), (Standing::Waiting, Some(at(39))));
    assert!(becomes.escalated && becomes.released && becomes.status == Status::Open);
}

#[test]
fn what_users_ask_for_is_decided_by_whoever_holds_it() {
    let ann = who("ann", Role::Moderator);
    let plain = Rules { second: vec!["coverage.".into()], ..Rules::default() };
    let on = |ask: &Ask, state, item: &Item| {
        decide(ask, item, state, &verdict(true, false), &[], &ann, &plain)
            .map(|(ruling, becomes)| (ruling.standing, becomes.status))
    };
    let waits = Ok((Standing::Waiting, Status::Waiting));
    // A report: it stays published without going over a gap and without a second person, or is taken down.
    assert_eq!(on(&ask(Kind::Approve, "harmless"), State::Published, &item()), waits);
    assert_eq!(on(&ask(Kind::Quarantine, "spam"), State::Published, &item()), waits);
    // Nor is one named that nobody goes over.
    let named = Ask { overrides: vec!["coverage.made.up".into()], ..ask(Kind::Approve, "harmless") };
    let stored =
        decide(&named, &item(), State::Published, &verdict(true, false), &[], &ann, &plain).unwrap().0;
    assert!(stored.overrides.is_empty());
    // An appeal: upheld only as every approval is.
    let gap = Err(Forbidden::Gaps(vec!["coverage.image.partial".into()]).into());
    assert_eq!(on(&ask(Kind::Approve, "appeal"), State::Quarantined, &item()), gap);
    let second = Ok((Standing::Second, Status::Open));
    assert_eq!(on(&over(ask(Kind::Approve, "appeal")), State::Quarantined, &item()), second);
    assert_eq!(on(&ask(Kind::Quarantine, "spam"), State::Quarantined, &item()), waits);
    let kept = Item { not_by: vec!["bob".into(), "ann".into()], ..item() };
    assert_eq!(on(&ask(Kind::Quarantine, "spam"), State::Quarantined, &kept), Err(Denied::SamePerson));
    let lost = Item { holder: None, ..item() };
    assert_eq!(on(&ask(Kind::Quarantine, "spam"), State::Published, &lost), Err(Denied::Over));
    assert_eq!(on(&ask(Kind::Quarantine, "spam"), State::Erased, &item()), Err(Denied::State(State::Erased)));
}

#[test]
fn a_second_person_is_one_who_looked_since_it_was_last_decided() {
    let rules = Rules { second: vec!["coverage.".into()], ..Rules::default() };
    let approve = over(ask(Kind::Approve, "appeal"));
    let by = |who: &str, standing| Ruling {
        by: who.into(),
        standing,
        ..said(&over(ask(Kind::Approve, "harmless")), |_| ()).unwrap().0
    };
    let taken_down = Ruling { kind: Kind::Quarantine, ..by("bob", Standing::Done) };
    let old = [by("carl", Standing::Second), taken_down.clone()];
    let new = [taken_down, by("carl", Standing::Second)];
    for (history, standing) in [(&old, Standing::Second), (&new, Standing::Waiting)] {
        let ann = who("ann", Role::Moderator);
        let got = decide(&approve, &item(), State::Quarantined, &verdict(true, false), history, &ann, &rules);
        assert_eq!(got.unwrap().0.standing, standing);
    }
    // Neither who decided it first nor who agreed already.
    let held = Item { not_by: vec!["bob".into()], ..item() };
    let ann = who("ann", Role::Moderator);
    let (_, becomes) =
        decide(&approve, &held, State::Quarantined, &verdict(true, false), &old, &ann, &rules).unwrap();
    assert_eq!(becomes.not_by, ["bob", "ann"]);
}
