//! Rulings: made, carried out, undone.

use super::{all, deed, due, in_review, ruled, ruling, waits};
use crate::{
    ports::{
        Reviews, Store,
        contract::samples::{at, id, rendition, tenant},
        reviews::{Becomes, CarriedOut, Ruling, Standing, Status},
        store::Stale,
    },
    upload::{
        State,
        rendition::RenditionName,
        ruling::{Kind, SEALS},
    },
};
use std::sync::Arc;

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
    assert_eq!(store.undoable("ann", at(49), at(0)).await.unwrap(), [stored]);
    assert_eq!(store.undoable("ann", at(50), at(0)).await.unwrap(), []);
    assert_eq!(store.undoable("bob", at(49), at(0)).await.unwrap(), []);
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
        store
            .undo(id(1), said.number, who, at(0), Some(at(200)), deed("ruling.undone", second))
            .await
            .unwrap()
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
    assert!(
        !store.undo(id(1), number, "ann", at(0), Some(at(200)), deed("ruling.undone", 51)).await.unwrap()
    );
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
    assert_eq!(store.undoable("ann", at(21), at(0)).await.unwrap().len(), 1);
    assert!(store.undo(id(1), first, "ann", at(0), Some(at(60)), deed("ruling.undone", 21)).await.unwrap());
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.escalated, item.holder.as_deref()), (false, Some("ann")));

    let second = escalate(30).await;
    store.take(id(1), "zoe", at(31), at(99)).await.unwrap().expect("a senior has it");
    assert!(!store.undo(id(1), second, "ann", at(0), Some(at(60)), deed("ruling.undone", 32)).await.unwrap());
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.escalated, item.holder.as_deref()), (true, Some("zoe")), "nothing changed");
    let due = store.due_ruling(at(60), at(70)).await.unwrap().expect("its time is over");
    let done = store.carried_out(&due, &CarriedOut::Stays, deed("ruling.carried_out", 61)).await.unwrap();
    assert_eq!(done, Ok(vec![]));
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.holder.as_deref()), (Status::Open, Some("zoe")), "it stays hers");
    assert_eq!(store.rulings(id(1)).await.unwrap()[1].standing, Standing::Done);
    assert!(!store.undo(id(1), second, "ann", at(0), None, deed("ruling.undone", 62)).await.unwrap());
}

pub async fn what_waits_for_a_second_person_is_undone_while_nobody_else_looks<S: Store + Reviews>(
    store: Arc<S>,
) {
    in_review(&*store, 1).await;
    let others = Becomes { status: Status::Open, not_by: vec!["zed".into(), "ann".into()], ..waits() };
    let agree = async |second| {
        let item = store.take(id(1), "ann", at(second), at(second + 5)).await.unwrap().expect("free");
        let said = Ruling {
            at: at(second),
            standing: Standing::Second,
            batch: Some("b".into()),
            ..ruling(Kind::Approve, None)
        };
        store.rule(&item, &said, &others, deed("ruling.made", second)).await.unwrap().expect("it is hers")
    };
    let undo = async |number, since, second| {
        store
            .undo(id(1), number, "ann", at(since), Some(at(90)), deed("ruling.undone", second))
            .await
            .unwrap()
    };
    let first = agree(20).await;
    assert_eq!(store.due_ruling(at(999), at(9999)).await.unwrap(), None, "nothing comes of it");
    assert_eq!(store.undoable("ann", at(25), at(19)).await.unwrap().len(), 1);
    assert_eq!(store.batch("ann", "b").await.unwrap().len(), 1);
    assert_eq!(store.undoable("ann", at(25), at(20)).await.unwrap(), [], "it was longer ago");
    assert!(!undo(first, 20, 25).await);
    assert!(undo(first, 19, 25).await);
    assert!(!undo(first, 19, 25).await, "once");
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.holder.as_deref()), (Status::Open, Some("ann")));
    assert_eq!(item.not_by, ["zed"], "it is kept from her no more, and from the other still");

    let second = agree(30).await;
    store.take(id(1), "zoe", at(31), at(50)).await.unwrap().expect("another looks at it");
    assert!(!undo(second, 0, 32).await);
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.holder.as_deref(), item.not_by.len()), (Some("zoe"), 2), "nothing changed");
    let agreed = Ruling { by: "zoe".into(), at: at(33), ..ruling(Kind::Approve, Some(60)) };
    store.rule(&item, &agreed, &waits(), deed("ruling.made", 33)).await.unwrap().expect("it is hers");
    assert_eq!(store.undoable("ann", at(34), at(0)).await.unwrap(), [], "it is decided");
    assert!(!undo(second, 0, 51).await);
}

