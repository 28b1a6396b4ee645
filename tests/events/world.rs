//! A store with uploads, and a clock that the test sets.

use jiff::Timestamp;
use lazaret::{
    adapters::sqlite::Sqlite,
    ports::{
        Clock, Store,
        contract::samples,
        store::{NewUpload, OutboxEntry},
    },
    upload::{Decision, UploadId},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

pub struct World {
    pub store: Arc<dyn Store>,
    pub folder: TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("lazaret.db")).await.unwrap();
        Self { store: Arc::new(store), folder }
    }

    pub async fn receive(&self, n: u64) -> UploadId {
        self.receive_of("acme", n).await
    }

    pub async fn receive_of(&self, tenant: &str, n: u64) -> UploadId {
        let new = NewUpload { tenant: samples::tenant(tenant), ..samples::upload(n) };
        self.store.accept(&new).await.unwrap();
        new.id
    }

    pub async fn settle(&self, id: UploadId, decision: Decision) {
        let at = samples::at(1_000_000);
        let lease = self.store.claim(id, "w", at, samples::TERM).await.unwrap().unwrap();
        let settlement = samples::settlement(&lease, decision, at);
        self.store.settle(&lease, &settlement).await.unwrap().unwrap();
    }

    /// An upload with two entries: received, and its verdict.
    pub async fn settled(&self, n: u64) -> UploadId {
        let id = self.receive(n).await;
        self.settle(id, Decision::Review).await;
        id
    }

    pub async fn entries(&self) -> Vec<OutboxEntry> {
        self.store.outbox(0, 100_000).await.unwrap()
    }

    pub async fn all_handed_on(&self) -> bool {
        self.store.outbox_pending(1).await.unwrap().is_empty()
    }

    /// How many times something was marked as handed on, where the clock ticks: each commit has a time of its own.
    pub fn commits(&self) -> u64 {
        let store = rusqlite::Connection::open(self.folder.path().join("lazaret.db")).unwrap();
        let count = "SELECT count(DISTINCT handed_at) FROM outbox WHERE handed_at IS NOT NULL";
        store.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
    }
}

/// Stands still until it is set, or ticks with every look.
pub struct TestClock {
    now: Mutex<Timestamp>,
    tick: Duration,
    looks: AtomicU64,
}

impl TestClock {
    pub fn still() -> Arc<Self> {
        Self::every(Duration::ZERO)
    }

    pub fn ticking() -> Arc<Self> {
        Self::every(Duration::from_millis(1))
    }

    fn every(tick: Duration) -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(samples::at(2_000_000)), tick, looks: AtomicU64::new(0) })
    }

    /// How often it was asked.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::SeqCst)
    }

    pub fn pass(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let mut now = self.now.lock().unwrap();
        *now += self.tick;
        *now
    }
}

/// Polls until it is so; a test never sleeps for a fixed time.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "it never came to be: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
