//! The suite of the flagged queue, whose adapter is a store too.

use super::samples::{api_key, at, claimed, id, rendition, settled, settlement, tenant, upload};
use crate::{
    ports::{
        Reviews, Store,
        accounts::{Deed, Queues, Tenants},
        reviews::{AuditFilter, Becomes, CarriedOut, Item, Place, Ruling, Skip, Standing, Status, View},
        store::{NewUpload, Stale},
    },
    upload::{
        Decision, State,
        rendition::RenditionName,
        ruling::{Kind, SEALS},
    },
};
use serde_json::json;
use std::sync::Arc;

#[macro_export]
macro_rules! reviews_contract {
    ($make:path) => {
        $crate::contract_cases! { reviews, $make;
            what_goes_to_review_is_in_the_queue
            the_queue_shows_what_a_view_sees
            the_queue_goes_on_where_a_page_ended
            items_are_found_by_what_they_are_taken_for
            no_two_people_have_one_item
            a_lease_that_runs_out_comes_back
            a_skipped_item_goes_to_others
            an_item_goes_past_all_who_skipped_it
            of_two_rulings_one_wins
            a_ruling_is_carried_out_once
            an_approval_publishes_and_a_takedown_removes
            a_ruling_can_be_undone_until_it_is_due
            what_fails_is_open_again
            an_escalation_is_undone_while_nobody_looks
            what_was_ruled_together_is_undone_together
            a_sealed_item_is_kept_and_in_no_list
            an_erased_upload_leaves_the_queue
            the_log_is_searched
            the_log_shows_what_is_in_sight
        }
    };
}

fn all() -> View {
    View {
        tenants: Tenants::All,
        queues: Queues::All,
        escalated: true,
        tenant: None,
        reason: None,
        media_type: None,
        label: None,
        voiced: None,
        before: None,
    }
}

fn deed(action: &'static str, second: i64) -> Deed<'static> {
    Deed { actor: "user:ann", action, at: at(second) }
}

fn ruling(kind: Kind, due: Option<i64>) -> Ruling {
    Ruling {
        upload: id(1),
        number: 0,
        kind,
        reason: "spam".into(),
        note: "why".into(),
        overrides: vec!["coverage.image.partial".into(), "coverage.video.failed".into()],
        over: "verdict 1".into(),
        by: "ann".into(),
        at: at(20),
        standing: if due.is_some() { Standing::Waiting } else { Standing::Done },
        due_at: due.map(at),
        fence: 0,
        outcome: None,
        batch: None,
    }
}

fn waits() -> Becomes {
    Becomes { status: Status::Waiting, escalated: false, sealed: false, not_by: Vec::new(), released: true }
}

async fn in_review<S: Store>(store: &S, count: u64) {
    for n in 1..=count {
        settled(store, &upload(n), Decision::Review, 9 + n as i64).await;
    }
}

/// Held by ann, and ruled on at second 20, to be carried out at 50.
async fn ruled<S: Store + Reviews>(store: &S, kind: Kind) -> Ruling {
    in_review(store, 1).await;
    let item = store.take(id(1), "ann", at(19), at(100)).await.unwrap().expect("nobody has it");
    let said = ruling(kind, Some(50));
    let number = store.rule(&item, &said, &waits(), deed("ruling.made", 20)).await.unwrap();
    Ruling { number: number.expect("it is ann's"), ..said }
}

async fn due<S: Reviews>(store: &S) -> Ruling {
    store.due_ruling(at(50), at(60)).await.unwrap().expect("it is due")
}

pub async fn what_goes_to_review_is_in_the_queue<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    settled(&*store, &upload(2), Decision::Publish, 12).await;
    settled(&*store, &upload(3), Decision::Quarantine, 12).await;
    let queue = store.queue(&all(), None, 10).await.unwrap();
    let expected = Item {
        upload: id(1),
        tenant: tenant("acme"),
        filename: Some("photo 1.jpg".into()),
        status: Status::Open,
        severity: 10,
        reasons: vec!["rule.sample".into()],
        media_type: "image/jpeg".into(),
        labels: Vec::new(),
        queued_at: at(10),
        escalated: false,
        sealed: false,
        version: 1,
        fence: 0,
        holder: None,
        held_until: None,
        not_by: Vec::new(),
        skipped_by: Vec::new(),
        reports: 0,
        appealed: false,
        appeals: 0,
    };
    assert_eq!(queue, std::slice::from_ref(&expected));
    assert_eq!(store.item(id(1)).await.unwrap(), Some(expected));
    assert_eq!(store.item(id(2)).await.unwrap(), None);
    store.adopt(id(2)).await.unwrap();
    store.adopt(id(2)).await.unwrap();
    assert_eq!(store.item(id(2)).await.unwrap().map(|item| item.status), Some(Status::Closed));
    store.adopt(id(9)).await.unwrap();
    assert_eq!(store.item(id(9)).await.unwrap(), None, "there is no such upload");
}

