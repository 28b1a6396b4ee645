//! An item that is decided, opened and decided again: what holds on, and what is over.

use super::{all, deed, due, in_review, ruling, waits};
use crate::{
    ports::{
        Reviews, Store,
        accounts::{Queues, Tenants},
        contract::samples::{at, id, rendition, settled, tenant, upload},
        reports::{Heard, NewReport},
        reviews::{Becomes, CarriedOut, Item, Ruling, Standing, Status, View},
        store::Stale,
    },
    upload::{
        Decision,
        rendition::RenditionName,
        report::Category,
        ruling::{Kind, SEALS},
    },
};
use std::sync::Arc;

async fn item<S: Reviews>(store: &S, n: u64) -> Item {
    store.item(id(n)).await.unwrap().expect("it is there")
}

async fn reported<S: Store>(store: &S, n: u64, second: i64) {
    let report = NewReport {
        upload: id(n),
        tenant: tenant("acme"),
        category: Category::Spam,
        text: String::new(),
        reporter: format!("at {second}"),
        actor: "key:k1".into(),
        at: at(second),
    };
    assert_eq!(store.report(&report).await.unwrap(), Some(Heard::New));
}

fn seals() -> Becomes {
    Becomes { sealed: true, ..waits() }
}

/// Of the first upload, by ann at second 20; it is quarantined at 51.
async fn sealed<S: Store + Reviews>(store: &S) {
    let item = store.take(id(1), "ann", at(19), at(100)).await.unwrap().expect("free");
    let seal = Ruling { reason: SEALS.into(), ..ruling(Kind::Quarantine, Some(50)) };
    store.rule(&item, &seal, &seals(), deed("ruling.made", 20)).await.unwrap().expect("it is hers");
    let down = due(store).await;
    store
        .carried_out(&down, &CarriedOut::Quarantined, deed("ruling.carried_out", 51))
        .await
        .unwrap()
        .unwrap();
}

pub async fn a_seal_that_was_lifted_does_not_come_back<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    sealed(&*store).await;
    let back = Ruling { by: "zoe".into(), at: at(60), ..ruling(Kind::Approve, Some(61)) };
    store.rule(&item(&*store, 1).await, &back, &seals(), deed("ruling.made", 60)).await.unwrap().unwrap();
    let back = store.due_ruling(at(61), at(70)).await.unwrap().expect("it is due");
    let done = CarriedOut::Published(vec![rendition(id(1), RenditionName::Original)]);
    store.carried_out(&back, &done, deed("ruling.carried_out", 62)).await.unwrap().unwrap();
    assert!(!item(&*store, 1).await.sealed, "what is published is kept from nobody");

    // Somebody leaves it published, and takes that back.
    reported(&*store, 1, 70).await;
    let open = store.take(id(1), "bob", at(71), at(200)).await.unwrap().expect("a report opened it");
    let stays = Ruling { by: "bob".into(), at: at(72), ..ruling(Kind::Approve, Some(90)) };
    let number =
        store.rule(&open, &stays, &waits(), deed("ruling.made", 72)).await.unwrap().expect("it is his");
    assert!(store.undo(id(1), number, "bob", at(0), None, deed("ruling.undone", 73)).await.unwrap());
    let open = item(&*store, 1).await;
    assert_eq!((open.sealed, open.status), (false, Status::Open), "no seal of before is put back");
    assert_eq!(store.queue(&all(), None, 10).await.unwrap().len(), 1);

    // A seal of now outlives a reversal that is taken back.
    let open = store.take(id(1), "bob", at(74), at(200)).await.unwrap().expect("free");
    let again = Ruling { reason: SEALS.into(), at: at(75), ..ruling(Kind::Quarantine, Some(90)) };
    store.rule(&open, &again, &seals(), deed("ruling.made", 75)).await.unwrap().expect("it is his");
    let down = store.due_ruling(at(90), at(99)).await.unwrap().expect("it is due");
    store
        .carried_out(&down, &CarriedOut::Quarantined, deed("ruling.carried_out", 91))
        .await
        .unwrap()
        .unwrap();
    let back = Ruling { by: "zoe".into(), at: at(92), ..ruling(Kind::Approve, Some(99)) };
    let closed = item(&*store, 1).await;
    let number =
        store.rule(&closed, &back, &seals(), deed("ruling.made", 92)).await.unwrap().expect("as it was");
    assert!(store.undo(id(1), number, "zoe", at(0), None, deed("ruling.undone", 93)).await.unwrap());
    assert!(item(&*store, 1).await.sealed);
}

