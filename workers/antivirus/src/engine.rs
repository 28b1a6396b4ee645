//! One daemon: where it is, whether its word counts, and one scan by it.

use crate::{
    address::Address,
    canary::{self, Proof},
    health::Health,
    limits::Limits,
    suspects::{STRIKES, Suspects},
    verdict,
    wire::{self, WireError},
};
use jiff::Timestamp;
use lazaret_report::{Coverage, Report, Unavailable};
use rustix::io::Errno;
use std::{
    fs::File,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, RwLock, watch},
    time::timeout,
};

pub(crate) const NAME: &str = "clamav";

pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The health of all engines, and of the whole.
pub(crate) struct Board {
    all: Mutex<Vec<(String, Health)>>,
    whole: watch::Sender<Health>,
}

/// Why an engine that was ended on purpose is unhealthy.
pub(crate) const SHUT_DOWN: &str = "it was shut down";

impl Board {
    pub(crate) fn new(names: Vec<String>) -> Self {
        let all: Vec<_> = names.into_iter().map(|n| (n, Health::Starting)).collect();
        let whole = watch::Sender::new(Health::of_all(&all));
        Self { all: Mutex::new(all), whole }
    }

    pub(crate) fn whole(&self) -> watch::Receiver<Health> {
        self.whole.subscribe()
    }

    fn get(&self, slot: usize) -> Health {
        locked(&self.all)[slot].1.clone()
    }

    fn set(&self, slot: usize, health: Health) {
        let mut all = locked(&self.all);
        let (name, was) = &mut all[slot];
        if *was != health {
            match &health {
                // Somebody asked for it, so nobody is to be woken.
                Health::Unhealthy { why } if why == SHUT_DOWN => tracing::info!(clamd = %name, "{why}"),
                Health::Unhealthy { why } => tracing::warn!(clamd = %name, why, "antivirus is unhealthy"),
                other => tracing::info!(clamd = %name, "antivirus is {other}"),
            }
            *was = health;
        }
        let whole = Health::of_all(&all);
        self.whole.send_if_modified(|now| {
            let changed = *now != whole;
            *now = whole;
            changed
        });
    }
}

pub(crate) struct Engine {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    /// Asks for a proof at once.
    pub(crate) wake: Notify,
    address: Mutex<Option<Address>>,
    board: Arc<Board>,
    slot: usize,
    /// Goes up whenever trust is lost: a reply to a scan that began before counts for nothing.
    epoch: AtomicU64,
    /// A file that brought the daemon down before is scanned alone, so that no other is suspected with it.
    alone: RwLock<()>,
}

impl Engine {
    pub(crate) fn new(
        limits: Limits,
        clock: Clock,
        address: Option<Address>,
        board: Arc<Board>,
        slot: usize,
    ) -> Self {
        Self {
            limits,
            clock,
            wake: Notify::new(),
            address: Mutex::new(address),
            board,
            slot,
            epoch: AtomicU64::new(0),
            alone: RwLock::new(()),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn address(&self) -> Option<Address> {
        locked(&self.address).clone()
    }

    pub(crate) fn moved(&self, address: Address) {
        *locked(&self.address) = Some(address);
    }

    pub(crate) fn health(&self) -> Health {
        self.board.get(self.slot)
    }

    pub(crate) fn proven(&self, proof: &Proof) {
        self.board.set(
            self.slot,
            Health::Healthy {
                version: proof.version.recorded(),
                signatures_date: proof.version.signatures.as_ref().map(|s| s.built),
                proven_bytes: proof.proven_bytes,
            },
        );
    }

    pub(crate) fn starting(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.board.set(self.slot, Health::Starting);
    }

    pub(crate) fn unhealthy(&self, why: impl Into<String>) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.board.set(self.slot, Health::Unhealthy { why: why.into() });
    }

    /// Where to scan, the version to record and the proven size; `None` while nothing may be scanned.
    fn ready(&self) -> Option<(Address, String, u64)> {
        let Health::Healthy { version, signatures_date, proven_bytes } = self.health() else { return None };
        if let Some(built) = signatures_date
            && canary::too_old(built, &self.limits, self.now())
        {
            return None;
        }
        Some((self.address()?, version, proven_bytes))
    }

    pub(crate) async fn scan(
        &self,
        file: &File,
        size: u64,
        key: &str,
        suspects: &Suspects,
    ) -> Result<Report, Unavailable> {
        let (mut one, mut many) = (None, None);
        if suspects.strikes(key) > 0 {
            one = Some(self.alone.write().await);
        } else {
            many = Some(self.alone.read().await);
        }
        let epoch = self.epoch.load(Ordering::SeqCst);
        let Some((address, version, proven_bytes)) = self.ready() else {
            self.wake.notify_one();
            return Err(Unavailable::new(NAME, self.health().to_string()));
        };
        let engine = lazaret_report::Engine::new(NAME, version);
        let said = |coverage| Ok(Report { engine: engine.clone(), coverage, findings: vec![] });
        if size > proven_bytes {
            let detail = format!("{size} bytes, of which no more than {proven_bytes} can be scanned");
            return said(Coverage::partial("limit.size", detail));
        }
        let outcome = timeout(self.limits.deadline, wire::scan(&address, file)).await;
        drop((one, many));
        let trouble = match outcome {
            Ok(Ok(reply)) => {
                if self.epoch.load(Ordering::SeqCst) != epoch {
                    return Err(Unavailable::new(NAME, "clamd lost its trust during the scan"));
                }
                match verdict::report(engine.clone(), reply) {
                    Ok(report) => {
                        suspects.clear(key);
                        return Ok(report);
                    }
                    Err(trouble) => trouble,
                }
            }
            Ok(Err(WireError::File(error))) => {
                return match Errno::from_io_error(&error) {
                    Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Err(Unavailable::new(
                        NAME,
                        format!("this process has no descriptor to spare: {error}"),
                    )),
                    _ => said(Coverage::failed("io.unreadable", error.to_string())),
                };
            }
            Ok(Err(error @ WireError::Connect(_))) => return Err(self.lost(error.to_string())),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                let within = self.limits.probe_deadline.min(Duration::from_secs(10));
                match canary::eicar(&address, within).await {
                    // The daemon serves others: it is this file that takes too long. It is not tried again.
                    Ok(()) => {
                        let detail = format!("no answer within {:?}", self.limits.deadline);
                        return said(Coverage::failed("antivirus.deadline", detail));
                    }
                    Err(error) => {
                        format!("no answer to a scan within {:?}, and {error}", self.limits.deadline)
                    }
                }
            }
        };
        let unavailable = self.lost(trouble);
        if suspects.strike(key) < STRIKES {
            return Err(unavailable);
        }
        suspects.clear(key);
        let detail = format!("clamd failed {STRIKES} times on this file: {}", unavailable.why);
        said(Coverage::failed("antivirus.crashed", detail))
    }

    /// Trust ends here, until the next proof, which is asked for at once.
    fn lost(&self, why: String) -> Unavailable {
        self.unhealthy(why.as_str());
        self.wake.notify_one();
        Unavailable::new(NAME, why)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