pub async fn the_queue_shows_what_a_view_sees<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 2).await;
    settled(&*store, &NewUpload { tenant: tenant("globex"), ..upload(3) }, Decision::Review, 30).await;
    let seen = async |view: View| {
        let items = store.queue(&view, None, 10).await.unwrap();
        let counts = store.counts(&view, at(40)).await.unwrap();
        assert_eq!(counts.open, items.len() as u64);
        items.into_iter().map(|item| item.upload).collect::<Vec<_>>()
    };
    let these = |names: &[&str]| Tenants::These(names.iter().map(|name| tenant(name)).collect());
    assert_eq!(seen(all()).await, [id(1), id(2), id(3)]);
    assert_eq!(seen(View { tenants: these(&["globex"]), ..all() }).await, [id(3)]);
    assert_eq!(seen(View { tenants: these(&["globex", "acme"]), ..all() }).await.len(), 3);
    assert_eq!(seen(View { tenants: these(&[]), ..all() }).await, []);
    assert_eq!(seen(View { tenants: these(&["globex"]), tenant: Some(tenant("acme")), ..all() }).await, []);
    assert_eq!(seen(View { tenant: Some(tenant("acme")), ..all() }).await, [id(1), id(2)]);
    assert_eq!(seen(View { reason: Some("rule.sample".into()), ..all() }).await.len(), 3);
    assert_eq!(seen(View { reason: Some("rule_sample".into()), ..all() }).await, []);
    let queues = |names: &str| names.parse::<Queues>().expect("queues");
    assert_eq!(seen(View { queues: queues("rule"), ..all() }).await.len(), 3);
    assert_eq!(seen(View { queues: queues("image,rule.sample"), ..all() }).await.len(), 3);
    assert_eq!(seen(View { queues: queues("rul,rule.s,rule.sample.more,image"), ..all() }).await, []);
    assert_eq!(seen(View { queues: queues(""), ..all() }).await, []);
    let globex = View { queues: queues("image"), tenant: Some(tenant("acme")), ..all() };
    assert_eq!(store.next(&globex, "ann", at(30), at(40)).await.unwrap(), None);
    assert_eq!(seen(View { media_type: Some("image/".into()), ..all() }).await.len(), 3);
    assert_eq!(seen(View { media_type: Some("video/".into()), ..all() }).await, []);
    assert_eq!(seen(View { before: Some(at(11)), ..all() }).await, [id(1)]);
    let counts = store.counts(&all(), at(40)).await.unwrap();
    assert_eq!((counts.held, counts.oldest), (0, Some(at(10))));
    assert_eq!(counts.reasons, [("rule.sample".to_owned(), 3)]);

    let item = store.take(id(1), "ann", at(40), at(50)).await.unwrap().expect("free");
    assert_eq!(store.counts(&all(), at(41)).await.unwrap().held, 1);
    let up = Becomes { status: Status::Open, escalated: true, ..waits() };
    store.rule(&item, &ruling(Kind::Escalate, None), &up, deed("ruling.made", 42)).await.unwrap().unwrap();
    assert_eq!(seen(View { escalated: false, ..all() }).await, [id(2), id(3)]);
}

/// As [`settled`], with what it is taken for.
async fn taken_for<S: Store>(store: &S, n: u64, labels: &[(&str, f32)]) {
    let lease = claimed(store, &upload(n), 9).await;
    let mut settlement = settlement(&lease, Decision::Review, at(10));
    settlement.verdict.labels = labels.iter().map(|(label, score)| ((*label).to_owned(), *score)).collect();
    store.settle(&lease, &settlement).await.unwrap().unwrap();
}

