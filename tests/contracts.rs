//! Every adapter against the suite of its port.

use jiff::Timestamp;
use lazaret::{
    adapters::{fs::Fs, sqlite::Sqlite, store_queue::StoreQueue},
    ports::{Clock, contract::queue::Bench, contract::samples},
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

async fn store() -> (Arc<Sqlite>, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Sqlite::open(&folder.path().join("data/lazaret.db")).await.expect("a fresh store opens");
    (Arc::new(store), folder)
}

fn blobs_in(folder: TempDir) -> (Arc<Fs>, TempDir) {
    let blobs = Fs::open(folder.path().join("blobs")).expect("a fresh folder opens");
    (Arc::new(blobs), folder)
}

/// The samples' second 10, for ever.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        samples::at(10)
    }
}

#[path = "servers/postgres.rs"]
mod postgres_server;

mod postgres {
    use super::*;
    use lazaret::adapters::postgres::Postgres;

    async fn store() -> (Arc<Postgres>, ()) {
        let url = postgres_server::Server::shared().database().await;
        let store = Postgres::open(&postgres_server::options(&url)).await.expect("a fresh store opens");
        (Arc::new(store), ())
    }

    lazaret::store_contract!(store);
    lazaret::accounts_contract!(store);
    lazaret::reviews_contract!(store);
    lazaret::drafts_contract!(store);
    lazaret::federation_contract!(store);
    lazaret::insight_contract!(store);
    lazaret::wall_contract!(store);
    lazaret::snapshots_contract!(store);
    lazaret::reports_contract!(store);
    lazaret::care_contract!(store);

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 10, max_shrink_iters: 20, failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_sequence_keeps_the_laws(steps in proptest::collection::vec(proptest::prelude::any::<(u8, u8, u8)>(), 1..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (store, ()) = store().await;
                lazaret::ports::contract::store::any_sequence_keeps_the_laws(&*store, &steps).await;
            });
        }
    }
}

mod sqlite {
    use super::*;

    lazaret::store_contract!(store);
    lazaret::accounts_contract!(store);
    lazaret::reviews_contract!(store);
    lazaret::drafts_contract!(store);
    lazaret::federation_contract!(store);
    lazaret::insight_contract!(store);
    lazaret::wall_contract!(store);
    lazaret::snapshots_contract!(store);
    lazaret::reports_contract!(store);
    lazaret::care_contract!(store);

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 40, max_shrink_iters: 100, failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_sequence_keeps_the_laws(steps in proptest::collection::vec(proptest::prelude::any::<(u8, u8, u8)>(), 1..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (store, _folder) = store().await;
                lazaret::ports::contract::store::any_sequence_keeps_the_laws(&*store, &steps).await;
            });
        }
    }
}

mod fs {
    use super::*;

    async fn blobs() -> (Arc<Fs>, TempDir) {
        blobs_in(tempfile::tempdir().expect("a temporary folder"))
    }

    lazaret::blobs_contract!(blobs);
}

/// Most often another file system, and one that knows no O_TMPFILE on older kernels.
mod fs_in_memory {
    use super::*;

    async fn blobs() -> (Arc<Fs>, TempDir) {
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        blobs_in(memory.expect("a temporary folder"))
    }

    lazaret::blobs_contract!(blobs);
}

mod store_queue {
    use super::*;

    async fn queue() -> (Bench<Sqlite, StoreQueue>, TempDir) {
        let (store, folder) = store().await;
        let queue = StoreQueue::new(store.clone(), Arc::new(Stopped), Duration::from_millis(100));
        (Bench { store, queue: Arc::new(queue) }, folder)
    }

    lazaret::queue_contract!(queue);
}

#[path = "servers/s3.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod s3_server;

mod s3 {
    use super::*;
    use crate::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY, s3_url};
    use lazaret::adapters::s3::{Options, S3};

    async fn blobs() -> (Arc<S3>, (S3Server, TempDir)) {
        let (server, spool) = (S3Server::start().await, tempfile::tempdir().expect("a temporary folder"));
        let url = s3_url(&server.bucket(), server.address);
        let mut options = Options::from_url(&url, spool.path()).expect("a URL");
        options.prefix = "some/place".to_owned();
        options.access_key = Some(ACCESS_KEY.to_owned());
        options.secret_key = Some(SECRET_KEY.to_owned().into());
        let blobs = S3::open(options).await.expect("a fresh bucket opens");
        (Arc::new(blobs), (server, spool))
    }

    lazaret::blobs_contract!(blobs);
}
