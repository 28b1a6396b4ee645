//! The service: built, started, drained. A process has the roles that the settings give it.

use super::{
    DataFolder,
    console::console,
    cores, examiner,
    gauges::Gauges,
    known_bad, mark,
    news::{self, News},
    open_blobs, open_broker, or, prove_sandbox,
    readiness::Parts,
    signer::signer,
    sources::{desk, fetching},
    start_engines,
    stores::{Bytes, Rows, open_rows},
    streams,
    vault::vault,
};
use crate::{
    Task,
    access::Vault,
    adapters::{amqp::Amqp, store_queue::StoreQueue},
    config::{
        Config,
        sections::{DeliveryMode, Role},
    },
    console::{Console, router as console_router},
    events::Settled,
    http::{
        Api, Front, Limits, Remote, Server, api_router, observe::observe, operations_router, streams_router,
    },
    intake::submitted::{Desk, Line},
    pipeline::{CarryOut, Company, Engines, Patience, Policies, Work, Workers, publish::Recipe, sweep},
    ports::{
        Blobs, Clock, DeadLetters, Frames, Queue, Random, Store, clock::SystemClock, random::SystemRandom,
    },
    streams::Hub,
    telemetry::Metrics,
};
use anyhow::Context;
use axum::middleware::from_fn_with_state;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// The whole service, with everything opened and nothing running yet.
pub struct App {
    config: Config,
    folder: DataFolder,
    listener: TcpListener,
    api: Api,
    work: Option<Scanning>,
    news: Option<News>,
    console: Option<Console>,
    gauges: Gauges,
}

/// The worker role.
struct Scanning {
    work: Arc<Work>,
    engines: Engines,
    /// What is submitted through the queue, where there is one.
    desk: Option<Desk>,
    rulings: CarryOut,
}

/// What every role needs.
struct Base {
    rows: Rows,
    bytes: Bytes,
    broker: Option<Arc<Amqp>>,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settled: Settled,
    metrics: Arc<Metrics>,
    /// What is submitted through the broker.
    line: Arc<Line>,
    /// This process, among all that use the store.
    name: String,
}

/// For which a ruling that is carried out is nobody else's, where its process dies.
const RULING: Duration = Duration::from_secs(300);
/// Threads that answer HTTP, at most: what they do is little.
const HTTP_THREADS: usize = 16;

impl Base {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let name = format!("{}:{}", host(), std::process::id());
        let rows = open_rows(config).await?;
        let store = Arc::clone(&rows.store);
        let bytes = open_blobs(config).await?;
        if config.is_embedded() {
            // A bucket may be somebody else's too, by mistake.
            let company = if bytes.bucket.is_none() { Company::Alone } else { Company::Others };
            recover(&*store, &*bytes.blobs, &*clock, company).await?;
        }
        let broker = open_broker(config, &name).await?;
        let queue: Arc<dyn Queue> = match &broker {
            Some(broker) => broker.queue(),
            None => Arc::new(StoreQueue::new(Arc::clone(&store), Arc::clone(&clock), config.queue.poll.0)),
        };
        Ok(Self {
            rows,
            bytes,
            broker,
            queue,
            clock,
            random: Arc::new(SystemRandom),
            settled: Settled::default(),
            metrics: Arc::new(Metrics::new()),
            line: Arc::default(),
            name,
        })
    }
}

