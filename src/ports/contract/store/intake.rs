use crate::{
    ports::{
        contract::samples::{at, id, keyed, settled, tenant, upload},
        store::{Accepted, Page, Store},
    },
    upload::{Decision, State},
};
use std::sync::Arc;

pub async fn an_accepted_upload_is_read_back<S: Store>(store: Arc<S>) {
    let new = upload(1);
    assert_eq!(store.accept(&new).await.unwrap(), Accepted::New);
    let known = store.upload(&new.tenant, new.id).await.unwrap().expect("it was accepted");
    assert_eq!(
        (known.id, &known.tenant, known.state, known.version),
        (new.id, &new.tenant, State::Received, 1)
    );
    assert_eq!((&known.filename, &known.declared), (&new.filename, &new.declared));
    assert_eq!((known.size, &known.sha256), (new.size, &new.sha256));
    assert_eq!((known.accepted_at, known.settled_at), (new.at, None));
    assert_eq!((known.attempts, &known.waiting_for), (0, &None));

    let told = store.outbox(0, 10).await.unwrap();
    assert_eq!(told.len(), 1, "one event");
    assert_eq!((told[0].upload, told[0].kind.as_str()), (new.id, "upload.received"));
    let body: serde_json::Value = serde_json::from_str(&told[0].body).expect("the body is JSON");
    assert_eq!((&body["id"], &body["tenant"]), (&new.id.to_string().into(), &"acme".into()));
    let log = store.audit(0, 10).await.unwrap();
    assert_eq!(log.len(), 1, "one audit line");
    assert_eq!((log[0].action.as_str(), log[0].actor.as_str()), ("upload.accepted", "key:k1"));
    assert_eq!((log[0].subject.clone(), log[0].at), (new.id.to_string(), new.at));
    assert!(!log[0].detail.contains("photo") && !told[0].body.contains("photo"), "no name leaves the row");
}

pub async fn accepting_an_id_twice_is_refused<S: Store>(store: Arc<S>) {
    store.accept(&upload(1)).await.unwrap();
    let again = crate::ports::store::NewUpload { sha256: "ff".repeat(32), ..upload(1) };
    store.accept(&again).await.expect_err("an id is one upload's");
    let known = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!(known.sha256, upload(1).sha256, "the first stays");
    assert_eq!(store.outbox(0, 10).await.unwrap().len(), 1, "and nothing is told of the second");
}

pub async fn an_idempotency_key_answers_the_same_for_the_same<S: Store>(store: Arc<S>) {
    let first = keyed(1, "acme", "order-7");
    assert_eq!(store.accept(&first).await.unwrap(), Accepted::New);
    let same = crate::ports::store::NewUpload { id: id(2), at: at(9), ..first.clone() };
    match store.accept(&same).await.unwrap() {
        Accepted::Repeat(known) => assert_eq!((known.id, known.accepted_at), (first.id, first.at)),
        other => panic!("the same bytes and name are a repeat, not {other:?}"),
    }
    for other in [
        crate::ports::store::NewUpload { id: id(3), sha256: "ff".repeat(32), ..first.clone() },
        crate::ports::store::NewUpload { id: id(3), filename: Some("b.jpg".to_owned()), ..first.clone() },
    ] {
        assert_eq!(store.accept(&other).await.unwrap(), Accepted::Conflict(first.id));
    }
    for n in [2, 3] {
        assert_eq!(store.upload(&first.tenant, id(n)).await.unwrap(), None, "nothing was kept of the others");
    }
    assert_eq!(store.outbox(0, 10).await.unwrap().len(), 1);
    assert_eq!(store.audit(0, 10).await.unwrap().len(), 1);
}

pub async fn an_idempotency_key_belongs_to_one_tenant<S: Store>(store: Arc<S>) {
    assert_eq!(store.accept(&keyed(1, "acme", "k")).await.unwrap(), Accepted::New);
    assert_eq!(store.accept(&keyed(2, "globex", "k")).await.unwrap(), Accepted::New);
    assert_eq!(store.accept(&upload(3)).await.unwrap(), Accepted::New, "no key conflicts with nothing");
    assert_eq!(store.accept(&upload(4)).await.unwrap(), Accepted::New);
}

pub async fn one_of_many_concurrent_accepts_of_a_key_is_new<S: Store>(store: Arc<S>) {
    let tasks: Vec<_> = (1..=20)
        .map(|n| {
            let store = Arc::clone(&store);
            let new = crate::ports::store::NewUpload { id: id(n), ..keyed(1, "acme", "k") };
            tokio::spawn(async move { (new.id, store.accept(&new).await.unwrap()) })
        })
        .collect();
    let (mut new, mut repeats) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            (id, Accepted::New) => new.push(id),
            (_, Accepted::Repeat(known)) => repeats.push(known.id),
            (_, Accepted::Conflict(id)) => panic!("no conflict, they are all the same; got one with {id}"),
        }
    }
    assert_eq!((new.len(), repeats.len()), (1, 19));
    assert!(repeats.iter().all(|id| *id == new[0]), "all are told of the one");
    assert_eq!(store.backlog().await.unwrap(), 1);
}

pub async fn another_tenants_upload_is_not_there<S: Store>(store: Arc<S>) {
    store.accept(&upload(1)).await.unwrap();
    let other = tenant("globex");
    assert_eq!(store.upload(&other, id(1)).await.unwrap(), None);
    assert_eq!(store.uploads(&other, &Page { limit: 10, ..Page::default() }).await.unwrap(), []);
    assert_eq!(store.erase(&other, id(1), "key:k2", at(2)).await.unwrap(), None);
    let known = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!(known.state, State::Received, "and it is untouched");
}

pub async fn uploads_are_listed_newest_first_by_page_and_state<S: Store>(store: Arc<S>) {
    for n in 1..=6 {
        let decision = if n % 2 == 0 { Decision::Review } else { Decision::Quarantine };
        settled(&*store, &upload(n), decision, 100).await;
    }
    store.accept(&upload(7)).await.unwrap();
    let list = async |state, before, limit| {
        let page = Page { state, before, limit };
        let found = store.uploads(&tenant("acme"), &page).await.unwrap();
        found.into_iter().map(|upload| upload.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 3).await, [id(7), id(6), id(5)]);
    assert_eq!(list(None, Some(id(5)), 3).await, [id(4), id(3), id(2)]);
    assert_eq!(list(None, Some(id(2)), 3).await, [id(1)]);
    assert_eq!(list(None, Some(id(1)), 3).await, []);
    assert_eq!(list(Some(State::InReview), None, 2).await, [id(6), id(4)]);
    assert_eq!(list(Some(State::InReview), Some(id(4)), 2).await, [id(2)]);
    assert_eq!(list(Some(State::Published), None, 10).await, []);
}