pub async fn the_queue_goes_on_where_a_page_ended<S: Store + Reviews>(store: Arc<S>) {
    // Three as severe as one another and of one moment, then four that are milder, the older first.
    for n in [5, 3, 4] {
        taken_for(&*store, n, &[("m.porn", 0.9)]).await;
    }
    for n in [7, 6, 9, 8] {
        settled(&*store, &upload(n), Decision::Review, 30 - n as i64).await;
    }
    let order = [3, 4, 5, 9, 8, 7, 6].map(id);
    let page = async |after: Option<&Place>, limit| store.queue(&all(), after, limit).await.unwrap();
    for limit in 1..=8 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let items = page(after.as_ref(), limit).await;
            let Some(last) = items.last() else { break };
            after = Some(last.place());
            seen.extend(items.iter().map(|item| item.upload));
        }
        assert_eq!(seen, order, "{limit} at a time");
    }
    // What comes, goes or is decided meanwhile moves nothing from one page to another.
    let last = page(None, 4).await.pop().expect("four").place();
    assert_eq!(last.to_string().parse(), Ok(last));
    taken_for(&*store, 1, &[("m.porn", 1.0)]).await;
    let item = store.take(id(9), "ann", at(40), at(90)).await.unwrap().expect("free");
    store
        .rule(
            &item,
            &Ruling { upload: id(9), ..ruling(Kind::Quarantine, Some(80)) },
            &waits(),
            deed("ruling.made", 41),
        )
        .await
        .unwrap()
        .expect("it is hers");
    let rest: Vec<_> = page(Some(&last), 10).await.iter().map(|item| item.upload).collect();
    assert_eq!(rest, order[4..]);
    for strange in ["", "1", "1.2", "1.2.x", "a.b.c", "-1.2.3"] {
        assert!(strange.parse::<Place>().is_err(), "{strange}");
    }
}

pub async fn items_are_found_by_what_they_are_taken_for<S: Store + Reviews>(store: Arc<S>) {
    let long = format!("m.{}", "x".repeat(600));
    taken_for(&*store, 1, &[("m.porn", 0.7), ("m.sexy", 0.9), ("m.neutral", 0.49)]).await;
    taken_for(&*store, 2, &[("m.sexy", 0.5), (&long, 0.9), ("m.a\nb", 0.9)]).await;
    taken_for(&*store, 3, &[("m.por", 0.8), ("m.SEXY", 0.8), ("m.p%n", 0.6)]).await;
    taken_for(&*store, 4, &[]).await;
    let found = async |label: &str| {
        let view = View { label: Some(label.to_owned()), ..all() };
        let mut items: Vec<_> =
            store.queue(&view, None, 10).await.unwrap().iter().map(|item| item.upload).collect();
        items.sort();
        assert_eq!(store.counts(&view, at(40)).await.unwrap().open, items.len() as u64);
        items
    };
    assert_eq!(found("m.sexy").await, [id(1), id(2)]);
    assert_eq!(found("m.porn").await, [id(1)]);
    assert_eq!(found("m.por").await, [id(3)], "whole labels, as they are written");
    assert_eq!(found("m.p%n").await, [id(3)]);
    for none in ["m.neutral", "m.", "sexy", "m.p_rn", "b", "m.sexy\nm.porn", &long] {
        let expected = if none.contains('\n') { vec![id(1)] } else { vec![] };
        assert_eq!(found(none).await, expected, "{none}");
    }
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!(item.labels, ["m.sexy", "m.porn"], "the likeliest first");
    let labels = store.labels(&all()).await.unwrap();
    assert_eq!(labels[0], ("m.sexy".to_owned(), 2));
    let names: Vec<_> = labels[1..].iter().map(|(name, n)| (name.as_str(), *n)).collect();
    assert_eq!(names, [("m.SEXY", 1), ("m.p%n", 1), ("m.por", 1), ("m.porn", 1)]);
    let view = View { label: Some("m.porn".into()), ..all() };
    assert_eq!(store.next(&view, "ann", at(40), at(50)).await.unwrap().map(|item| item.upload), Some(id(1)));
    assert_eq!(store.next(&view, "bob", at(40), at(50)).await.unwrap(), None);
}

pub async fn no_two_people_have_one_item<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 5).await;
    let asked: Vec<_> = (0..8)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.next(&all(), &format!("p{n}"), at(20), at(50)).await.unwrap() })
        })
        .collect();
    let mut handed = Vec::new();
    for one in asked {
        handed.extend(one.await.unwrap().map(|item| item.upload));
    }
    handed.sort();
    assert_eq!(handed, [id(1), id(2), id(3), id(4), id(5)], "each once, and three got none");
}