impl App {
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let has = |role| config.server.roles.contains(&role);
        let folder = DataFolder::lock(&config.server.data)?;
        let base = Base::open(&config).await?;
        let work = match has(Role::Worker) {
            true => Some(scanning(&config, &base, &folder).await?),
            false => None,
        };
        let news = match has(Role::Events) {
            true => Some(News::build(&config, news_parts(&base))?),
            false => None,
        };
        let engines = work.as_ref().map(|work| work.engines.clone());
        let vault = vault(&config)?;
        let (hub, eyes) = match has(Role::Streams) {
            true => {
                let parts = stream_parts(&base, vault.clone());
                Some(streams::hub(&config, parts, engines.as_ref()).await?).unzip()
            }
            false => (None, None),
        };
        let eyes = eyes.filter(|_| engines.is_none());
        let readiness = Parts {
            store: Arc::clone(&base.rows.store),
            blobs: Arc::clone(&base.bytes.blobs),
            broker: base.broker.clone(),
            engines,
            eyes,
        };
        let letters = base.broker.as_ref().map(|broker| broker.dead_letters() as Arc<dyn DeadLetters>);
        let gauges = Gauges {
            postgres: base.rows.postgres.clone(),
            broker: base.broker.clone(),
            metrics: Arc::clone(&base.metrics),
            line: Arc::clone(&base.line),
        };
        // Who takes none knows nothing of them.
        let takes = work.as_ref().is_some_and(|work| work.desk.is_some());
        let api = Api {
            store: Arc::clone(&base.rows.store),
            remote: remote(&config, &base.bytes)?,
            blobs: base.bytes.blobs,
            queue: base.queue,
            clock: base.clock,
            random: base.random,
            settled: base.settled,
            limits: limits(&config),
            signer: Arc::new(signer(&config)?),
            kept: Arc::default(),
            streams: Arc::new(crate::streams::Front {
                vault: vault.clone(),
                ..streams::front(&config, hub)?
            }),
            readiness: Arc::new(readiness),
            metrics: base.metrics,
            line: takes.then_some(base.line),
        };
        let media = work.as_ref().map(|work| work.engines.media.clone());
        let console = match has(Role::Console) {
            true => Some(console(&config, &api, base.rows, letters, media, vault)?),
            false => None,
        };
        let listener = TcpListener::bind(config.server.listen)
            .await
            .with_context(|| format!("cannot listen on {}; set server.listen", config.server.listen))?;
        Ok(Self { config, folder, listener, api, work, news, console, gauges })
    }

    /// Starts listening and working.
    pub async fn start(self) -> anyhow::Result<Running> {
        let Self { config, folder, listener, api, work, news, console, gauges } = self;
        let has = |role| config.server.roles.contains(&role);
        let router = match (has(Role::Api), has(Role::Streams)) {
            (true, _) => api_router(api.clone()),
            (false, true) => streams_router(api.clone()),
            (false, false) => operations_router(api.clone()),
        };
        let streams = api.streams.hub.clone().map(|hub| (hub.start(), hub));
        if let Some(console) = &console {
            let sealed = console.people.seal_all().await.context("second factors cannot be sealed")?;
            if sealed > 0 {
                tracing::info!(sealed, "second factors from before are sealed now");
            }
        }
        let pruning = console.as_ref().map(|console| (console.people.prune(), console.desk.end_views()));
        let router = match console {
            Some(console) => {
                let observed = console_router(console).layer(from_fn_with_state(api.clone(), observe));
                router.merge(observed)
            }
            None => router,
        };
        let front = Front::new(router, has(Role::Delivery).then(|| api.clone()));
        let server = Server::start(listener, front, cores().min(HTTP_THREADS))
            .context("the HTTP server cannot start")?;
        let work = work.map(|scanning| {
            let workers = Workers::start(scanning.work, or(config.pipeline.workers, cores() * 2));
            (workers, scanning.desk.map(Desk::start), scanning.rulings.start(), scanning.engines)
        });
        let news = news.map(News::start);
        let gauges = gauges.start();
        tracing::info!(
            server.address = %server.address(),
            server.roles = ?config.server.roles,
            server.data = %folder.path().display(),
            "lazaret {} is listening",
            env!("CARGO_PKG_VERSION")
        );
        Ok(Running {
            server,
            work,
            streams,
            news,
            gauges,
            pruning,
            settled: api.settled,
            grace: config.server.grace.0,
            _folder: folder,
        })
    }
}

