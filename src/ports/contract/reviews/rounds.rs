//! An item that is decided, opened and decided again: what holds on, and what is over.

use super::{all, deed, due, in_review, ruling, waits};
use crate::{
    ports::{
        Reviews, Store,
        contract::samples::{at, id, rendition, tenant},
        reports::{Heard, NewReport},
        reviews::{Becomes, CarriedOut, Item, Ruling, Status},
    },
    upload::{
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
