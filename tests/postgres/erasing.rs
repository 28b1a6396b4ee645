//! An erasure meets what others do with the same upload at the same moment.

use super::{fresh, raw};
use lazaret::{
    adapters::postgres::Postgres,
    ports::{
        Reports, Reviews, Store,
        contract::samples::{at, id, settled, tenant, upload},
    },
    upload::{Decision, State},
};
use sqlx::{Connection, PgConnection};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// As the store begins to rule, and to hear a report: the item comes first.
const LOCK: &str = "BEGIN; UPDATE reviews SET version = version + 1";

/// Begins to erase the first upload, until that waits for another transaction.
async fn erasing(store: &Arc<Postgres>, url: &str) -> JoinHandle<Option<Vec<String>>> {
    let store = Arc::clone(store);
    let erasing =
        tokio::spawn(async move { store.erase(&tenant("acme"), id(1), "key:k1", at(20)).await.unwrap() });
    let mut watch = PgConnection::connect(url).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(&mut watch)
        .await
        .unwrap();
        if waiting > 0 {
            return erasing;
        }
        assert!(Instant::now() < deadline, "it waits for nothing");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sealed_at_the_same_moment_is_kept() {
    let (store, mut admin, url) = fresh().await;
    settled(&*store, &upload(1), Decision::Review, 10).await;
    raw(&mut admin, LOCK).await.unwrap();
    raw(&mut admin, "UPDATE reviews SET sealed = 1, status = 'waiting'").await.unwrap();
    let erasing = erasing(&store, &url).await;
    let rules = "INSERT INTO rulings (upload, number, kind, reason, note, overrides, rules_over, person, at, standing, due_at) \
                 SELECT upload, 1, 'quarantine', 'child_abuse', '', '', 'verdict 1', 'ann', 1, 'waiting', 2 FROM reviews; \
                 COMMIT";
    raw(&mut admin, rules).await.unwrap();
    assert_eq!(erasing.await.unwrap(), None, "it is evidence");
    let upload = store.upload(&tenant("acme"), id(1)).await.unwrap().expect("it is there");
    assert_eq!(upload.state, State::InReview);
    assert!(store.item(id(1)).await.unwrap().expect("it is there").sealed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_says_at_the_same_moment_is_forgotten() {
    let (store, mut admin, url) = fresh().await;
    settled(&*store, &upload(1), Decision::Review, 10).await;
    raw(&mut admin, LOCK).await.unwrap();
    let erasing = erasing(&store, &url).await;
    let says = "INSERT INTO reports (upload, number, category, text, reporter, at) \
                SELECT upload, 1, 'spam', 'my name is Ann', 'u1', 1 FROM reviews; COMMIT";
    raw(&mut admin, says).await.unwrap();
    assert!(erasing.await.unwrap().is_some());
    assert_eq!(store.reports(id(1)).await.unwrap(), []);
    let upload = store.upload(&tenant("acme"), id(1)).await.unwrap().expect("the record is there");
    assert_eq!(upload.state, State::Erased);
}
