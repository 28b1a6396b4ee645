//! The pipeline itself: workers, store, queue and relay as the service has them, around checks that cost nothing.

use super::{
    PREFETCH, Rate,
    free::{BYTES, Clean, OneFile},
};
use crate::{
    clamd, process,
    shared::{self, Room},
};
use anyhow::{Context, ensure};
use async_trait::async_trait;
use lazaret::{
    adapters::postgres::Flushes,
    app::start_engines,
    config::Config,
    events::{Relay, Settled, relay},
    hex,
    pipeline::{Engines, Policies, Work, Workers, publish::Recipe},
    ports::{
        Publisher, Result, Store,
        clock::SystemClock,
        publisher::{Message, Route},
    },
    telemetry::Metrics,
};
use sha2::{Digest, Sha256};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Of the settings' default.
const CONNECTIONS: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(300);

pub struct Run {
    pub rate: Rate,
    /// Of this process.
    pub cpu: Duration,
    flushes: Vec<(&'static str, Flushes)>,
}

impl Run {
    /// Calls of a kind in one commit, on the mean.
    pub fn together(&self, name: &str) -> f64 {
        let of = self.flushes.iter().find(|(kind, _)| *kind == name);
        of.map_or(0.0, |(_, flushes)| flushes.items as f64 / flushes.flushes.max(1) as f64)
    }
}

pub async fn run(room: &Room, count: u64) -> anyhow::Result<Run> {
    let (store, amqp) = (room.store(CONNECTIONS).await?, room.amqp(PREFETCH).await?);
    let ids = shared::accept(&store, count, &hex(&Sha256::digest(BYTES)), BYTES.len() as u64).await?;
    shared::announce(&store, &*amqp.publisher()).await?;
    room.rest().await?;
    let stub = clamd::Stub::start()?;
    let settled = Settled::default();
    let metrics = Arc::new(Metrics::new());
    let work = Work {
        store: store.clone(),
        queue: amqp.queue(),
        blobs: Arc::new(OneFile::new()?),
        clock: Arc::new(SystemClock),
        policies: Policies::new(store.clone())?,
        examiner: Arc::new(Clean { engines: engines(&stub).await? }),
        recipe: Recipe::default(),
        settled: settled.clone(),
        metrics: Arc::clone(&metrics),
        name: "worker:bench".to_owned(),
        lease: Duration::from_secs(60),
        attempts: 5,
        retry: Duration::from_secs(5),
        ack_within: Duration::from_secs(600),
    };
    let confirmed = Confirmed::new(amqp.publisher(), count);
    let relay = Relay {
        store: store.clone(),
        publisher: Some(confirmed.clone()),
        webhooks: Arc::default(),
        clock: Arc::new(SystemClock),
        metrics,
        bell: settled.outbox(),
        calls: Arc::default(),
        options: relay::Options::new("bench"),
    };
    let (cpu, began) = (process::this(), Instant::now());
    let relay = relay.start();
    let workers = Workers::start(Arc::new(work), PREFETCH.into());
    tokio::time::timeout(PATIENCE, confirmed.all.notified()).await.context("not every verdict was told")?;
    let (wall, cpu) = (began.elapsed(), process::this() - cpu);
    workers.drain(PATIENCE).await;
    relay.drain(PATIENCE).await;
    let [_, claims, settles] = store.flushes();
    ensure!(settles.1.items == count, "{} verdicts for {count} uploads", settles.1.items);
    ensure!(store.backlog().await? == 0 && store.outbox_pending(1).await?.is_empty(), "something is left");
    for id in ids.iter().step_by(97) {
        ensure!(!store.renditions(*id).await?.is_empty(), "{id} is not published");
    }
    for (queue, depth) in amqp.depth().await? {
        ensure!(depth == 0, "{depth} messages are left in {queue}");
    }
    store.close().await;
    Ok(Run { rate: Rate { count, wall }, cpu, flushes: vec![claims, settles] })
}

/// Started, and never asked.
async fn engines(stub: &clamd::Stub) -> anyhow::Result<Engines> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lazaret.toml");
    std::fs::write(&file, format!("[antivirus]\nclamd = [\"unix:{}\"]\n", stub.socket().display()))?;
    let config = Config::load(Some(&file), &[])?;
    start_engines(&config, &folder.path().join("clamd"), Arc::new(SystemClock)).await
}

/// The broker's, and it tells when so many events were confirmed.
struct Confirmed {
    inner: Arc<dyn Publisher>,
    left: AtomicU64,
    all: Notify,
}

impl Confirmed {
    fn new(inner: Arc<dyn Publisher>, count: u64) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicU64::new(count), all: Notify::new() })
    }
}

#[async_trait]
impl Publisher for Confirmed {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<()>> {
        let results = self.inner.publish(messages).await;
        let is_told = |(message, result): &(&Message, &Result<()>)| {
            matches!(message.route, Route::Event(_)) && result.is_ok()
        };
        let told = messages.iter().zip(&results).filter(is_told).count() as u64;
        if told > 0 && self.left.fetch_sub(told, Ordering::SeqCst) == told {
            self.all.notify_one();
        }
        results
    }
}
