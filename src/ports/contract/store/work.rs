use crate::{
    ports::{
        contract::samples::{TERM, at, claimed, id, settled, settlement, tenant, upload},
        store::{Stale, Store},
    },
    upload::{Decision, State},
};
use std::{sync::Arc, time::Duration};

pub async fn one_of_many_concurrent_claims_wins<S: Store>(store: Arc<S>) {
    store.accept(&upload(1)).await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.claim(id(1), &format!("w{n}"), at(2), TERM).await.unwrap() })
        })
        .collect();
    let mut leases = Vec::new();
    for task in tasks {
        leases.extend(task.await.unwrap());
    }
    assert_eq!(leases.len(), 1, "one worker has the lease");
    let lease = &leases[0];
    assert_eq!((lease.fence, lease.until), (1, at(2) + TERM));
    assert_eq!((lease.upload.state, lease.upload.attempts), (State::Scanning, 1));
    assert!(lease.upload.version > 1, "a claim is a change");
}

pub async fn a_claim_waits_until_it_is_due<S: Store>(store: Arc<S>) {
    assert_eq!(store.claim(id(1), "w1", at(1), TERM).await.unwrap(), None, "there is no such upload");
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.release(&lease, at(30), None, false).await.unwrap(), Ok(()));
    assert_eq!(store.claim(id(1), "w2", at(29), TERM).await.unwrap(), None);
    assert_eq!(store.due(at(29), 10).await.unwrap(), []);
    assert_eq!(store.due(at(30), 10).await.unwrap(), [id(1)]);
    let lease = store.claim(id(1), "w2", at(30), TERM).await.unwrap().expect("due now");
    store.settle(&lease, &settlement(&lease, Decision::Review, at(31))).await.unwrap().unwrap();
    assert_eq!(store.claim(id(1), "w3", at(999), TERM).await.unwrap(), None, "a settled upload is no work");
    assert_eq!(store.due(at(999), 10).await.unwrap(), []);
}

pub async fn an_expired_lease_can_be_claimed_and_fences_out_its_holder<S: Store>(store: Arc<S>) {
    let old = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.due(at(60), 10).await.unwrap(), [], "the lease runs");
    assert_eq!(store.claim(id(1), "w2", at(60), TERM).await.unwrap(), None);
    assert_eq!(store.due(at(61), 10).await.unwrap(), [id(1)], "the lease ran out");
    let new = store.claim(id(1), "w2", at(61), TERM).await.unwrap().expect("it ran out");
    assert_eq!((new.fence, new.upload.attempts), (old.fence + 1, 2));

    assert_eq!(store.extend(&old, at(500)).await.unwrap(), Err(Stale));
    assert_eq!(store.release(&old, at(62), None, false).await.unwrap(), Err(Stale));
    assert_eq!(store.settle(&old, &settlement(&old, Decision::Publish, at(62))).await.unwrap(), Err(Stale));
    assert_eq!(store.verdict(id(1)).await.unwrap(), None, "a stale worker leaves nothing");
    assert_eq!(store.renditions(id(1)).await.unwrap(), []);
    let known = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!(known, new.upload, "and changes nothing");

    store
        .settle(&new, &settlement(&new, Decision::Review, at(63)))
        .await
        .unwrap()
        .expect("the holder settles");
}

pub async fn an_expired_lease_that_nobody_took_is_still_good<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.extend(&lease, at(1000)).await.unwrap(), Ok(()), "late, but nobody came");
    let lease = claimed(&*store, &upload(2), 2).await;
    assert_eq!(store.settle(&lease, &settlement(&lease, Decision::Publish, at(5000))).await.unwrap(), Ok(()));
}

pub async fn extending_moves_the_end_of_a_lease<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.extend(&lease, at(100)).await.unwrap(), Ok(()));
    assert_eq!(store.claim(id(1), "w2", at(99), TERM).await.unwrap(), None);
    let taken = store.claim(id(1), "w2", at(100), TERM).await.unwrap().expect("it ran out");
    assert_eq!(taken.upload.attempts, 2, "extending is no new attempt");
}

pub async fn a_release_refunds_the_attempt_only_for_an_engines_trouble<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.release(&lease, at(2), Some("clamd is starting"), false).await.unwrap(), Ok(()));
    let waiting = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.attempts), (State::Received, 0));
    assert_eq!(waiting.waiting_for.as_deref(), Some("clamd is starting"));
    assert_eq!(
        store.release(&lease, at(2), None, false).await.unwrap(),
        Err(Stale),
        "it was given back already"
    );
    assert_eq!(store.extend(&lease, at(9)).await.unwrap(), Err(Stale));

    let lease = store.claim(id(1), "w1", at(2), TERM).await.unwrap().expect("due");
    assert_eq!((lease.fence, lease.upload.attempts, &lease.upload.waiting_for), (2, 1, &None));
    assert_eq!(store.release(&lease, at(3), None, false).await.unwrap(), Ok(()));
    let back = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!((back.attempts, back.waiting_for), (1, None), "the file's own trouble counts");
}

pub async fn what_a_scan_is_busy_with_is_shown_until_it_ends<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.note(&lease, "a copy: 42 %").await.unwrap(), Ok(()));
    let shown = async || store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!(
        (shown().await.state, shown().await.waiting_for.as_deref()),
        (State::Scanning, Some("a copy: 42 %"))
    );
    assert_eq!(store.release(&lease, at(2), None, false).await.unwrap(), Ok(()));
    assert_eq!(shown().await.waiting_for, None);
    assert_eq!(store.note(&lease, "too late").await.unwrap(), Err(Stale));
}

pub async fn fresh_work_is_due_oldest_first<S: Store>(store: Arc<S>) {
    for n in [3, 1, 2] {
        store.accept(&upload(n)).await.unwrap();
    }
    assert_eq!(store.due(at(9), 10).await.unwrap(), [id(1), id(2), id(3)]);
    assert_eq!(store.due(at(9), 2).await.unwrap(), [id(1), id(2)]);
}

pub async fn a_start_frees_every_lease<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    store.accept(&upload(2)).await.unwrap();
    settled(&*store, &upload(3), Decision::Publish, 3).await;
    assert_eq!(store.free_leases(at(4)).await.unwrap(), 1);
    let freed = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!(
        (freed.state, freed.attempts),
        (State::Received, 1),
        "what brought the process down is counted"
    );
    let due = store.due(at(4), 10).await.unwrap();
    assert_eq!(due.len(), 2, "due at once: {due:?}");
    let settled = store.settle(&lease, &settlement(&lease, Decision::Publish, at(5))).await.unwrap();
    assert_eq!(settled, Err(Stale), "the old process's lease is void");
    let lease = store.claim(id(1), "w2", at(4), Duration::from_secs(1)).await.unwrap().expect("free");
    assert_eq!(lease.fence, 2);
}

pub async fn the_backlog_counts_what_is_not_settled<S: Store>(store: Arc<S>) {
    assert_eq!(store.backlog().await.unwrap(), 0);
    store.accept(&upload(1)).await.unwrap();
    claimed(&*store, &upload(2), 2).await;
    settled(&*store, &upload(3), Decision::Review, 3).await;
    assert_eq!(store.backlog().await.unwrap(), 2);
    store.erase(&tenant("acme"), id(1), "key:k1", at(4)).await.unwrap().expect("it was there");
    assert_eq!(store.backlog().await.unwrap(), 1);
}
