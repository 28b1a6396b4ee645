//! A clamd of our own: private configuration and socket, started, proven, restarted, and ended with us.

mod config;
mod folder;
mod process;
mod signatures;

pub use folder::running;
pub use signatures::Signatures;

use crate::{
    address::Address,
    canary::{self, Depth, Unproven},
    engine::Engine,
    wire,
};
use folder::Folder;
use process::Clamd;
use signatures::Supply;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// How to run it.
#[derive(Debug, Clone)]
pub struct Managed {
    /// A path, or a name that is looked up on `PATH` and in the system's `sbin` folders.
    pub clamd: PathBuf,
    /// As `clamd`. Need not be there where the system keeps its signatures fresh itself.
    pub freshclam: PathBuf,
    /// The system's configuration of it, which says where signatures come from.
    pub freshclam_config: PathBuf,
    /// Private to this daemon: configuration, socket, pid, temporary files and, where need be, signatures. Made if
    /// missing. One process at a time can use it.
    pub folder: PathBuf,
    pub signatures: Signatures,
}

impl Managed {
    /// With Debian's places for all that is not said.
    pub fn new(folder: impl Into<PathBuf>, signatures: Signatures) -> Self {
        Self {
            clamd: "clamd".into(),
            freshclam: "freshclam".into(),
            freshclam_config: "/etc/clamav/freshclam.conf".into(),
            folder: folder.into(),
            signatures,
        }
    }
}

/// Loading the full signatures takes some ten seconds, on a slow machine minutes.
const LONGEST_START: Duration = Duration::from_secs(600);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A daemon that ran this long before it ended is started again without a pause.
const STEADY: Duration = Duration::from_secs(60);
/// So many proofs in a row may go unanswered; then the daemon hangs for good and is replaced.
const SILENCES: u32 = 2;

pub(crate) async fn supervise(managed: Managed, engine: Arc<Engine>, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = keep(managed, &engine) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// Dropping this future ends the daemon.
async fn keep(managed: Managed, engine: &Engine) {
    let supply = Supply::new(&managed, engine);
    let mut pause = FIRST_PAUSE;
    let rounds = async {
        loop {
            engine.starting();
            let began = Instant::now();
            let why = round(&managed, engine, &supply).await;
            engine.unhealthy(why);
            pause = if began.elapsed() > STEADY { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            // Fresh signatures end the wait; a scan that finds the daemon gone does not.
            let _fresh = timeout(pause, supply.arrived()).await;
        }
    };
    tokio::join!(rounds, supply.keep_fresh());
}

/// One daemon's life, and why it ended.
async fn round(managed: &Managed, engine: &Engine, supply: &Supply) -> String {
    let started = async {
        let folder = Folder::open(&managed.folder)?;
        let database = supply.choose()?;
        let clamd = process::find(&managed.clamd).ok_or_else(|| {
            format!("{} is not found: install clamav-daemon, or say where it is", managed.clamd.display())
        })?;
        folder.write_config(&config::render(&folder, &database, &engine.limits)?)?;
        let child = Clamd::start(&clamd, &folder).await?;
        Ok::<_, String>((folder, database, child))
    };
    let (folder, database, mut child) = match started.await {
        Ok(started) => started,
        Err(why) => return why,
    };
    let address = Address::Unix(folder.socket().to_owned());
    engine.moved(address.clone());
    let why = tokio::select! {
        why = watch_over(&address, engine, supply, &database) => why,
        said = child.ended() => format!("clamd ended: {said}"),
    };
    engine.unhealthy(why.as_str());
    child.end().await;
    why
}

async fn watch_over(address: &Address, engine: &Engine, supply: &Supply, database: &Path) -> String {
    if let Err(why) = answers(address, engine.limits.probe_deadline).await {
        return why;
    }
    let mut silences = 0;
    loop {
        // Its size limits are ours and the tests hold clamd to them, so the costly canary is not for it.
        match canary::prove(address, &engine.limits, engine.now(), Depth::Alerts).await {
            Ok(proof) => {
                silences = 0;
                engine.proven(&proof);
            }
            Err(error) => {
                engine.unhealthy(format!("clamd: {error}"));
                silences = if matches!(error, Unproven::Silent(..)) { silences + 1 } else { 0 };
                if silences >= SILENCES {
                    return format!("clamd hung and was ended: {error}");
                }
            }
        }
        if supply.choose().is_ok_and(|better| better != database) {
            return "newer signatures are in another folder".to_owned();
        }
        if engine.health().is_healthy() {
            let _woken = timeout(engine.limits.canary_every, engine.wake.notified()).await;
        } else {
            sleep(FIRST_PAUSE * 5).await;
        }
    }
}

/// Until it answers a ping: it binds its socket only once the signatures are loaded.
async fn answers(address: &Address, within: Duration) -> Result<(), String> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        let why = match canary::timed(within, "PING", wire::ping(address)).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if began.elapsed() > LONGEST_START {
            return Err(format!("clamd does not answer {LONGEST_START:?} after its start: {why}"));
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}