pub async fn an_escalation_that_is_undone_leaves_none_of_before<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    let taken = async |who: &'static str, second: i64| {
        store.take(id(1), who, at(second), at(second + 5)).await.unwrap().expect("free")
    };
    let made = async |item: &Item, ruling: &Ruling, becomes: &Becomes| {
        store.rule(item, ruling, becomes, deed("ruling.made", 20)).await.unwrap().expect("it is theirs")
    };
    let stays = async |second: i64| {
        let due = store.due_ruling(at(second), at(second + 9)).await.unwrap().expect("it is due");
        let done = store.carried_out(&due, &CarriedOut::Stays, deed("ruling.carried_out", second)).await;
        assert_eq!(done.unwrap(), Ok(vec![]));
    };
    let up = Becomes { status: Status::Open, escalated: true, ..waits() };
    let escalation = |second: i64| Ruling { at: at(second), ..ruling(Kind::Escalate, Some(second + 2)) };
    // A report is escalated, and a senior dismisses it.
    reported(&*store, 1, 20).await;
    made(&taken("ann", 21).await, &escalation(21), &up).await;
    stays(23).await;
    let dismissed = Ruling { by: "zoe".into(), at: at(25), ..ruling(Kind::Approve, Some(26)) };
    made(&taken("zoe", 24).await, &dismissed, &Becomes { escalated: true, ..waits() }).await;
    stays(26).await;

    reported(&*store, 1, 30).await;
    let undone = async |number, second: i64| {
        let undone =
            store.undo(id(1), number, "ann", at(0), Some(at(90)), deed("ruling.undone", second)).await;
        assert!(undone.unwrap());
        let item = item(&*store, 1).await;
        assert_eq!(
            (item.escalated, item.holder.as_deref()),
            (false, Some("ann")),
            "it is for everybody again"
        );
        item
    };
    let number = made(&taken("ann", 31).await, &escalation(31), &up).await;
    let hers = undone(number, 32).await;
    // As it is with the first word of two.
    let first = Ruling { at: at(33), standing: Standing::Second, ..ruling(Kind::Approve, None) };
    let others = Becomes { status: Status::Open, not_by: vec!["ann".into()], ..waits() };
    let number = made(&hers, &first, &others).await;
    let hers = undone(number, 34).await;
    // One of this round stands, whoever else takes their word back.
    made(&hers, &escalation(35), &up).await;
    let agreed = Ruling { by: "zoe".into(), at: at(36), ..first };
    let others = Becomes { escalated: true, not_by: vec!["zoe".into()], ..others };
    let number = made(&item(&*store, 1).await, &agreed, &others).await;
    assert!(store.undo(id(1), number, "zoe", at(0), None, deed("ruling.undone", 36)).await.unwrap());
    assert!(item(&*store, 1).await.escalated);
}

pub async fn what_was_quarantined_already_is_sealed<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Quarantine, 10).await;
    store.adopt(id(1)).await.unwrap();
    let erased = async |second| store.erase(&tenant("acme"), id(1), "key:k1", at(second)).await.unwrap();
    let seal = Ruling { reason: SEALS.into(), ..ruling(Kind::Quarantine, Some(50)) };
    let made = async || {
        let closed = item(&*store, 1).await;
        store.rule(&closed, &seal, &seals(), deed("ruling.made", 20)).await.unwrap().expect("as it was")
    };
    let number = made().await;
    assert_eq!(erased(21).await, None, "at once");
    assert!(store.undo(id(1), number, "ann", at(0), None, deed("ruling.undone", 22)).await.unwrap());
    let closed = item(&*store, 1).await;
    assert_eq!((closed.sealed, closed.status), (false, Status::Closed));
    made().await;
    let told = store.outbox(0, 100).await.unwrap();
    let ruling = due(&*store).await;
    let done = store.carried_out(&ruling, &CarriedOut::Stays, deed("ruling.carried_out", 51)).await;
    assert_eq!(done.unwrap(), Ok(vec![]));
    let closed = item(&*store, 1).await;
    assert_eq!((closed.sealed, closed.status), (true, Status::Closed));
    assert_eq!(store.outbox(0, 100).await.unwrap(), told, "nothing changed for anybody");
    assert_eq!(erased(60).await, None);
    assert!(store.audit_verify().await.unwrap().is_ok());
}

