use super::fresh;
use lazaret::{
    ports::{
        Store,
        contract::samples::{TERM, at, claimed, id, rendition, settlement, tenant, upload},
        store::Accepted,
    },
    upload::{Decision, State, rendition::RenditionName},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_share_few_commits() {
    const CALLS: u64 = 256;
    let (store, mut admin, _) = fresh().await;
    let accepts = (1..=CALLS).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.accept(&upload(n)).await.unwrap() })
    });
    for accepted in futures_util::future::join_all(accepts).await {
        assert_eq!(accepted.unwrap(), Accepted::New);
    }
    let claims = (1..=CALLS).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(
            async move { store.claim(id(n), "w1", at(999), TERM).await.unwrap().expect("it is due") },
        )
    });
    let leases: Vec<_> =
        futures_util::future::join_all(claims).await.into_iter().map(|lease| lease.unwrap()).collect();
    let settles = leases.into_iter().map(|lease| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let settlement = settlement(&lease, Decision::Publish, at(1000));
            store.settle(&lease, &settlement).await.unwrap().expect("the lease is held");
            // Answered means committed: it shows to others.
            assert_eq!(
                store.verdict(lease.upload.id).await.unwrap().expect("it is there").detail,
                settlement.verdict
            );
        })
    });
    for settled in futures_util::future::join_all(settles).await {
        settled.unwrap();
    }
    for (kind, flushes) in store.flushes() {
        assert_eq!(flushes.items, CALLS, "{kind}");
        assert!(flushes.items >= 4 * flushes.flushes, "{kind}: {flushes:?}");
    }
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&mut admin).await.unwrap();
    assert_eq!(told, 2 * i64::try_from(CALLS).unwrap());
    assert_eq!(store.audit_verify().await.unwrap(), Ok(2 * CALLS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_asked_for_together_are_each_tenants_own_latest() {
    let (store, ..) = fresh().await;
    for n in 0..8 {
        for round in 0..n {
            let text = format!("{n} {round}");
            store.apply_policy(&tenant(&format!("t{n}")), &text, "cli", at(1)).await.unwrap();
        }
    }
    let asks = (0..64_u32).map(|ask| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.policy(&tenant(&format!("t{}", ask % 8))).await.unwrap() })
    });
    for (ask, policy) in (0..64_u32).zip(futures_util::future::join_all(asks).await) {
        let (n, found) = (ask % 8, policy.unwrap().map(|policy| (policy.version, policy.text)));
        assert_eq!(found, (n > 0).then(|| (n + 1, format!("{n} {}", n - 1))), "t{n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_cannot_be_done_fails_alone() {
    let (store, ..) = fresh().await;
    let mut leases = Vec::new();
    for n in 1..=40 {
        leases.push(claimed(&*store, &upload(n), 50).await);
    }
    let settles = leases.into_iter().enumerate().map(|(n, lease)| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut settlement = settlement(&lease, Decision::Publish, at(60));
            if n == 20 {
                // Twice the same name: the table refuses it.
                settlement.renditions.push(rendition(lease.upload.id, RenditionName::Original));
            }
            (n, lease.upload.id, store.settle(&lease, &settlement).await)
        })
    });
    for settled in futures_util::future::join_all(settles).await {
        let (n, id, settled) = settled.unwrap();
        let row = store.upload(&"acme".parse().unwrap(), id).await.unwrap().unwrap();
        if n == 20 {
            assert!(settled.is_err() && row.state == State::Scanning, "{settled:?} {row:?}");
        } else {
            assert!(settled.unwrap().is_ok() && row.state == State::Published, "{row:?}");
        }
    }
    assert_eq!(store.audit_verify().await.unwrap(), Ok(79));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_the_work_and_the_log() {
    let (first, _, url) = fresh().await;
    let second = lazaret::adapters::postgres::Postgres::open(&super::options(&url)).await.unwrap();
    let stores = [first, Arc::new(second)];
    let work =
        (1..=60_u64).flat_map(|n| stores.each_ref().map(|store| (n, Arc::clone(store)))).map(|(n, store)| {
            tokio::spawn(async move {
                // The same key from both: one of them is told of the other's.
                let new = lazaret::ports::store::NewUpload {
                    id: id(n + if n % 2 == 0 { 0 } else { 1000 }),
                    external_id: Some(format!("order-{n}")),
                    ..upload(n)
                };
                let accepted = store.accept(&new).await.unwrap();
                let Some(lease) = store.claim(new.id, "w", at(100), TERM).await.unwrap() else {
                    return (accepted, 0);
                };
                store.settle(&lease, &settlement(&lease, Decision::Review, at(101))).await.unwrap().unwrap();
                (accepted, 1)
            })
        });
    let (mut new, mut settled) = (0, 0);
    for done in futures_util::future::join_all(work).await {
        let (accepted, verdicts) = done.unwrap();
        assert!(!matches!(accepted, Accepted::Conflict(_)), "{accepted:?}");
        new += u32::from(accepted == Accepted::New);
        settled += verdicts;
    }
    assert_eq!((new, settled), (60, 60), "one of each key, and one lease");
    assert_eq!(stores[0].audit_verify().await.unwrap(), Ok(120));
    assert_eq!(stores[1].backlog().await.unwrap(), 0);
}

/// What is kept for those who come together is given up where it is the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_serves_all_kinds_of_calls_at_once() {
    let (first, _, url) = fresh().await;
    first.accept(&upload(1)).await.unwrap();
    let options = lazaret::adapters::postgres::Options { connections: 1, ..super::options(&url) };
    let store = Arc::new(lazaret::adapters::postgres::Postgres::open(&options).await.unwrap());
    let claimed = Arc::new(AtomicBool::new(false));
    // Uploads come without a pause, for as long as somebody waits for the connection.
    let accepts: Vec<_> = (0..8_u64)
        .map(|turn| {
            let (store, claimed) = (Arc::clone(&store), Arc::clone(&claimed));
            tokio::spawn(async move {
                for n in (0..).map(|n| 2 + turn + 8 * n) {
                    store.accept(&upload(n)).await.unwrap();
                    if claimed.load(Ordering::SeqCst) {
                        return;
                    }
                }
            })
        })
        .collect();
    let lease = store.claim(id(1), "w1", at(999), TERM).await.unwrap().expect("it is due");
    store.extend(&lease, at(9999)).await.unwrap().expect("the lease is held");
    store.settle(&lease, &settlement(&lease, Decision::Review, at(1000))).await.unwrap().unwrap();
    claimed.store(true, Ordering::SeqCst);
    for accept in accepts {
        accept.await.unwrap();
    }
}