async fn scanning(config: &Config, base: &Base, folder: &DataFolder) -> anyhow::Result<Scanning> {
    let known = known_bad(config)?;
    let engines = start_engines(config, &folder.path().join("clamd"), Arc::clone(&base.clock)).await?;
    for children in [&engines.media, &engines.video] {
        if let Err(hole) = prove_sandbox(config, children).await {
            engines.antivirus.shutdown().await;
            return Err(hole);
        }
    }
    let work = Work {
        policies: Policies::new(Arc::clone(&base.rows.store)).context("the embedded policy")?,
        examiner: Arc::new(examiner(config, engines.clone(), known, Patience::Wait)?),
        recipe: Recipe {
            make: config.renditions.make.clone(),
            thumbnail: config.renditions.thumbnail,
            marked: mark(config)?.is_some(),
        },
        name: format!("worker:{}", base.name),
        lease: config.pipeline.lease.0,
        attempts: config.pipeline.attempts,
        retry: config.pipeline.retry.0,
        ack_within: config.queue.ack_within.0,
        store: Arc::clone(&base.rows.store),
        queue: Arc::clone(&base.queue),
        blobs: Arc::clone(&base.bytes.blobs),
        clock: Arc::clone(&base.clock),
        settled: base.settled.clone(),
        metrics: Arc::clone(&base.metrics),
    };
    let work = Arc::new(work);
    let desk = match (&base.broker, fetching(config, &base.bytes)?) {
        (Some(broker), Some(fetching)) => {
            Some(desk(config, broker.inbox(), fetching, &work, &base.random, &base.line))
        }
        _ => None,
    };
    let rulings = CarryOut {
        work: Arc::clone(&work),
        reviews: Arc::clone(&base.rows.reviews),
        poll: config.queue.poll.0,
        term: RULING,
    };
    Ok(Scanning { work, engines, desk, rulings })
}

fn news_parts(base: &Base) -> news::Parts {
    news::Parts {
        store: Arc::clone(&base.rows.store),
        bytes: base.bytes.clone(),
        broker: base.broker.clone(),
        clock: Arc::clone(&base.clock),
        random: Arc::clone(&base.random),
        metrics: Arc::clone(&base.metrics),
        settled: base.settled.clone(),
        name: base.name.clone(),
    }
}

fn stream_parts(base: &Base, vault: Option<Arc<Vault>>) -> streams::Parts {
    streams::Parts {
        store: Arc::clone(&base.rows.store),
        blobs: Arc::clone(&base.bytes.blobs),
        clock: Arc::clone(&base.clock),
        settled: base.settled.clone(),
        metrics: Arc::clone(&base.metrics),
        frames: base.broker.as_ref().map(|broker| broker.frames() as Arc<dyn Frames>),
        vault,
        name: base.name.clone(),
    }
}

fn remote(config: &Config, bytes: &Bytes) -> anyhow::Result<Remote> {
    Ok(Remote {
        direct: bytes.direct(),
        direct_term: config.intake.direct.0,
        fetching: fetching(config, bytes)?,
        redirect: (config.delivery.mode == DeliveryMode::Redirect)
            .then_some(config.delivery.redirect_expires.0),
    })
}

/// The machine's name: with the process id, unique among all that use the store.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A running service.
pub struct Running {
    server: Server,
    work: Option<(Workers, Option<Task>, [Task; 2], Engines)>,
    streams: Option<([Task; 2], Hub)>,
    news: Option<news::Running>,
    gauges: Task,
    pruning: Option<(Task, Task)>,
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
        let grace = self.grace;
        let work = async {
            let Some((workers, desk, rulings, engines)) = self.work else { return };
            let desk = async {
                if let Some(desk) = desk {
                    desk.drain(grace).await;
                }
            };
            let [takedowns, rulings] = rulings;
            tokio::join!(workers.drain(grace), desk, takedowns.drain(grace), rulings.drain(grace));
            engines.antivirus.shutdown().await;
        };
        // Whoever sends frames is told to go elsewhere.
        let streams = async {
            if let Some(([adopting, showing], hub)) = self.streams {
                tokio::join!(adopting.drain(grace), showing.drain(grace), hub.drain(grace));
            }
        };
        let ended = tokio::time::timeout(grace, self.server.ended());
        let (_, (), ended) = tokio::join!(work, streams, ended);
        if ended.is_err() {
            tracing::warn!("connections were still open at the end of the grace period");
        }
        // Last, so that what the others brought about is told.
        if let Some(news) = self.news {
            news.drain(grace).await;
        }
        self.gauges.drain(grace).await;
        if let Some((pruning, views)) = self.pruning {
            tokio::join!(pruning.drain(grace), views.drain(grace));
        }
        tracing::info!("stopped");
    }
}

/// Puts right what a crash left: leases of a process that is gone, and bytes that no row knows.
async fn recover(
    store: &dyn Store,
    blobs: &dyn Blobs,
    clock: &dyn Clock,
    company: Company,
) -> anyhow::Result<()> {
    let leases = store.free_leases(clock.now()).await.context("leases of an earlier process")?;
    let objects = sweep(store, blobs, company).await.context("unused objects")?;
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
