//! What the tests share: files made here, a managed clamd, and daemons that misbehave.

#![expect(dead_code, reason = "each test file uses some of it")]

pub mod files;
pub mod servers;

use lazaret_antivirus::{Antivirus, Health, Limits, Managed, Signatures, Source};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub fn signatures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/signatures")
}

/// The clock of all tests: 20 November 2026, noon.
pub fn now() -> jiff::Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

pub const SOON: Duration = Duration::from_secs(30);

/// Small, so that files above them are quickly made.
pub fn limits() -> Limits {
    Limits {
        max_file_bytes: 4 << 20,
        max_scan_bytes: 8 << 20,
        max_files: 100,
        deadline: Duration::from_secs(20),
        probe_deadline: Duration::from_secs(5),
        canary_every: Duration::from_secs(600),
        ..Limits::default()
    }
}

pub async fn managed(folder: &TempDir, limits: Limits) -> Antivirus {
    let managed = Managed::new(folder.path(), Signatures::Test(signatures()));
    let antivirus = Antivirus::start(Source::Managed(managed), limits, now).await;
    assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
    antivirus
}

pub async fn pool(addresses: &[&str], limits: Limits) -> Antivirus {
    let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
    Antivirus::start(Source::Pool(addresses), limits, now).await
}

/// Waits until it is unhealthy for a reason that holds these words.
pub async fn unhealthy(antivirus: &Antivirus, words: &str) {
    let mut health = antivirus.subscribe();
    let wanted = |h: &Health| matches!(h, Health::Unhealthy { why } if why.contains(words));
    let came = tokio::time::timeout(SOON, health.wait_for(wanted)).await.is_ok();
    assert!(came, "not unhealthy for {words:?}: {}", antivirus.health());
}

pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < SOON, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn pid(folder: &Path) -> Option<rustix::process::Pid> {
    let text = std::fs::read_to_string(folder.join("clamd.pid")).ok()?;
    rustix::process::Pid::from_raw(text.trim().parse().ok()?)
}

pub fn alive(pid: rustix::process::Pid) -> bool {
    // A zombie is not alive.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|s| !s.is_empty() && !s.trim_start().starts_with('Z'))
}