pub async fn a_lease_that_runs_out_comes_back<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let first = store.next(&all(), "ann", at(20), at(50)).await.unwrap().expect("free");
    assert_eq!((first.holder.as_deref(), first.held_until, first.fence), (Some("ann"), Some(at(50)), 1));
    assert_eq!(store.next(&all(), "bob", at(49), at(80)).await.unwrap(), None);
    assert_eq!(store.take(id(1), "bob", at(49), at(80)).await.unwrap(), None);
    let again = store.next(&all(), "ann", at(49), at(60)).await.unwrap().expect("it is hers");
    assert_eq!(again.fence, 1, "the form on her page is still good");
    assert_eq!(store.keep(id(1), "ann", 1, at(70)).await.unwrap(), Ok(()));
    assert_eq!(store.keep(id(1), "bob", 1, at(90)).await.unwrap(), Err(Stale));
    assert_eq!(store.keep(id(1), "ann", 2, at(90)).await.unwrap(), Err(Stale));
    let taken = store.next(&all(), "bob", at(70), at(90)).await.unwrap().expect("ann's time is over");
    assert_eq!((taken.holder.as_deref(), taken.fence), (Some("bob"), 2));
    assert_eq!(store.keep(id(1), "ann", 1, at(99)).await.unwrap(), Err(Stale));
    assert_eq!(store.put_back(id(1), "ann", 1, None).await.unwrap(), Err(Stale));
    let late =
        store.rule(&again, &ruling(Kind::Quarantine, Some(90)), &waits(), deed("ruling.made", 71)).await;
    assert_eq!(late.unwrap(), Err(Stale), "her ruling is refused");
    assert_eq!(store.rulings(id(1)).await.unwrap(), []);
}

pub async fn a_skipped_item_goes_to_others<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let item = store.next(&all(), "ann", at(20), at(50)).await.unwrap().expect("free");
    assert_eq!(store.put_back(id(1), "ann", item.fence, None).await.unwrap(), Ok(()));
    let item = store.next(&all(), "ann", at(21), at(50)).await.unwrap().expect("only given back");
    let skipped = Some(Skip { reason: "not_now", anew: false, deed: deed("item.skipped", 22) });
    assert_eq!(store.put_back(id(1), "ann", item.fence, skipped).await.unwrap(), Ok(()));
    assert_eq!(store.next(&all(), "ann", at(23), at(50)).await.unwrap(), None);
    assert!(store.next(&all(), "bob", at(23), at(50)).await.unwrap().is_some());
    let last = store.audit(0, 100).await.unwrap().pop().expect("a line");
    assert_eq!((last.action.as_str(), last.detail.as_str()), ("item.skipped", r#"{"reason":"not_now"}"#));
}

pub async fn an_item_goes_past_all_who_skipped_it<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let skips = async |who: &'static str, second, anew| {
        let item =
            store.next(&all(), who, at(second), at(second + 9)).await.unwrap().expect("not skipped yet");
        let skipped = Some(Skip { reason: "not_now", anew, deed: deed("item.skipped", second) });
        store.put_back(id(1), who, item.fence, skipped).await.unwrap().expect("it is theirs");
    };
    skips("ann", 20, false).await;
    skips("bob", 21, false).await;
    for who in ["ann", "bob"] {
        assert_eq!(store.next(&all(), who, at(23), at(50)).await.unwrap(), None, "{who}");
    }
    let item = store.next(&all(), "an", at(23), at(24)).await.unwrap().expect("free");
    assert_eq!(item.skipped_by, ["ann", "bob"]);
    // Everybody did: it goes round once more.
    skips("carl", 30, true).await;
    assert_eq!(store.item(id(1)).await.unwrap().expect("it is there").skipped_by, ["carl"]);
    assert_eq!(store.next(&all(), "carl", at(31), at(50)).await.unwrap(), None);
    assert!(store.next(&all(), "ann", at(31), at(50)).await.unwrap().is_some());
}