pub async fn a_reversal_waits_for_a_second_person_until_it_is_carried_out<S: Store + Reviews>(store: Arc<S>) {
    ruled(&*store, Kind::Quarantine).await;
    let down = due(&*store).await;
    store
        .carried_out(&down, &CarriedOut::Quarantined, deed("ruling.carried_out", 51))
        .await
        .unwrap()
        .unwrap();
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!(item.status, Status::Closed);
    let first =
        Ruling { by: "zoe".into(), standing: Standing::Second, at: at(60), ..ruling(Kind::Approve, None) };
    let others = Becomes { status: Status::Open, escalated: true, not_by: vec!["zoe".into()], ..waits() };
    store.rule(&item, &first, &others, deed("ruling.made", 60)).await.unwrap().expect("as it was");
    let agree = async |second| {
        let item = store.take(id(1), "carl", at(second), at(second + 9)).await.unwrap().expect("it is open");
        let agreed = Ruling { by: "carl".into(), at: at(second), ..ruling(Kind::Approve, Some(second + 30)) };
        let now = Becomes { escalated: true, not_by: item.not_by.clone(), ..waits() };
        store.rule(&item, &agreed, &now, deed("ruling.made", second)).await.unwrap().expect("it is his")
    };
    let agreed = agree(61).await;
    // Who agreed thinks better of it: it waits for a second person still.
    let undone = store.undo(id(1), agreed, "carl", at(0), Some(at(90)), deed("ruling.undone", 62)).await;
    assert!(undone.unwrap());
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.holder.as_deref()), (Status::Open, Some("carl")));
    agree(63).await;
    let again = store.due_ruling(at(93), at(99)).await.unwrap().expect("it is due");
    let failed = CarriedOut::Failed("a gap since".into());
    store.carried_out(&again, &failed, deed("ruling.failed", 94)).await.unwrap().unwrap();
    // Neither knew of it: it is as it was, and takes any two.
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.not_by.len()), (Status::Closed, 0));
    let stands: Vec<_> = store.rulings(id(1)).await.unwrap().iter().map(|ruling| ruling.standing).collect();
    assert_eq!(stands, [Standing::Done, Standing::Failed, Standing::Undone, Standing::Failed]);
    assert!(store.audit_verify().await.unwrap().is_ok());
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
    assert_eq!(ids(store.undoable("ann", at(30), at(0)).await.unwrap()), [id(4)], "the newest is by itself");
    assert!(store.undo(id(4), 1, "ann", at(0), None, deed("ruling.undone", 31)).await.unwrap());
    assert_eq!(ids(store.undoable("ann", at(32), at(0)).await.unwrap()), [id(1), id(2), id(3)]);
    assert_eq!(ids(store.batch("ann", "b1").await.unwrap()), [id(1), id(2), id(3)]);
    assert_eq!(store.batch("bob", "b1").await.unwrap(), []);
    assert!(store.undo(id(2), 1, "ann", at(0), None, deed("ruling.undone", 33)).await.unwrap());
    assert_eq!(ids(store.batch("ann", "b1").await.unwrap()), [id(1), id(3)]);
    let item = store.item(id(2)).await.unwrap().expect("it is there");
    assert_eq!((item.status, item.holder), (Status::Open, None), "nobody's");
}

/// Regression: a hundred items, before they were decided, took the store half a second.
pub async fn many_are_looked_at_at_once_as_each_is_by_itself<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 3).await;
    for kind in [Kind::Note, Kind::Quarantine] {
        let item = store.take(id(2), "ann", at(19), at(100)).await.unwrap().expect("free");
        let now = if kind == Kind::Note { Becomes { status: Status::Open, ..waits() } } else { waits() };
        store
            .rule(&item, &Ruling { upload: id(2), ..ruling(kind, Some(60)) }, &now, deed("ruling.made", 20))
            .await
            .unwrap()
            .expect("it is hers");
    }
    assert!(store.briefs(&[]).await.unwrap().is_empty());
    let mut briefs = store.briefs(&[id(3), id(9), id(2)]).await.unwrap();
    briefs.sort_by_key(|brief| brief.item.upload);
    assert_eq!(briefs.iter().map(|brief| brief.item.upload).collect::<Vec<_>>(), [id(2), id(3)]);
    for brief in briefs {
        let of = brief.item.upload;
        assert_eq!(Some(&brief.item), store.item(of).await.unwrap().as_ref());
        assert_eq!(brief.state, State::InReview);
        assert_eq!(Some(brief.verdict), store.verdict(of).await.unwrap());
        assert_eq!(brief.rulings.len(), if of == id(2) { 2 } else { 0 });
        assert_eq!(brief.rulings, store.rulings(of).await.unwrap());
    }
}

pub async fn a_sealed_item_is_kept_and_in_no_list<S: Store + Reviews>(store: Arc<S>) {
    let seal = || Ruling { reason: SEALS.into(), ..ruling(Kind::Quarantine, Some(50)) };
    in_review(&*store, 1).await;
    let item = store.take(id(1), "ann", at(19), at(100)).await.unwrap().expect("free");
    let seals = Becomes { sealed: true, ..waits() };
    store.rule(&item, &seal(), &seals, deed("ruling.made", 20)).await.unwrap().expect("it is hers");
    assert_eq!(store.queue(&all(), None, 10).await.unwrap(), []);
    assert!(store.undo(id(1), 1, "ann", at(0), None, deed("ruling.undone", 20)).await.unwrap());
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
    assert!(store.undo(id(1), number, "ann", at(0), None, deed("ruling.undone", 56)).await.unwrap());
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
