//! Which signatures the daemon loads, and how they are kept fresh.

use super::{Managed, process};
use crate::{
    canary::too_old,
    engine::{Clock, Engine},
    limits::Limits,
};
use jiff::Timestamp;
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    process::Command,
    sync::Notify,
    time::{sleep, timeout},
};

/// Where the signatures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signatures {
    /// The official ones in this folder, `/var/lib/clamav` on Debian. Where they are missing or old, `freshclam` is
    /// run into the managed folder instead.
    System(PathBuf),
    /// Only what is in this folder, whatever it is worth. For tests and demonstrations, where it is written down.
    Test(PathBuf),
}

const FETCH_EVERY: Duration = Duration::from_secs(2 * 3600);
const FETCH_AGAIN: Duration = Duration::from_secs(300);
/// For some 200 MB.
const LONGEST_FETCH: Duration = Duration::from_secs(1800);

pub(super) struct Supply {
    source: Signatures,
    own: PathBuf,
    freshclam: PathBuf,
    freshclam_config: PathBuf,
    limits: Limits,
    clock: Clock,
    arrived: Notify,
    /// What became of the last fetch.
    fetch: Mutex<String>,
}

impl Supply {
    pub(super) fn new(managed: &Managed, engine: &Engine) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            source: match &managed.signatures {
                Signatures::System(path) => Signatures::System(absolute(path)),
                Signatures::Test(path) => Signatures::Test(absolute(path)),
            },
            own: absolute(&managed.folder).join("signatures"),
            freshclam: managed.freshclam.clone(),
            freshclam_config: managed.freshclam_config.clone(),
            limits: engine.limits.clone(),
            clock: Arc::clone(&engine.clock),
            arrived: Notify::new(),
            fetch: Mutex::new("freshclam has not run yet".to_owned()),
        }
    }

    /// The folder to load, or why there is none and what to do.
    pub(super) fn choose(&self) -> Result<PathBuf, String> {
        let system = match &self.source {
            Signatures::Test(folder) if has_test_signatures(folder) => return Ok(folder.clone()),
            Signatures::Test(folder) => {
                return Err(format!("there are no test signatures (*.ndb) in {}", folder.display()));
            }
            Signatures::System(folder) => folder,
        };
        let now = (self.clock)();
        let usable = |folder: &Path| built(folder).filter(|built| !too_old(*built, &self.limits, now));
        // The system's as long as they serve: they are shared, and somebody looks after them.
        if usable(system).is_some() {
            return Ok(system.clone());
        }
        if usable(&self.own).is_some() {
            return Ok(self.own.clone());
        }
        let what = match built(system) {
            Some(built) => format!("the signatures in {} are of {built}, too old", system.display()),
            None => format!("there are no signatures in {}", system.display()),
        };
        let fetch = self.fetch.lock().unwrap_or_else(PoisonError::into_inner);
        Err(format!("{what}, and {fetch}: run freshclam where there is a network"))
    }

    /// Resolves when a fetch has brought signatures.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Fetches for as long as the system's signatures do not serve. Never returns.
    pub(super) async fn keep_fresh(&self) {
        loop {
            let needed = match &self.source {
                Signatures::Test(_) => return std::future::pending().await,
                Signatures::System(system) => self.choose().as_ref() != Ok(system),
            };
            let mut pause = FETCH_AGAIN;
            if needed {
                self.note("freshclam is fetching them");
                match self.fetch().await {
                    Ok(()) => {
                        self.note("freshclam brought none that are current");
                        self.arrived.notify_one();
                        pause = FETCH_EVERY;
                    }
                    Err(why) => {
                        tracing::warn!(why, "signatures could not be fetched");
                        self.note(&why);
                    }
                }
            }
            sleep(pause).await;
        }
    }

    async fn fetch(&self) -> Result<(), String> {
        let program =
            process::find(&self.freshclam).ok_or("freshclam is not found: install clamav-freshclam")?;
        if !self.freshclam_config.is_file() {
            return Err(format!("freshclam has no configuration at {}", self.freshclam_config.display()));
        }
        fs::create_dir_all(&self.own).map_err(|e| format!("cannot make {}: {e}", self.own.display()))?;
        let mut command = Command::new(program);
        // The system's configuration says where from; user, folder and log are ours.
        command.arg("--config-file").arg(&self.freshclam_config).arg("--datadir").arg(&self.own);
        command.arg("--log").arg(self.own.join("freshclam.log")).arg("--stdout").arg("--no-warnings");
        if rustix::process::geteuid().is_root() {
            command.args(["--user", "root"]);
        }
        command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
        let done = timeout(LONGEST_FETCH, command.output()).await;
        match done {
            Err(_) => Err(format!("freshclam did not end within {LONGEST_FETCH:?}")),
            Ok(Err(error)) => Err(format!("freshclam cannot be run: {error}")),
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(Ok(output)) => {
                let text = [output.stdout, output.stderr].concat();
                let said = text.split(|b| *b == b'\n').rfind(|line| line.starts_with(b"ERROR:"));
                let said = said.unwrap_or_default().trim_ascii().escape_ascii().to_string();
                Err(format!("freshclam failed ({}) {said}", output.status).trim_end().to_owned())
            }
        }
    }

    fn note(&self, text: &str) {
        text.clone_into(&mut self.fetch.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn has_test_signatures(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.path().extension().is_some_and(|e| e == "ndb"))
}

/// When the daily signatures in this folder were built.
fn built(folder: &Path) -> Option<Timestamp> {
    let of = |name: &str| {
        let mut header = [0; 512];
        File::open(folder.join(name)).ok()?.read_exact(&mut header).ok()?;
        parse_header(&header)
    };
    [of("daily.cld"), of("daily.cvd")].into_iter().flatten().max()
}

/// `ClamAV-VDB:20 Nov 2026 07-30 +0000:27500:…`, padded to 512 bytes with blanks; the source is libclamav/cvd.c.
fn parse_header(header: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(header.get(..64)?).ok()?.strip_prefix("ClamAV-VDB:")?;
    let date = text.split(':').next()?;
    Timestamp::strptime("%d %b %Y %H-%M %z", date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_signature_file() {
        let mut header =
            b"ClamAV-VDB:20 Nov 2026 07-30 -0400:27500:2000000:90:0123:abcd:builder:1795000000".to_vec();
        header.resize(512, b' ');
        assert_eq!(parse_header(&header).unwrap().to_string(), "2026-11-20T11:30:00Z");
        for broken in
            ["ClamAV-VDB:yesterday:1", "20 Nov 2026 07-30 -0400", "ClamAV-VDB:31 Nov 2026 07-30 +0000:1"]
        {
            let mut header = broken.as_bytes().to_vec();
            header.resize(512, b' ');
            assert_eq!(parse_header(&header), None, "{broken}");
        }
    }
}