pub async fn of_two_rulings_one_wins<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let item = store.take(id(1), "ann", at(19), at(100)).await.unwrap().expect("free");
    let both: Vec<_> = [Kind::Approve, Kind::Quarantine]
        .into_iter()
        .map(|kind| {
            let (store, item) = (Arc::clone(&store), item.clone());
            tokio::spawn(async move {
                store.rule(&item, &ruling(kind, Some(50)), &waits(), deed("ruling.made", 20)).await.unwrap()
            })
        })
        .collect();
    let mut won = 0;
    for one in both {
        won += u32::from(one.await.unwrap().is_ok());
    }
    let rulings = store.rulings(id(1)).await.unwrap();
    assert_eq!((won, rulings.len(), rulings[0].number), (1, 1, 1));
    let stored = Ruling { kind: rulings[0].kind, number: 1, ..ruling(Kind::Note, Some(50)) };
    assert_eq!(rulings[0], stored);
    assert_eq!(store.queue(&all(), None, 10).await.unwrap(), [], "it waits to be carried out");
    assert_eq!(store.undoable("ann", at(49)).await.unwrap(), [stored]);
    assert_eq!(store.undoable("ann", at(50)).await.unwrap(), []);
    assert_eq!(store.undoable("bob", at(49)).await.unwrap(), []);
}

pub async fn a_ruling_is_carried_out_once<S: Store + Reviews>(store: Arc<S>) {
    ruled(&*store, Kind::Quarantine).await;
    assert_eq!(store.due_ruling(at(49), at(60)).await.unwrap(), None, "it can be undone still");
    let first = due(&*store).await;
    assert_eq!((first.fence, first.due_at), (1, Some(at(60))));
    assert_eq!(store.due_ruling(at(59), at(70)).await.unwrap(), None, "somebody is at it");
    let second = store.due_ruling(at(60), at(70)).await.unwrap().expect("who was at it is gone");
    let done = CarriedOut::Quarantined;
    assert_eq!(store.carried_out(&first, &done, deed("ruling.carried_out", 61)).await.unwrap(), Err(Stale));
    store.put_off(&second, at(80)).await.unwrap();
    assert_eq!(store.due_ruling(at(79), at(99)).await.unwrap(), None);
    let done = store.carried_out(&second, &done, deed("ruling.carried_out", 62)).await.unwrap();
    assert_eq!(done, Ok(vec![]));
    assert_eq!(store.due_ruling(at(999), at(9999)).await.unwrap(), None);
    let upload = store.upload(&tenant("acme"), id(1)).await.unwrap().expect("it is there");
    assert_eq!((upload.state, upload.settled_at), (State::Quarantined, Some(at(62))));
    let told = store.outbox(0, 100).await.unwrap();
    let last = told.last().expect("events");
    assert_eq!(last.kind, "upload.quarantined");
    let body: serde_json::Value = serde_json::from_str(&last.body).expect("JSON");
    assert_eq!(
        (&body["who"], &body["ruling"], &body["reasons"][0]),
        (&"ruling".into(), &1.into(), &"spam".into())
    );
    assert_eq!(store.rulings(id(1)).await.unwrap()[0].standing, Standing::Done);
    assert_eq!(store.item(id(1)).await.unwrap().map(|item| item.status), Some(Status::Closed));
    assert!(store.audit_verify().await.unwrap().is_ok());
}

pub async fn an_approval_publishes_and_a_takedown_removes<S: Store + Reviews>(store: Arc<S>) {
    ruled(&*store, Kind::Approve).await;
    let copies = vec![rendition(id(1), RenditionName::Original), rendition(id(1), RenditionName::Thumbnail)];
    let ruling_1 = due(&*store).await;
    let done = CarriedOut::Published(copies.clone());
    assert_eq!(
        store.carried_out(&ruling_1, &done, deed("ruling.carried_out", 51)).await.unwrap(),
        Ok(vec![])
    );
    assert_eq!(store.renditions(id(1)).await.unwrap(), copies);
    assert_eq!(store.outbox(0, 100).await.unwrap().last().expect("events").kind, "upload.published");

    let item = store.item(id(1)).await.unwrap().expect("it stays");
    let down = Ruling { at: at(70), ..ruling(Kind::Quarantine, Some(80)) };
    assert_eq!(store.rule(&item, &down, &waits(), deed("ruling.made", 70)).await.unwrap(), Ok(2));
    let ruling_2 = store.due_ruling(at(80), at(90)).await.unwrap().expect("it is due");
    let gone =
        store.carried_out(&ruling_2, &CarriedOut::Quarantined, deed("ruling.carried_out", 81)).await.unwrap();
    let mut gone = gone.expect("it was published");
    gone.sort();
    let mut keys: Vec<_> = copies.into_iter().map(|copy| copy.key).collect();
    keys.sort();
    assert_eq!(gone, keys);
    assert_eq!(store.published(id(1), RenditionName::Original).await.unwrap(), None);
}

