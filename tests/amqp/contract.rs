//! The Queue's suite, over a SQLite store whose news a small bridge publishes as work.

use crate::{
    bench::{options, work},
    rabbitmq::Rabbit,
};
use async_trait::async_trait;
use lazaret::{
    adapters::{
        amqp::{Amqp, WorkQueue},
        sqlite::Sqlite,
    },
    ports::{
        Publisher, Queue, Result, Store,
        contract::{queue::Bench, samples},
        publisher::Lane,
        queue::Delivery,
        store::Handed,
    },
};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;

struct Bridged {
    queue: Arc<WorkQueue>,
    wake: Arc<Notify>,
    _amqp: Arc<Amqp>,
}

#[async_trait]
impl Queue for Bridged {
    async fn receive(&self) -> Result<Delivery> {
        self.queue.receive().await
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}

async fn bridge(store: Arc<Sqlite>, amqp: Arc<Amqp>, wake: Arc<Notify>) {
    loop {
        wake.notified().await;
        let pending = store.outbox_pending(1000).await.unwrap();
        let due = store.due(samples::at(10), 1000).await.unwrap();
        let fresh =
            pending.iter().filter(|entry| entry.kind == "upload.received" && due.contains(&entry.upload));
        let messages: Vec<_> = fresh.map(|entry| work(Lane::Main, entry.upload)).collect();
        for sent in amqp.publisher().publish(&messages).await {
            sent.unwrap();
        }
        let handed: Vec<_> =
            pending.iter().map(|entry| Handed { sequence: entry.sequence, webhooks: Vec::new() }).collect();
        store.outbox_handed_on(&handed, samples::at(10)).await.unwrap();
    }
}

async fn queue() -> (Bench<Sqlite, Bridged>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(&folder.path().join("data/lazaret.db")).await.unwrap());
    let vhost = Rabbit::shared().vhost();
    let amqp = Amqp::connect(options(&vhost.url)).await.unwrap();
    let wake = Arc::<Notify>::default();
    tokio::spawn(bridge(Arc::clone(&store), Arc::clone(&amqp), Arc::clone(&wake)));
    (Bench { store, queue: Arc::new(Bridged { queue: amqp.queue(), wake, _amqp: amqp }) }, folder)
}

lazaret::queue_contract!(queue);
