//! The proofs that a daemon's `OK` means clean: nothing is scanned until they hold.

use crate::{
    address::Address,
    limits::{LARGEST_FILE, Limits},
    reply::Reply,
    sample, verdict,
    version::Version,
    wire::{self, WireError},
};
use jiff::Timestamp;
use std::{sync::LazyLock, time::Duration};
use tokio::time::timeout;

static TOO_DEEP: LazyLock<Vec<u8>> = LazyLock::new(sample::too_deep);

/// What a daemon is proven to be.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) version: Version,
    pub(crate) proven_bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Unproven {
    /// It may be loading, hung or gone.
    #[error("no answer within {0:?} to {1}")]
    Silent(Duration, &'static str),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("{0}")]
    Unfit(String),
}

/// How much is proven. The size canary makes the daemon unpack up to its `MaxFileSize`, so it is for daemons whose
/// configuration is not ours, and not for every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Alerts,
    AlertsAndSize,
}

pub(crate) async fn prove(
    address: &Address,
    limits: &Limits,
    now: Timestamp,
    depth: Depth,
) -> Result<Proof, Unproven> {
    let within = limits.probe_deadline;
    let version = timed(within, "VERSION", wire::version(address)).await?;
    check_signatures(&version, limits, now).map_err(Unproven::Unfit)?;
    eicar(address, within).await?;
    over(address, within, "the nesting canary", &TOO_DEEP, "set AlertExceedsMax yes in its clamd.conf")
        .await?;
    if depth == Depth::AlertsAndSize {
        let large = sample::too_large();
        let advice =
            "set MaxScanSize to no more than MaxFileSize in its clamd.conf, or it cuts members unseen";
        over(address, limits.deadline.max(within), "the size canary", &large, advice).await?;
    }
    Ok(Proof { version, proven_bytes: limits.max_file_bytes.min(LARGEST_FILE) })
}

/// Whether its scanning threads still do their work.
pub(crate) async fn eicar(address: &Address, within: Duration) -> Result<(), Unproven> {
    match timed(within, "the EICAR canary", wire::scan_bytes(address, &sample::eicar())).await? {
        Reply::Found(name) if !name.starts_with(verdict::LIMIT) => Ok(()),
        reply => Err(Unproven::Unfit(format!(
            "it does not find the EICAR test file ({reply:?}): check its signatures"
        ))),
    }
}

async fn over(
    address: &Address,
    within: Duration,
    what: &'static str,
    sample: &[u8],
    advice: &str,
) -> Result<(), Unproven> {
    match timed(within, what, wire::scan_bytes(address, sample)).await? {
        Reply::Found(name) if name.starts_with(verdict::LIMIT) => Ok(()),
        // A daemon whose StreamMaxLength is smaller than the canary has told that it did not look.
        Reply::Error(text) if verdict::is_limit_error(&text) => Ok(()),
        Reply::Clean => Err(Unproven::Unfit(format!("it says OK to a file over its limits: {advice}"))),
        reply => Err(Unproven::Unfit(format!("{what} was answered with {reply:?}: {advice}"))),
    }
}

pub(crate) fn check_signatures(version: &Version, limits: &Limits, now: Timestamp) -> Result<(), String> {
    let Some(dated) = &version.signatures else {
        return if limits.test_signatures {
            Ok(())
        } else {
            Err("it has no official signatures: run freshclam on its machine".to_owned())
        };
    };
    let age = now.duration_since(dated.built);
    if too_old(dated.built, limits, now) {
        let days = age.as_hours() / 24;
        return Err(format!(
            "its signatures are {days} days old: run freshclam on its machine and keep it running"
        ));
    }
    // A day of tolerance for time zones and clocks.
    if age < jiff::SignedDuration::from_hours(-24) {
        return Err("its signatures come from the future: check the clocks of both machines".to_owned());
    }
    Ok(())
}

pub(crate) fn too_old(built: Timestamp, limits: &Limits, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(built)).is_ok_and(|age| age > limits.max_signature_age)
}

pub(crate) async fn timed<T>(
    within: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, WireError>>,
) -> Result<T, Unproven> {
    match timeout(within, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Unproven::Silent(within, what)),
    }
}