pub async fn a_ruling_can_be_undone_until_it_is_due<S: Store + Reviews>(store: Arc<S>) {
    let said = ruled(&*store, Kind::Quarantine).await;
    let undo = async |who: &'static str, second| {
        store.undo(id(1), said.number, who, Some(at(200)), deed("ruling.undone", second)).await.unwrap()
    };
    assert!(!undo("bob", 49).await, "it is ann's");
    assert!(!undo("ann", 50).await, "too late");
    assert!(undo("ann", 49).await);
    assert!(!undo("ann", 49).await, "once");
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!(
        (item.status, item.holder.as_deref(), item.held_until),
        (Status::Open, Some("ann"), Some(at(200)))
    );
    assert_eq!(store.due_ruling(at(999), at(9999)).await.unwrap(), None);
    assert_eq!(store.rulings(id(1)).await.unwrap()[0].standing, Standing::Undone);
    let upload = store.upload(&tenant("acme"), id(1)).await.unwrap().expect("it is there");
    assert_eq!(upload.state, State::InReview);
    // One that somebody is carrying out is past undoing.
    let again =
        store.rule(&item, &ruling(Kind::Quarantine, Some(50)), &waits(), deed("ruling.made", 49)).await;
    let number = again.unwrap().expect("it is hers");
    due(&*store).await;
    assert!(!store.undo(id(1), number, "ann", Some(at(200)), deed("ruling.undone", 51)).await.unwrap());
}

pub async fn what_fails_is_open_again<S: Store + Reviews>(store: Arc<S>) {
    ruled(&*store, Kind::Approve).await;
    let failed = CarriedOut::Failed("a virus since".into());
    let ruling = due(&*store).await;
    assert_eq!(store.carried_out(&ruling, &failed, deed("ruling.failed", 51)).await.unwrap(), Ok(vec![]));
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.holder), (Status::Open, None));
    let stored = &store.rulings(id(1)).await.unwrap()[0];
    assert_eq!((stored.standing, stored.outcome.as_deref()), (Standing::Failed, Some("a virus since")));
    assert_eq!(store.outbox(0, 100).await.unwrap().len(), 2, "received and in review, and no more");
}

pub async fn an_escalation_is_undone_while_nobody_looks<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let up = Becomes { status: Status::Open, escalated: true, ..waits() };
    let escalate = async |second| {
        let item = store.take(id(1), "ann", at(second), at(second + 9)).await.unwrap().expect("free");
        let said = Ruling { at: at(second), ..ruling(Kind::Escalate, Some(second + 30)) };
        store.rule(&item, &said, &up, deed("ruling.made", second)).await.unwrap().expect("it is hers")
    };
    let first = escalate(20).await;
    assert_eq!(store.undoable("ann", at(21)).await.unwrap().len(), 1);
    assert!(store.undo(id(1), first, "ann", Some(at(60)), deed("ruling.undone", 21)).await.unwrap());
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.escalated, item.holder.as_deref()), (false, Some("ann")));

    let second = escalate(30).await;
    store.take(id(1), "zoe", at(31), at(99)).await.unwrap().expect("a senior has it");
    assert!(!store.undo(id(1), second, "ann", Some(at(60)), deed("ruling.undone", 32)).await.unwrap());
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.escalated, item.holder.as_deref()), (true, Some("zoe")), "nothing changed");
    let due = store.due_ruling(at(60), at(70)).await.unwrap().expect("its time is over");
    let done = store.carried_out(&due, &CarriedOut::Stays, deed("ruling.carried_out", 61)).await.unwrap();
    assert_eq!(done, Ok(vec![]));
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.holder.as_deref()), (Status::Open, Some("zoe")), "it stays hers");
    assert_eq!(store.rulings(id(1)).await.unwrap()[1].standing, Standing::Done);
    assert!(!store.undo(id(1), second, "ann", None, deed("ruling.undone", 62)).await.unwrap());
}

