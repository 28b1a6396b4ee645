use crate::{
    ports::{
        contract::samples::{TERM, at, id, keyed, tenant, upload},
        store::{Accepted, NewUpload, Store},
    },
    upload::State,
};
use std::sync::Arc;

fn named(n: u64, tenant_name: &str, external: &str) -> NewUpload {
    NewUpload { tenant: tenant(tenant_name), external_id: Some(external.to_owned()), ..upload(n) }
}

pub async fn a_senders_own_id_is_one_upload_of_its_tenant<S: Store>(store: Arc<S>) {
    let first = named(1, "acme", "order-7");
    assert_eq!(store.accept(&first).await.unwrap(), Accepted::New);
    let again = NewUpload { id: id(2), ..first.clone() };
    match store.accept(&again).await.unwrap() {
        Accepted::Repeat(known) => assert_eq!((known.id, &known.external_id), (id(1), &first.external_id)),
        other => panic!("the same is a repeat, not {other:?}"),
    }
    let other = NewUpload { id: id(2), sha256: "ff".repeat(32), ..first.clone() };
    assert_eq!(store.accept(&other).await.unwrap(), Accepted::Conflict(id(1)));
    assert_eq!(
        store.accept(&named(3, "globex", "order-7")).await.unwrap(),
        Accepted::New,
        "another's is free"
    );
    assert_eq!(store.outbox(0, 10).await.unwrap().len(), 2, "a repeat is not told");

    let found = store.by_external_id(&tenant("acme"), "order-7").await.unwrap().expect("it was accepted");
    assert_eq!(found.id, id(1));
    assert_eq!(store.by_external_id(&tenant("initech"), "order-7").await.unwrap(), None);
    assert_eq!(store.by_external_id(&tenant("acme"), "order-8").await.unwrap(), None);
    store.erase(&tenant("acme"), id(1), "key:k1", at(5)).await.unwrap().expect("it was there");
    assert_eq!(store.by_external_id(&tenant("acme"), "order-7").await.unwrap(), None, "it is forgotten");
}

pub async fn an_idempotency_key_finds_its_upload<S: Store>(store: Arc<S>) {
    store.accept(&keyed(1, "acme", "k")).await.unwrap();
    let found = store.by_idempotency_key(&tenant("acme"), "k").await.unwrap().expect("it was accepted");
    assert_eq!(found.id, id(1));
    assert_eq!(store.by_idempotency_key(&tenant("globex"), "k").await.unwrap(), None);
    // The key goes before the sender's own id where each is another upload's.
    store.accept(&named(2, "acme", "x")).await.unwrap();
    let both = NewUpload { id: id(3), external_id: Some("x".to_owned()), ..keyed(1, "acme", "k") };
    match store.accept(&both).await.unwrap() {
        Accepted::Repeat(known) => assert_eq!(known.id, id(1)),
        other => panic!("{other:?}"),
    }
}

pub async fn any_character_can_be_said<S: Store>(store: Arc<S>) {
    let odd = "a\0b\u{202e}'\"\\{},NULL\n.jpg";
    let new =
        NewUpload { filename: Some(odd.to_owned()), declared: Some(odd.to_owned()), ..keyed(1, "acme", odd) };
    assert_eq!(store.accept(&new).await.unwrap(), Accepted::New);
    match store.accept(&NewUpload { id: id(2), ..new }).await.unwrap() {
        Accepted::Repeat(known) => assert_eq!(known.id, id(1)),
        other => panic!("the same name and key: {other:?}"),
    }
    let lease = store.claim(id(1), odd, at(2), TERM).await.unwrap().expect("it is due");
    assert_eq!(store.release(&lease, at(3), Some(odd), false).await.unwrap(), Ok(()));
    assert!(store.by_idempotency_key(&tenant("acme"), odd).await.unwrap().is_some());
}

pub async fn an_awaited_upload_is_completed_once<S: Store>(store: Arc<S>) {
    let new = NewUpload { sha256: String::new(), ..named(1, "acme", "order-7") };
    assert_eq!(store.expect(&new, at(100)).await.unwrap(), Accepted::New);
    match store.expect(&NewUpload { id: id(2), ..new.clone() }, at(100)).await.unwrap() {
        Accepted::Repeat(known) => assert_eq!((known.id, known.state), (id(1), State::Awaiting)),
        other => panic!("{other:?}"),
    }
    let larger = NewUpload { id: id(2), size: 1, ..new.clone() };
    assert_eq!(store.expect(&larger, at(100)).await.unwrap(), Accepted::Conflict(id(1)));
    assert_eq!(store.outbox(0, 10).await.unwrap(), [], "nothing to scan yet");
    assert_eq!(store.due(at(50), 10).await.unwrap(), []);
    assert_eq!(store.claim(id(1), "w1", at(50), TERM).await.unwrap(), None);
    assert_eq!((store.backlog().await.unwrap(), store.backlogs().await.unwrap()), (1, Vec::new()));
    assert_eq!((store.oldest().await.unwrap(), store.due_again(id(1)).await.unwrap()), (None, None));

    let sha256 = "ab".repeat(32);
    let complete =
        async |who: &str, n| store.complete(&tenant(who), id(n), 77, &sha256, "key:k2", at(60)).await;
    assert_eq!(complete("globex", 1).await.unwrap(), None, "it is another's");
    assert_eq!(complete("acme", 9).await.unwrap(), None, "there is none");
    let done = complete("acme", 1).await.unwrap().expect("it was awaited");
    assert_eq!(
        (done.state, done.size, &done.sha256, done.accepted_at),
        (State::Received, 77, &sha256, at(60))
    );
    assert_eq!(store.upload(&tenant("acme"), id(1)).await.unwrap(), Some(done));
    assert_eq!(complete("acme", 1).await.unwrap(), None, "once");
    let told = store.outbox(0, 10).await.unwrap();
    assert_eq!(told.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["upload.received"]);
    let log = store.audit(0, 10).await.unwrap();
    let said: Vec<_> = log.iter().map(|line| (line.action.as_str(), line.actor.as_str())).collect();
    assert_eq!(said, [("upload.awaited", "key:k1"), ("upload.accepted", "key:k2")]);
    assert_eq!(store.due(at(60), 10).await.unwrap(), [id(1)]);
}

pub async fn what_was_awaited_too_long_is_overdue<S: Store>(store: Arc<S>) {
    for (n, until) in [(1, 30), (2, 20), (3, 40)] {
        store.expect(&NewUpload { sha256: String::new(), ..upload(n) }, at(until)).await.unwrap();
    }
    store.accept(&upload(4)).await.unwrap();
    let acme = tenant("acme");
    assert_eq!(store.overdue(at(19), 10).await.unwrap(), []);
    assert_eq!(store.overdue(at(30), 10).await.unwrap(), [(acme.clone(), id(2)), (acme.clone(), id(1))]);
    assert_eq!(store.overdue(at(99), 1).await.unwrap(), [(acme.clone(), id(2))]);
    store
        .complete(&acme, id(2), 5, &"ab".repeat(32), "key:k1", at(50))
        .await
        .unwrap()
        .expect("late, but there");
    store.erase(&acme, id(1), "expiry", at(50)).await.unwrap().expect("it was there");
    assert_eq!(store.overdue(at(99), 10).await.unwrap(), [(acme, id(3))]);
}
