//! The suite of what is counted, of neighbours, and of policies over time; the adapter is a store too.

use super::samples::{TERM, at, claimed, id, settled, settlement, tenant, upload};
use crate::{
    ports::{
        Insight, Reviews, Store, Trials,
        accounts::{Deed, Queues, Tenants},
        insight::{Sight, Tally, What, day},
        reviews::{Becomes, CarriedOut, Ruling, Standing, Status},
        store::{NewUpload, Stale},
    },
    upload::{Decision, UploadId, policy::DEFAULT_VERSION, ruling::Kind, verdict::CheckDetail},
};
use std::sync::Arc;

#[macro_export]
macro_rules! insight_contract {
    ($make:path) => {
        $crate::contract_cases! { insight, $make;
            verdicts_and_gaps_are_counted_by_day
            rulings_are_counted_with_what_they_overturn
            what_waits_is_counted_by_age
            what_engines_hold_up_is_counted
            neighbours_are_those_that_may_be_seen
            pictures_that_look_alike_are_found_the_nearest_first
            what_an_uploader_sent_before_is_found_by_queue
            a_policy_is_saved_over_the_latest_alone
            past_verdicts_are_the_last_ones
        }
    };
}

fn deed(action: &'static str, second: i64) -> Deed<'static> {
    Deed { actor: "user:ann", action, at: at(second) }
}

fn of(names: &[&str]) -> Tenants {
    Tenants::These(names.iter().map(|name| tenant(name)).collect())
}

fn other(n: u64) -> NewUpload {
    NewUpload { tenant: tenant("globex"), ..upload(n) }
}

async fn counts<S: Insight>(store: &S, tenants: &Tenants, what: What) -> Vec<(i64, String, u64)> {
    let tallies = store.tallies(tenants, &[what], 0).await.unwrap();
    tallies.into_iter().map(|Tally { day, name, n, .. }| (day, name, n)).collect()
}

/// As [`counts`], of one day.
async fn named<S: Insight>(store: &S, what: What) -> Vec<(String, u64)> {
    counts(store, &Tenants::All, what).await.into_iter().map(|(_, name, n)| (name, n)).collect()
}

fn pairs(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

const DAY: i64 = 86_400;

pub async fn verdicts_and_gaps_are_counted_by_day<S: Store + Insight>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    settled(&*store, &upload(2), Decision::Publish, 11).await;
    settled(&*store, &upload(3), Decision::Review, 10 + DAY).await;
    settled(&*store, &other(4), Decision::Publish, 12).await;
    let first = day(at(10));
    let all = counts(&*store, &Tenants::All, What::Verdict).await;
    assert_eq!(all, [(first, "publish".to_owned(), 3), (first + 1, "review".to_owned(), 1)]);
    let own = counts(&*store, &of(&["globex"]), What::Verdict).await;
    assert_eq!(own, [(first, "publish".to_owned(), 1)]);
    assert!(counts(&*store, &of(&[]), What::Verdict).await.is_empty());
    let sums = store.sums(&Tenants::All, &[What::Verdict], first).await.unwrap();
    let sums: Vec<_> = sums.iter().map(|sum| (sum.name.as_str(), sum.day, sum.n)).collect();
    assert_eq!(sums, [("publish", first, 3), ("review", first, 1)]);
    let late = store.tallies(&Tenants::All, &[What::Verdict, What::Check], first + 1).await.unwrap();
    assert_eq!(late.len(), 1);

    let lease = claimed(&*store, &upload(5), 20).await;
    let mut settlement = settlement(&lease, Decision::Review, at(20));
    let check = |check: &str, coverage: &str| CheckDetail {
        check: check.into(),
        engine: None,
        version: None,
        coverage: coverage.into(),
        why: None,
    };
    settlement.verdict.checks =
        vec![check("type", "complete"), check("image", "partial"), check("video", "not_applicable")];
    assert_eq!(store.settle(&lease, &settlement).await.unwrap(), Ok(()));
    // One that comes too late counts nothing.
    assert_eq!(store.settle(&lease, &settlement).await.unwrap(), Err(Stale));
    assert_eq!(named(&*store, What::Check).await, pairs(&[("image partial", 1)]));
}

/// Settled at second 10 with these models, for review where not said otherwise.
async fn looked_at<S: Store>(store: &S, n: u64, decision: Decision, models: &[&str]) {
    let lease = claimed(store, &upload(n), 10).await;
    let mut settlement = settlement(&lease, decision, at(10));
    let check = |model: &&str| CheckDetail {
        check: "image".into(),
        engine: Some((*model).to_owned()),
        version: Some("1".into()),
        coverage: "complete".into(),
        why: None,
    };
    settlement.verdict.checks = models.iter().map(check).collect();
    assert_eq!(store.settle(&lease, &settlement).await.unwrap(), Ok(()));
}

/// Rules, and has it carried out.
async fn carried<S: Store + Reviews>(store: &S, id: UploadId, kind: Kind, by: &str, over: &str, second: i64) {
    let decided = store.upload(&tenant("acme"), id).await.unwrap().unwrap().state;
    let item = match store.take(id, by, at(second), at(second + 9)).await.unwrap() {
        Some(item) => item,
        None => {
            store.adopt(id).await.unwrap();
            store.item(id).await.unwrap().unwrap_or_else(|| panic!("no item of one that is {decided}"))
        }
    };
    let ruling = Ruling {
        upload: id,
        number: 0,
        kind,
        reason: "spam".into(),
        note: String::new(),
        overrides: Vec::new(),
        over: over.into(),
        by: by.into(),
        at: at(second),
        standing: Standing::Waiting,
        due_at: Some(at(second)),
        fence: 0,
        outcome: None,
        batch: None,
    };
    let becomes = Becomes {
        status: Status::Waiting,
        escalated: false,
        sealed: false,
        not_by: Vec::new(),
        released: true,
    };
    store.rule(&item, &ruling, &becomes, deed("ruling.made", second)).await.unwrap().expect("as it was");
    let due = store.due_ruling(at(second), at(second + 60)).await.unwrap().expect("it is due");
    let done = match kind {
        Kind::Approve => CarriedOut::Published(Vec::new()),
        _ => CarriedOut::Quarantined,
    };
    let keys = store.carried_out(&due, &done, deed("ruling.carried_out", second)).await.unwrap();
    assert!(keys.is_ok(), "{keys:?}");
    // Once more is not counted twice.
    let again = store.carried_out(&due, &done, deed("ruling.carried_out", second)).await.unwrap();
    assert_eq!(again, Err(Stale));
}

pub async fn rulings_are_counted_with_what_they_overturn<S: Store + Reviews + Insight>(store: Arc<S>) {
    looked_at(&*store, 1, Decision::Review, &["m1", "m2"]).await;
    looked_at(&*store, 2, Decision::Review, &["m1"]).await;
    looked_at(&*store, 3, Decision::Publish, &["m2"]).await;
    carried(&*store, id(1), Kind::Approve, "ann", "verdict 1", 40).await;
    carried(&*store, id(2), Kind::Quarantine, "ann", "verdict 1", 10 + 600).await;
    // A takedown is one as well.
    carried(&*store, id(3), Kind::Quarantine, "bob", "verdict 1", 10 + DAY).await;
    assert_eq!(named(&*store, What::Ruled).await, pairs(&[("rule.sample", 2), ("rule.sample", 1)]));
    assert_eq!(named(&*store, What::Overturned).await, pairs(&[("rule.sample", 1), ("rule.sample", 1)]));
    assert_eq!(named(&*store, What::ModelRuled).await, pairs(&[("m1", 2), ("m2", 1), ("m2", 1)]));
    assert_eq!(named(&*store, What::ModelOverturned).await, pairs(&[("m1", 1), ("m2", 1), ("m2", 1)]));
    assert_eq!(named(&*store, What::Waited).await, pairs(&[("15m", 1), ("1m", 1), ("more", 1)]));
    assert_eq!(named(&*store, What::PersonRuled).await, pairs(&[("ann", 2), ("bob", 1)]));
    assert!(named(&*store, What::PersonOverturned).await.is_empty());
    // Bob sees it otherwise than ann did: that is about her, and not about the rule.
    carried(&*store, id(2), Kind::Approve, "bob", "ruling 1", 700).await;
    assert_eq!(named(&*store, What::PersonOverturned).await, pairs(&[("ann", 1)]));
    assert_eq!(named(&*store, What::Ruled).await, pairs(&[("rule.sample", 2), ("rule.sample", 1)]));
    assert!(counts(&*store, &of(&["globex"]), What::Ruled).await.is_empty());
}

pub async fn what_waits_is_counted_by_age<S: Store + Insight>(store: Arc<S>) {
    for n in 1..=3 {
        settled(&*store, &upload(n), Decision::Review, 10 * n as i64).await;
    }
    settled(&*store, &other(4), Decision::Review, 40).await;
    settled(&*store, &upload(5), Decision::Publish, 50).await;
    let queued = async |tenants| store.queued_since(&tenants, &[at(25), at(10)]).await.unwrap();
    assert_eq!(queued(Tenants::All).await, [2, 3, 4]);
    assert_eq!(queued(of(&["acme"])).await, [1, 2, 3]);
    assert_eq!(queued(of(&[])).await, [0, 0, 0]);
}

pub async fn what_engines_hold_up_is_counted<S: Store + Insight>(store: Arc<S>) {
    for n in 1..=2 {
        let lease = claimed(&*store, &upload(n), 10).await;
        store
            .release(&lease, at(100), Some("antivirus is unavailable: starting"), false)
            .await
            .unwrap()
            .unwrap();
    }
    let lease = claimed(&*store, &upload(3), 10).await;
    store.release(&lease, at(100), None, false).await.unwrap().unwrap();
    let hindered = store.hindered(5).await.unwrap();
    assert_eq!(hindered, pairs(&[("antivirus is unavailable: starting", 2)]));
}

async fn seal<S: Reviews>(store: &S, upload: UploadId) {
    let item = store.take(upload, "ann", at(20), at(30)).await.unwrap().unwrap();
    let note = Ruling {
        upload,
        number: 0,
        kind: Kind::Note,
        reason: "note".into(),
        note: "x".into(),
        overrides: Vec::new(),
        over: "verdict 1".into(),
        by: "ann".into(),
        at: at(20),
        standing: Standing::Done,
        due_at: None,
        fence: 0,
        outcome: None,
        batch: None,
    };
    let seals =
        Becomes { status: Status::Open, escalated: false, sealed: true, not_by: Vec::new(), released: true };
    store.rule(&item, &note, &seals, deed("ruling.made", 20)).await.unwrap().unwrap();
}

pub async fn neighbours_are_those_that_may_be_seen<S: Store + Reviews + Insight>(store: Arc<S>) {
    let same = |new: NewUpload| NewUpload { sha256: "ab".repeat(32), ..new };
    settled(&*store, &same(upload(1)), Decision::Review, 10).await;
    settled(&*store, &same(other(2)), Decision::Publish, 11).await;
    settled(&*store, &upload(3), Decision::Publish, 12).await;
    settled(&*store, &same(upload(4)), Decision::Publish, 13).await;
    let sight = |tenants, sealed| Sight { tenants, queues: Queues::All, sealed };
    let bytes = "ab".repeat(32);
    let alike = async |sight: Sight| {
        let found = store.same_bytes(&sight, &bytes, id(4), 10).await.unwrap();
        found.into_iter().map(|one| one.upload).collect::<Vec<_>>()
    };
    assert_eq!(alike(sight(Tenants::All, false)).await, [id(2), id(1)]);
    assert_eq!(alike(sight(of(&["acme"]), false)).await, [id(1)]);
    assert!(alike(sight(of(&[]), true)).await.is_empty());
    let earlier = async |sight: Sight| {
        let found = store.earlier(&sight, &tenant("acme"), None, id(4), 10).await.unwrap();
        found.into_iter().map(|one| one.upload).collect::<Vec<_>>()
    };
    assert_eq!(earlier(sight(Tenants::All, false)).await, [id(3), id(1)]);
    assert!(earlier(sight(of(&["globex"]), false)).await.is_empty(), "of another tenant");
    // A sealed one is in no list, but for those who may see it; an erased one in none at all.
    seal(&*store, id(1)).await;
    store.erase(&tenant("globex"), id(2), "key:k", at(21)).await.unwrap().unwrap();
    assert!(alike(sight(Tenants::All, false)).await.is_empty());
    assert_eq!(alike(sight(Tenants::All, true)).await, [id(1)]);
    assert_eq!(earlier(sight(Tenants::All, false)).await, [id(3)]);
    assert_eq!(earlier(sight(Tenants::All, true)).await, [id(3), id(1)]);
}

pub async fn pictures_that_look_alike_are_found_the_nearest_first<S: Store + Reviews + Insight>(
    store: Arc<S>,
) {
    for (new, likeness) in [
        (upload(1), "00ff03ff03ff0fff"), // eight bits
        (other(2), "00ff00ff00ff00ff"),  // the same
        (upload(3), "00ff01ff01ff01ff"), // three bits
        (upload(4), "00ff03ff03ff1fff"), // nine bits
        (upload(5), "00ffaaaaaaaaaaaa"), // a band, and nothing else
        (upload(6), "00ff00ff00ff00ff"),
        (upload(7), "80ff00ff00ff00ff"), // one bit, the sign of what is stored
    ] {
        let lease = claimed(&*store, &new, 10).await;
        let mut settlement = settlement(&lease, Decision::Review, at(11));
        settlement.verdict.perceptual_hash = Some(likeness.parse().unwrap());
        store.settle(&lease, &settlement).await.unwrap().unwrap();
    }
    settled(&*store, &upload(8), Decision::Review, 12).await;
    let alike = async |sight: Sight, limit| {
        let likeness = "00ff00ff00ff00ff".parse().unwrap();
        let found = store.alike(&sight, likeness, &upload(6).sha256, limit).await.unwrap();
        found.into_iter().map(|one| one.upload).collect::<Vec<_>>()
    };
    let sight = |tenants, sealed| Sight { tenants, queues: Queues::All, sealed };
    assert_eq!(alike(sight(Tenants::All, false), 9).await, [id(2), id(7), id(3), id(1)]);
    assert_eq!(alike(sight(Tenants::All, false), 2).await, [id(2), id(7)]);
    assert_eq!(alike(sight(of(&["acme"]), false), 9).await, [id(7), id(3), id(1)]);
    let elsewhere = Queues::These(["image".to_owned()].into());
    assert!(alike(Sight { queues: elsewhere, ..sight(Tenants::All, false) }, 9).await.is_empty());
    seal(&*store, id(7)).await;
    store.erase(&tenant("acme"), id(3), "key:k", at(21)).await.unwrap().unwrap();
    assert_eq!(alike(sight(Tenants::All, false), 9).await, [id(2), id(1)]);
    assert_eq!(alike(sight(Tenants::All, true), 9).await, [id(2), id(7), id(1)]);
}

pub async fn what_an_uploader_sent_before_is_found_by_queue<S: Store + Insight>(store: Arc<S>) {
    let by = |n, who: &str| NewUpload { uploader: Some(who.to_owned()), ..upload(n) };
    settled(&*store, &by(1, "u1"), Decision::Review, 10).await;
    settled(&*store, &by(2, "u2"), Decision::Review, 10).await;
    settled(&*store, &NewUpload { tenant: tenant("globex"), ..by(3, "u1") }, Decision::Review, 10).await;
    settled(&*store, &by(4, "u1"), Decision::Publish, 10).await;
    store.accept(&by(5, "u1")).await.unwrap();
    settled(&*store, &by(6, "u1"), Decision::Review, 11).await;
    let earlier = async |queues: Queues, limit| {
        let sight = Sight { tenants: Tenants::All, queues, sealed: false };
        let found = store.earlier(&sight, &tenant("acme"), Some("u1"), id(6), limit).await.unwrap();
        found.into_iter().map(|one| (one.upload, one.verdict)).collect::<Vec<_>>()
    };
    let (first, published) = ((id(1), Some(Decision::Review)), (id(4), Some(Decision::Publish)));
    assert_eq!(earlier(Queues::All, 9).await, [(id(5), None), published, first]);
    assert_eq!(earlier(Queues::All, 2).await, [(id(5), None), published]);
    // What never came to review is filed under no queue.
    assert_eq!(earlier(Queues::These(["rule".to_owned()].into()), 9).await, [first]);
    assert!(earlier(Queues::These(["image".to_owned()].into()), 9).await.is_empty());
    let known = store.upload(&tenant("acme"), id(6)).await.unwrap().unwrap();
    assert_eq!(known.uploader.as_deref(), Some("u1"));
    store.erase(&tenant("acme"), id(1), "key:k1", at(20)).await.unwrap().unwrap();
    let known = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!(known.uploader, None, "erased with the upload");
    assert_eq!(earlier(Queues::All, 9).await, [(id(5), None), published]);
}

pub async fn a_policy_is_saved_over_the_latest_alone<S: Store + Trials>(store: Arc<S>) {
    let acme = tenant("acme");
    let save = async |over, text, second| {
        let deed = deed("policy.applied", second);
        store.save_policy(&acme, over, text, "because", deed).await.unwrap()
    };
    assert_eq!(save(2, "early", 1).await, Err(Stale));
    assert_eq!(save(DEFAULT_VERSION, "two", 2).await, Ok(2));
    assert_eq!(save(DEFAULT_VERSION, "late", 3).await, Err(Stale), "somebody was first");
    assert_eq!(store.apply_policy(&acme, "three", "cli", at(4)).await.unwrap(), 3);
    assert_eq!(save(3, "four", 5).await, Ok(4));
    assert_eq!(store.policy(&acme).await.unwrap().map(|p| (p.version, p.text)), Some((4, "four".to_owned())));
    let versions = store.policy_versions(&acme, 10).await.unwrap();
    let told: Vec<_> = versions.iter().map(|v| (v.number, v.by.as_str(), v.why.as_str(), v.at)).collect();
    let expected =
        [(4, "user:ann", "because", at(5)), (3, "cli", "", at(4)), (2, "user:ann", "because", at(2))];
    assert_eq!(told, expected);
    assert_eq!(store.policy_versions(&acme, 1).await.unwrap().len(), 1);
    assert_eq!(store.policy_text(&acme, 2).await.unwrap().as_deref(), Some("two"));
    assert_eq!(store.policy_text(&acme, 9).await.unwrap(), None);
    assert_eq!(store.policy_text(&tenant("globex"), 2).await.unwrap(), None);
    store.accept(&other(1)).await.unwrap();
    store.accept(&other(2)).await.unwrap();
    assert_eq!(store.tenants(10).await.unwrap(), [acme.clone(), tenant("globex")]);
    let log = store.audit(0, 20).await.unwrap();
    let applied: Vec<_> = log.iter().filter(|line| line.action == "policy.applied").collect();
    assert_eq!(applied.len(), 3);
    assert!(applied[2].actor == "user:ann" && applied[2].detail.contains("\"version\":4"));
}

pub async fn past_verdicts_are_the_last_ones<S: Store + Trials>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    settled(&*store, &upload(2), Decision::Review, 11).await;
    settled(&*store, &other(3), Decision::Review, 11).await;
    settled(&*store, &upload(4), Decision::Quarantine, 12).await;
    store.claim(upload(5).id, "w", at(13), TERM).await.unwrap();
    store.accept(&upload(6)).await.unwrap();
    store.erase(&tenant("acme"), id(1), "key:k", at(14)).await.unwrap().unwrap();
    let past = store.past(&tenant("acme"), 10).await.unwrap();
    let told: Vec<_> = past.iter().map(|one| (one.upload, one.verdict.verdict)).collect();
    assert_eq!(told, [(id(4), Decision::Quarantine), (id(2), Decision::Review)]);
    assert_eq!(past[1].filename.as_deref(), Some("photo 2.jpg"));
    let filed: Vec<_> = past.iter().map(|one| one.filed_under.as_deref()).collect();
    assert_eq!(filed, [None, Some("rule.sample")], "what never came to review is filed under nothing");
    assert_eq!(store.past(&tenant("acme"), 1).await.unwrap().len(), 1);
}