pub async fn what_was_ruled_together_is_undone_together<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 4).await;
    for n in 1..=4 {
        let item = store.take(id(n), "ann", at(19), at(100)).await.unwrap().expect("free");
        let batch = (n < 4).then(|| "b1".to_owned());
        let at = at(20 + n as i64);
        let said = Ruling { upload: id(n), at, batch, ..ruling(Kind::Quarantine, Some(60)) };
        store.rule(&item, &said, &waits(), deed("ruling.made", 20)).await.unwrap().expect("it is hers");
    }
    let ids = |rulings: Vec<Ruling>| rulings.iter().map(|ruling| ruling.upload).collect::<Vec<_>>();
    assert_eq!(ids(store.undoable("ann", at(30)).await.unwrap()), [id(4)], "the newest is by itself");
    assert!(store.undo(id(4), 1, "ann", None, deed("ruling.undone", 31)).await.unwrap());
    assert_eq!(ids(store.undoable("ann", at(32)).await.unwrap()), [id(1), id(2), id(3)]);
    assert_eq!(ids(store.batch("ann", "b1").await.unwrap()), [id(1), id(2), id(3)]);
    assert_eq!(store.batch("bob", "b1").await.unwrap(), []);
    assert!(store.undo(id(2), 1, "ann", None, deed("ruling.undone", 33)).await.unwrap());
    assert_eq!(ids(store.batch("ann", "b1").await.unwrap()), [id(1), id(3)]);
    let item = store.item(id(2)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.holder), (Status::Open, None), "nobody's");
}

pub async fn a_sealed_item_is_kept_and_in_no_list<S: Store + Reviews>(store: Arc<S>) {
    let seal = || Ruling { reason: SEALS.into(), ..ruling(Kind::Quarantine, Some(50)) };
    in_review(&*store, 1).await;
    let item = store.take(id(1), "ann", at(19), at(100)).await.unwrap().expect("free");
    let seals = Becomes { sealed: true, ..waits() };
    store.rule(&item, &seal(), &seals, deed("ruling.made", 20)).await.unwrap().expect("it is hers");
    assert_eq!(store.queue(&all(), None, 10).await.unwrap(), []);
    assert!(store.undo(id(1), 1, "ann", None, deed("ruling.undone", 20)).await.unwrap());
    assert!(!store.item(id(1)).await.unwrap().expect("it is there").sealed, "the seal goes with its ruling");
    let item = store.take(id(1), "ann", at(20), at(100)).await.unwrap().expect("free");
    store.rule(&item, &seal(), &seals, deed("ruling.made", 20)).await.unwrap().expect("it is hers");
    assert_eq!(store.erase(&tenant("acme"), id(1), "key:k1", at(21)).await.unwrap(), None, "it is evidence");
    let due = due(&*store).await;
    store.carried_out(&due, &CarriedOut::Quarantined, deed("ruling.carried_out", 51)).await.unwrap().unwrap();
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert!(item.sealed);
    // A reversal that is taken back leaves the seal where it was.
    let back = Ruling { reason: "appeal".into(), ..ruling(Kind::Approve, Some(80)) };
    let number =
        store.rule(&item, &back, &seals, deed("ruling.made", 55)).await.unwrap().expect("it is hers");
    assert!(store.undo(id(1), number, "ann", None, deed("ruling.undone", 56)).await.unwrap());
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.sealed, item.status), (true, Status::Closed));
    assert_eq!(store.erase(&tenant("acme"), id(1), "key:k1", at(60)).await.unwrap(), None);
    // One that is carried out lifts it: what is published is kept from nobody.
    let back = Ruling { due_at: Some(at(61)), ..back };
    store.rule(&item, &back, &seals, deed("ruling.made", 60)).await.unwrap().expect("it is hers");
    assert!(store.item(id(1)).await.unwrap().expect("it is there").sealed, "until it is published");
    let ruling = store.due_ruling(at(62), at(90)).await.unwrap().expect("it is due");
    let done = CarriedOut::Published(vec![rendition(id(1), RenditionName::Original)]);
    store.carried_out(&ruling, &done, deed("ruling.carried_out", 62)).await.unwrap().unwrap();
    assert!(!store.item(id(1)).await.unwrap().expect("it is there").sealed);
    assert!(store.erase(&tenant("acme"), id(1), "key:k1", at(70)).await.unwrap().is_some());
}