pub async fn what_needs_no_examination_waits_for_none<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 3).await;
    settled(&*store, &upload(4), Decision::Publish, 13).await;
    reported(&*store, 4, 14).await;
    for (n, kind, due) in
        [(1, Kind::Approve, 40), (2, Kind::Quarantine, 51), (3, Kind::Escalate, 52), (4, Kind::Approve, 53)]
    {
        let item = store.take(id(n), "ann", at(19), at(100)).await.unwrap().expect("free");
        let said = Ruling { upload: id(n), ..ruling(kind, Some(due)) };
        store.rule(&item, &said, &waits(), deed("ruling.made", 20)).await.unwrap().expect("it is hers");
    }
    let next = async |second| {
        let due = store.due_unexamined(at(second), at(second + 40)).await.unwrap();
        due.map(|ruling| (ruling.upload, ruling.fence, ruling.due_at))
    };
    assert_eq!(next(50).await, None, "an approval is due alone");
    // The one on what is published leaves it so.
    for n in 2..=4 {
        assert_eq!(next(60).await, Some((id(n), 1, Some(at(100)))), "{n}");
    }
    assert_eq!(next(60).await, None, "somebody is at each");
    assert_eq!(store.due_ruling(at(60), at(70)).await.unwrap().map(|ruling| ruling.upload), Some(id(1)));
}

pub async fn what_is_erased_is_ruled_on_no_more<S: Store + Reviews>(store: Arc<S>) {
    for n in 1..=2 {
        settled(&*store, &upload(n), Decision::Publish, 10).await;
    }
    store.adopt(id(1)).await.unwrap();
    // Somebody looks at it, and says what it is a moment too late.
    let closed = item(&*store, 1).await;
    for n in 1..=2 {
        store.erase(&tenant("acme"), id(n), "key:k1", at(20)).await.unwrap().expect("it was there");
    }
    let seal = Ruling { reason: SEALS.into(), ..ruling(Kind::Quarantine, Some(50)) };
    let made = store.rule(&closed, &seal, &seals(), deed("ruling.made", 21)).await.unwrap();
    assert_eq!(made, Err(Stale), "its bytes are gone");
    assert!(!item(&*store, 1).await.sealed);
    assert_eq!(store.rulings(id(1)).await.unwrap(), []);
    store.adopt(id(2)).await.unwrap();
    assert_eq!(store.item(id(2)).await.unwrap(), None, "nor does it come into anybody's hands any more");
}

pub async fn what_is_sealed_and_waits_is_in_a_list_of_its_own<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 2).await;
    sealed(&*store).await;
    let listed = async |view: View| {
        let items = store.sealed(&view, 10).await.unwrap();
        items.into_iter().map(|item| item.upload).collect::<Vec<_>>()
    };
    assert_eq!(listed(all()).await, [], "it is decided");
    // Two seniors reverse it, of whom one has said so.
    let first =
        Ruling { by: "zoe".into(), standing: Standing::Second, at: at(60), ..ruling(Kind::Approve, None) };
    let others = Becomes { status: Status::Open, escalated: true, not_by: vec!["zoe".into()], ..seals() };
    let closed = item(&*store, 1).await;
    store.rule(&closed, &first, &others, deed("ruling.made", 60)).await.unwrap().expect("as it was");
    assert_eq!(listed(all()).await, [id(1)]);
    let queue = store.queue(&all(), None, 10).await.unwrap();
    assert_eq!(queue.iter().map(|item| item.upload).collect::<Vec<_>>(), [id(2)]);
    let theirs = Tenants::These([tenant("globex")].into());
    assert_eq!(listed(View { tenants: theirs, ..all() }).await, []);
    let queues: Queues = "image".parse().expect("queues");
    assert_eq!(listed(View { queues, ..all() }).await, []);

    // One that is published still, for it could not be taken down.
    settled(&*store, &upload(3), Decision::Publish, 70).await;
    store.adopt(id(3)).await.unwrap();
    let seal =
        Ruling { upload: id(3), reason: SEALS.into(), at: at(71), ..ruling(Kind::Quarantine, Some(71)) };
    let closed = item(&*store, 3).await;
    store.rule(&closed, &seal, &seals(), deed("ruling.made", 71)).await.unwrap().expect("as it was");
    assert_eq!(listed(all()).await, [id(1)], "it is to be carried out");
    let down = store.due_ruling(at(71), at(80)).await.unwrap().expect("it is due");
    let failed = CarriedOut::Failed("the store failed".into());
    store.carried_out(&down, &failed, deed("ruling.failed", 72)).await.unwrap().unwrap();
    assert_eq!(listed(all()).await, [id(1), id(3)]);
}
