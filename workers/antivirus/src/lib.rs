//! Antivirus by clamd: a daemon that this crate starts and supervises itself, or a pool of daemons elsewhere.
//!
//! A clamd says `OK` also of what it did not scan. So nothing is scanned until canaries have shown that this daemon
//! finds a signature and tells when it stops at a limit, its replies are read by their exact grammar, and every
//! trouble that is not the file's own is [`Unavailable`]: the file waits.
//!
//! What `Complete` means: clamd answered `OK`, or named a signature, for a file within the proven size. It says
//! nothing of zip members in a method that clamd cannot unpack (LZMA, zstd): those it skips without a word, and the
//! structure check has to refuse them.

mod address;
mod canary;
mod engine;
mod health;
mod limits;
mod managed;
mod pool;
mod reply;
mod sample;
mod suspects;
mod verdict;
mod version;
mod wire;

pub use address::{Address, AddressError};
pub use health::Health;
pub use limits::{LARGEST_FILE, Limits};
pub use managed::{Managed, Signatures, running};

/// The readers of what clamd answers, for fuzzing.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::reply::{Asked, Nonsense, Reply, parse};

    /// What verdicts record of an answer to `VERSION`.
    pub fn version(bytes: &[u8]) -> Option<String> {
        crate::version::Version::parse(bytes).map(|version| version.recorded())
    }
}

use engine::{Board, Engine, NAME, SHUT_DOWN};
use lazaret_report::{Coverage, Report, Unavailable};
use std::{
    fs::File,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use suspects::Suspects;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

/// Whose clamd does the work.
#[derive(Debug, Clone)]
pub enum Source {
    /// One that this crate configures, starts and supervises.
    Managed(Managed),
    /// Daemons that somebody else runs; any healthy one will do.
    Pool(Vec<Address>),
}

/// A cheap handle on the engine; the last one dropped ends the supervision and a managed clamd.
#[derive(Clone)]
pub struct Antivirus {
    shared: Arc<Shared>,
}

struct Shared {
    engines: Vec<Arc<Engine>>,
    board: Arc<Board>,
    suspects: Suspects,
    turns: Semaphore,
    next: AtomicUsize,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl Antivirus {
    /// Begins supervision and returns at once. It never fails: an engine that cannot start is unhealthy and says why.
    /// Needs a tokio runtime with time and I/O, and ends with it.
    pub async fn start(
        source: Source,
        limits: Limits,
        clock: impl Fn() -> jiff::Timestamp + Send + Sync + 'static,
    ) -> Self {
        let mut limits = limits.clamped();
        let names = match &source {
            Source::Managed(managed) => {
                limits.test_signatures = matches!(managed.signatures, Signatures::Test(_));
                vec!["managed clamd".to_owned()]
            }
            Source::Pool(addresses) => addresses.iter().map(Address::to_string).collect(),
        };
        let board = Arc::new(Board::new(names));
        let clock: engine::Clock = Arc::new(clock);
        let turns = Semaphore::new(limits.concurrency);
        let engine = |slot, address| {
            Arc::new(Engine::new(limits.clone(), Arc::clone(&clock), address, Arc::clone(&board), slot))
        };
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let engines = match source {
            Source::Managed(managed) => {
                let engine = engine(0, None);
                tasks.spawn(managed::supervise(managed, Arc::clone(&engine), stopped));
                vec![engine]
            }
            Source::Pool(addresses) => {
                let engines: Vec<_> =
                    addresses.into_iter().enumerate().map(|(i, a)| engine(i, Some(a))).collect();
                for engine in &engines {
                    let (engine, mut stopped) = (Arc::clone(engine), stopped.clone());
                    tasks.spawn(async move {
                        tokio::select! {
                            () = pool::watch(engine) => {}
                            _ = stopped.wait_for(|stop| *stop) => {}
                        }
                    });
                }
                engines
            }
        };
        let (suspects, next, tasks) = (Suspects::default(), AtomicUsize::new(0), Mutex::new(tasks));
        Self { shared: Arc::new(Shared { engines, board, suspects, turns, next, stop, tasks }) }
    }

    /// Scans all of `file`, whose offset is neither used nor moved. `size` is what the caller takes its length to be;
    /// a file of another length is `failed`, code `io.changed`.
    ///
    /// Coverage codes: `limit.size`, `limit.antivirus`, `encrypted` (partial); `antivirus.deadline`,
    /// `antivirus.error`, `antivirus.crashed`, `io.unreadable`, `io.changed` (failed). Finding codes:
    /// `antivirus.infected`, `antivirus.limit`, `antivirus.encrypted`, each with clamd's name for it. The version on
    /// record is that of the last proof, at most `canary_every` old.
    ///
    /// # Errors
    /// The engine cannot scan anything just now. After the third time that it fell over on one same file, which it
    /// then scans alone, that is the file's trouble: `antivirus.crashed`.
    pub async fn scan(&self, file: &File, size: u64) -> Result<Report, Unavailable> {
        self.scan_keyed(None, file, size).await
    }

    /// As [`Self::scan`], where `key` says which file it is from try to try, be it copied to another inode in
    /// between: an upload's id or hash.
    pub async fn scan_keyed(&self, key: Option<&str>, file: &File, size: u64) -> Result<Report, Unavailable> {
        let _turn = self.shared.turns.acquire().await.map_err(|_| Unavailable::new(NAME, SHUT_DOWN))?;
        let engine = self.pick()?;
        let failed = |code, detail: String| {
            let version = match engine.health() {
                Health::Healthy { version, .. } => version,
                _ => "unknown".to_owned(),
            };
            let engine = lazaret_report::Engine::new(NAME, version);
            Ok(Report { engine, coverage: Coverage::failed(code, detail), findings: vec![] })
        };
        let metadata = match file.metadata() {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return failed("io.unreadable", "not a regular file".to_owned()),
            Err(error) => return failed("io.unreadable", error.to_string()),
        };
        if metadata.len() != size {
            return failed("io.changed", format!("{} bytes, and not {size}", metadata.len()));
        }
        let key = key.map_or_else(|| suspects::key_of(&metadata), str::to_owned);
        engine.scan(file, size, &key, &self.shared.suspects).await
    }

    pub fn health(&self) -> Health {
        self.shared.board.whole().borrow().clone()
    }

    /// Tells of every change; the present value is seen at once.
    pub fn subscribe(&self) -> watch::Receiver<Health> {
        self.shared.board.whole()
    }

    /// Waits until the engine is healthy, and says whether it came to that.
    pub async fn healthy(&self, within: Duration) -> bool {
        let mut health = self.subscribe();
        let came = timeout(within, health.wait_for(Health::is_healthy)).await;
        matches!(came, Ok(Ok(_)))
    }

    /// Ends supervision, and a managed clamd, for all clones of this handle; scans under way or to come are
    /// unavailable.
    pub async fn shutdown(self) {
        self.shared.turns.close();
        self.shared.stop.send_replace(true);
        let mut tasks =
            std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
        for engine in &self.shared.engines {
            engine.unhealthy(SHUT_DOWN);
        }
    }

    fn pick(&self) -> Result<&Engine, Unavailable> {
        let engines = &self.shared.engines;
        let first = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let turn = (0..engines.len()).map(|i| &engines[first.wrapping_add(i) % engines.len()]);
        turn.into_iter()
            .find(|e| e.health().is_healthy())
            .map(AsRef::as_ref)
            .ok_or_else(|| Unavailable::new(NAME, self.health().to_string()))
    }
}