pub async fn an_erased_upload_leaves_the_queue<S: Store + Reviews>(store: Arc<S>) {
    ruled(&*store, Kind::Approve).await;
    let ruling = due(&*store).await;
    store.erase(&tenant("acme"), id(1), "key:k1", at(51)).await.unwrap().expect("it was there");
    let done = CarriedOut::Published(vec![rendition(id(1), RenditionName::Original)]);
    assert_eq!(store.carried_out(&ruling, &done, deed("ruling.carried_out", 52)).await.unwrap(), Err(Stale));
    assert_eq!(store.renditions(id(1)).await.unwrap(), []);
    let failed = CarriedOut::Failed("erased".into());
    assert_eq!(store.carried_out(&ruling, &failed, deed("ruling.failed", 52)).await.unwrap(), Ok(vec![]));
    assert_eq!(store.item(id(1)).await.unwrap().map(|item| item.status), Some(Status::Closed));
}

pub async fn the_log_is_searched<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 2).await;
    for n in 0..3 {
        store.record(deed("item.viewed", n), &id(1).to_string(), json!({ "n": n })).await.unwrap();
    }
    let found = async |filter: AuditFilter| {
        let lines = store.audit_find(&filter).await.unwrap();
        lines.into_iter().map(|line| line.sequence).collect::<Vec<_>>()
    };
    let limit = 100;
    assert_eq!(found(AuditFilter { limit, ..AuditFilter::default() }).await, [7, 6, 5, 4, 3, 2, 1]);
    let by = |names: &[&str]| AuditFilter {
        actors: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        limit,
        ..AuditFilter::default()
    };
    let ann = by(&["user:ann"]);
    assert_eq!(found(ann.clone()).await, [7, 6, 5]);
    assert_eq!(found(AuditFilter { limit: 2, ..ann.clone() }).await, [7, 6]);
    assert_eq!(found(AuditFilter { before: Some(6), ..ann.clone() }).await, [5]);
    assert_eq!(found(by(&["user:bob", "user:ann", "cli"])).await, [7, 6, 5]);
    assert_eq!(found(by(&[])).await, Vec::<u64>::new());
    let of = Some(vec![id(2).to_string(), "nothing".to_owned()]);
    assert_eq!(found(AuditFilter { subjects: of.clone(), limit, ..AuditFilter::default() }).await, [4, 3]);
    assert_eq!(found(AuditFilter { subjects: of, ..ann }).await, Vec::<u64>::new());
    let verdicts = Some("upload.verdict".to_owned());
    assert_eq!(found(AuditFilter { action: verdicts, limit, ..AuditFilter::default() }).await, [4, 2]);
    assert!(store.audit_verify().await.unwrap().is_ok());
}

pub async fn the_log_shows_what_is_in_sight<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    settled(&*store, &upload(2), Decision::Publish, 12).await;
    settled(&*store, &NewUpload { tenant: tenant("globex"), ..upload(3) }, Decision::Review, 30).await;
    store.add_key(&api_key(1, "acme"), "cli").await.unwrap();
    store.add_key(&api_key(2, "globex"), "cli").await.unwrap();
    store.apply_policy(&tenant("acme"), "text", "cli", at(6)).await.unwrap();
    store.record(deed("person.looked_for", 7), "somebody", json!({})).await.unwrap();
    let seen = async |tenants: &str, queues: &str| {
        let sight = Some((tenants.parse().unwrap(), queues.parse().unwrap()));
        let lines =
            store.audit_find(&AuditFilter { sight, limit: 50, ..AuditFilter::default() }).await.unwrap();
        let mut subjects: Vec<String> = lines.into_iter().map(|line| line.subject).collect();
        subjects.sort();
        subjects.dedup();
        subjects
    };
    let [one, two, three] = [1, 2, 3].map(|n| id(n).to_string());
    let (acme, none) = ("acme".to_owned(), Vec::<String>::new());
    let (k1, k2) = ("k1".to_owned(), "k2".to_owned());
    assert_eq!(seen("acme", "*").await, [one.clone(), two.clone(), acme.clone(), k1.clone()]);
    assert_eq!(seen("*", "*").await, [one.clone(), two, three.clone(), acme, k1, k2]);
    assert_eq!(seen("*", "rule").await, [one, three.clone()], "what came to review in it");
    assert_eq!(seen("globex", "rule.sample,image").await, [three]);
    assert_eq!((seen("acme", "image,stream").await, seen("", "*").await), (none.clone(), none));
}
