use crate::{
    ports::{
        contract::samples::{TERM, at, claimed, id, settled, settlement, tenant, upload},
        store::{Handed, NewUpload, Stale, Store},
    },
    upload::{Decision, State},
};
use std::sync::Arc;

fn of(n: u64, name: &str) -> NewUpload {
    NewUpload { tenant: tenant(name), ..upload(n) }
}

pub async fn tenants_take_turns<S: Store>(store: Arc<S>) {
    for n in 1..=20 {
        store.accept(&of(n, "busy")).await.unwrap();
    }
    for (n, name) in [(21, "calm"), (22, "calm"), (23, "zen")] {
        store.accept(&of(n, name)).await.unwrap();
    }
    let due = store.due(at(100), 6).await.unwrap();
    assert_eq!(due, [1, 21, 23, 2, 22, 3].map(id), "one of each, then again");
    assert_eq!(store.due(at(100), 100).await.unwrap().len(), 23, "nobody is forgotten");
    assert_eq!(store.due(at(1), 100).await.unwrap(), [id(1)], "nor early");
}

pub async fn many_tenants_are_all_asked_in_time<S: Store>(store: Arc<S>) {
    for n in 1..=70 {
        store.accept(&of(n, &format!("t{n:02}"))).await.unwrap();
    }
    let mut seen = std::collections::BTreeSet::new();
    for now in 100..170 {
        let due =
            store.due(at(now) + std::time::Duration::from_millis(now.unsigned_abs()), 100).await.unwrap();
        assert!(due.len() >= 64, "{}", due.len());
        seen.extend(due);
    }
    assert_eq!(seen.len(), 70);
}

pub async fn it_is_told_when_work_can_be_claimed_again<S: Store>(store: Arc<S>) {
    assert_eq!(store.due_again(id(1)).await.unwrap(), None, "there is no such upload");
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.due_again(id(1)).await.unwrap(), Some(lease.until));
    store.release(&lease, at(7), None, false).await.unwrap().unwrap();
    assert_eq!(store.due_again(id(1)).await.unwrap(), Some(at(7)));
    settled(&*store, &upload(2), Decision::Review, 2).await;
    assert_eq!(store.due_again(id(2)).await.unwrap(), None, "it is settled");
}

pub async fn leases_that_ran_out_are_reaped<S: Store>(store: Arc<S>) {
    let leases = [claimed(&*store, &upload(1), 1).await, claimed(&*store, &upload(2), 2).await];
    claimed(&*store, &upload(3), 50).await;
    store.accept(&upload(4)).await.unwrap();
    let before = store.outbox(0, 100).await.unwrap();
    assert_eq!(store.reap(at(60), at(0), at(70), 10).await.unwrap(), 0, "they run");
    assert_eq!(store.reap(at(62), at(0), at(70), 1).await.unwrap(), 1);
    assert_eq!(store.reap(at(62), at(0), at(71), 10).await.unwrap(), 1);
    let told = store.outbox(before.last().unwrap().sequence, 100).await.unwrap();
    let said: Vec<_> = told.iter().map(|entry| (entry.kind.as_str(), entry.upload, entry.at)).collect();
    assert_eq!(said, [("upload.received", id(1), at(70)), ("upload.received", id(2), at(71))]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&told[0].body).unwrap(),
        serde_json::from_str::<serde_json::Value>(&before[0].body).unwrap(),
        "told as it was the first time"
    );
    let back = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!((back.state, back.attempts), (State::Received, 1), "the attempt counts");
    let late = store.settle(&leases[0], &settlement(&leases[0], Decision::Publish, at(72))).await.unwrap();
    assert_eq!(late, Err(Stale), "who lost the lease comes too late");
    let again = store.claim(id(1), "w2", at(72), TERM).await.unwrap().expect("it is due");
    assert_eq!(again.fence, leases[0].fence + 1);
}

pub async fn what_nobody_claims_is_announced_again<S: Store>(store: Arc<S>) {
    store.accept(&upload(1)).await.unwrap();
    store.accept(&upload(5)).await.unwrap();
    let before = store.outbox(0, 100).await.unwrap();
    assert_eq!(store.reap(at(60), at(0), at(70), 10).await.unwrap(), 0, "it may stand in a line");
    assert_eq!(store.reap(at(60), at(4), at(70), 10).await.unwrap(), 1);
    assert_eq!(store.reap(at(60), at(4), at(71), 10).await.unwrap(), 0, "not again at once");
    let told = store.outbox(before.last().unwrap().sequence, 100).await.unwrap();
    let said: Vec<_> = told.iter().map(|entry| (entry.kind.as_str(), entry.upload, entry.at)).collect();
    assert_eq!(said, [("upload.received", id(1), at(70))]);
    assert!(store.claim(id(1), "w1", at(70), TERM).await.unwrap().is_some(), "it is due");
}

pub async fn work_whose_message_is_gone_is_announced_as_it_is_given_back<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    let before = store.outbox(0, 100).await.unwrap();
    store.release(&lease, at(9), Some("clamd is starting"), true).await.unwrap().unwrap();
    assert_eq!(store.release(&lease, at(9), None, true).await.unwrap(), Err(Stale));
    let told = store.outbox(before.last().unwrap().sequence, 100).await.unwrap();
    let said: Vec<_> = told.iter().map(|entry| (entry.kind.as_str(), entry.upload)).collect();
    assert_eq!(said, [("upload.received", id(1))], "once");
    assert_eq!(told[0].body, before[0].body, "as it was the first time");
}

pub async fn backlogs_are_counted_by_tenant<S: Store>(store: Arc<S>) {
    assert_eq!((store.backlogs().await.unwrap(), store.oldest().await.unwrap()), (Vec::new(), None));
    settled(&*store, &of(1, "acme"), Decision::Review, 9).await;
    for (n, name) in [(2, "zen"), (3, "acme"), (4, "acme")] {
        store.accept(&of(n, name)).await.unwrap();
    }
    store.expect(&of(5, "zen"), at(99)).await.unwrap();
    store.claim(id(3), "w1", at(9), TERM).await.unwrap().expect("it is due");
    assert_eq!(store.backlogs().await.unwrap(), [], "nobody was told of them");
    let told: Vec<_> =
        store.outbox_pending(100).await.unwrap().into_iter().map(|entry| entry.sequence).collect();
    let told: Vec<_> = told.into_iter().map(|sequence| Handed { sequence, webhooks: Vec::new() }).collect();
    store.outbox_handed_on(&told, at(9)).await.unwrap();
    store.accept(&of(6, "acme")).await.unwrap();
    store.accept(&of(7, "new")).await.unwrap();
    let counts = store.backlogs().await.unwrap();
    assert_eq!(counts, [(tenant("acme"), 2), (tenant("zen"), 1)]);
    for n in [6, 7] {
        let name = if n == 6 { "acme" } else { "new" };
        store.erase(&tenant(name), id(n), "key:k1", at(9)).await.unwrap();
    }
    assert_eq!(store.oldest().await.unwrap(), Some(at(2)));
    assert_eq!(store.backlog().await.unwrap(), 4);
    store.erase(&tenant("acme"), id(4), "key:k1", at(9)).await.unwrap();
    let mut states = store.states(&[1, 2, 3, 4, 5, 9].map(id)).await.unwrap();
    states.sort_by_key(|(id, _)| *id);
    let expected = [
        (1, State::InReview),
        (2, State::Received),
        (3, State::Scanning),
        (4, State::Erased),
        (5, State::Awaiting),
    ];
    assert_eq!(states, expected.map(|(n, state)| (id(n), state)), "all that have a row");
}
