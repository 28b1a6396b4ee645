//! The service: built, started, drained.

use super::{
    DataFolder, cores, examiner, mark, open_blobs, open_store, or, readiness::Parts, signer::signer,
    start_engines,
};
use crate::{
    adapters::store_queue::StoreQueue,
    config::Config,
    events::Settled,
    http::{Api, Front, Limits, Server, api_router},
    pipeline::{Patience, Policies, Work, Workers, publish::Recipe, sweep},
    ports::{Blobs, Clock, Queue, Random, Store, clock::SystemClock, random::SystemRandom},
    telemetry::Metrics,
};
use anyhow::Context;
use lazaret_antivirus::Antivirus;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};

/// The whole service, with everything opened and nothing running yet.
pub struct App {
    config: Config,
    folder: DataFolder,
    listener: TcpListener,
    api: Api,
    work: Arc<Work>,
    antivirus: Antivirus,
}

/// Threads that answer HTTP, at most: what they do is little.
const HTTP_THREADS: usize = 16;
/// How often the backlog is counted for `/metrics`.
const COUNT_EVERY: Duration = Duration::from_secs(5);

impl App {
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let folder = DataFolder::lock(&config.server.data)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let store = open_store(&config).await?;
        let blobs = open_blobs(&config).await?;
        recover(&*store, &*blobs, &*clock).await?;
        let queue: Arc<dyn Queue> =
            Arc::new(StoreQueue::new(Arc::clone(&store), Arc::clone(&clock), config.queue.poll.0));
        let engines = start_engines(&config, &folder.path().join("clamd"), Arc::clone(&clock)).await?;
        let antivirus = engines.antivirus.clone();
        let (settled, metrics) = (Settled::default(), Arc::new(Metrics::new()));
        let readiness =
            Parts { store: Arc::clone(&store), blobs: Arc::clone(&blobs), engines: engines.clone() };
        let api = Api {
            store: Arc::clone(&store),
            blobs: Arc::clone(&blobs),
            queue: Arc::clone(&queue),
            clock: Arc::clone(&clock),
            random,
            settled: settled.clone(),
            limits: limits(&config),
            signer: Arc::new(signer(&config)?),
            kept: Arc::default(),
            readiness: Arc::new(readiness),
            metrics: Arc::clone(&metrics),
        };
        let work = Work {
            policies: Policies::new(Arc::clone(&store)).context("the embedded policy")?,
            examiner: examiner(&config, engines, Patience::Wait),
            recipe: Recipe {
                make: config.renditions.make.clone(),
                thumbnail: config.renditions.thumbnail,
                marked: mark(&config)?.is_some(),
            },
            name: format!("worker:{}", std::process::id()),
            lease: config.pipeline.lease.0,
            attempts: config.pipeline.attempts,
            retry: config.pipeline.retry.0,
            store,
            queue,
            blobs,
            clock,
            settled,
            metrics,
        };
        let listener = TcpListener::bind(config.server.listen)
            .await
            .with_context(|| format!("cannot listen on {}; set server.listen", config.server.listen))?;
        Ok(Self { config, folder, listener, api, work: Arc::new(work), antivirus })
    }

    /// Starts listening and working.
    pub async fn start(self) -> anyhow::Result<Running> {
        let front = Front::new(api_router(self.api.clone()), Some(self.api));
        let server = Server::start(self.listener, front, cores().min(HTTP_THREADS))
            .context("the HTTP server cannot start")?;
        let workers = Workers::start(Arc::clone(&self.work), or(self.config.pipeline.workers, cores() * 2));
        let counting = tokio::spawn(count(Arc::clone(&self.work)));
        tracing::info!(
            server.address = %server.address(),
            server.data = %self.folder.path().display(),
            "lazaret {} is listening",
            env!("CARGO_PKG_VERSION")
        );
        Ok(Running {
            server,
            workers,
            counting,
            antivirus: self.antivirus,
            settled: self.work.settled.clone(),
            grace: self.config.server.grace.0,
            _folder: self.folder,
        })
    }
}

/// A running service.
pub struct Running {
    server: Server,
    workers: Workers,
    counting: JoinHandle<()>,
    antivirus: Antivirus,
    settled: Settled,
    grace: Duration,
    _folder: DataFolder,
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Takes no new connections and no new work, and lets what is in flight end within the grace period.
    pub async fn stop(mut self) {
        tracing::info!("draining");
        self.server.stop();
        // Long polls end now; their callers ask again elsewhere, or later.
        self.settled.close();
        let (_, ended) = tokio::join!(
            self.workers.drain(self.grace),
            tokio::time::timeout(self.grace, self.server.ended())
        );
        if ended.is_err() {
            tracing::warn!("connections were still open at the end of the grace period");
        }
        self.counting.abort();
        self.antivirus.shutdown().await;
        tracing::info!("stopped");
    }
}

/// Puts right what a crash left: leases of a process that is gone, and bytes that no row knows.
async fn recover(store: &dyn Store, blobs: &dyn Blobs, clock: &dyn Clock) -> anyhow::Result<()> {
    let leases = store.free_leases(clock.now()).await.context("leases of an earlier process")?;
    let objects = sweep(store, blobs).await.context("unused objects")?;
    if leases + objects > 0 {
        tracing::info!(
            recovered.leases = leases,
            removed.objects = objects,
            "an earlier process did not end well"
        );
    }
    Ok(())
}

fn limits(config: &Config) -> Limits {
    Limits {
        max_upload_bytes: config.intake.max_upload.0,
        reserve_bytes: config.intake.reserve.0,
        max_url_age: config.delivery.max_expires.0,
        default_url_age: config.delivery.expires.0,
        ..Limits::default()
    }
}

async fn count(work: Arc<Work>) {
    loop {
        match work.store.backlog().await {
            Ok(backlog) => {
                work.metrics.backlog.set(i64::try_from(backlog).unwrap_or(i64::MAX));
            }
            Err(error) => tracing::warn!(%error, "the backlog cannot be counted"),
        }
        tokio::time::sleep(COUNT_EVERY).await;
    }
}
