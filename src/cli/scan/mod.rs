//! `lazaret scan`: the checks and the policy on local files, without a server.

mod one;
mod print;
mod walk;

use super::output::TROUBLE;
use crate::{
    app,
    config::{Config, sections::Clamd},
    pipeline::{Examiner, Patience},
    ports::clock::SystemClock,
    upload::{
        Decision,
        policy::{DEFAULT, DEFAULT_VERSION, Policy},
    },
};
use anyhow::Context;
use futures_util::{StreamExt, stream};
use lazaret_antivirus::Antivirus;
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use walk::Entry;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 when every file would be published, 1 when any would not, 2 when the work could \
not be done.\nFolders are walked; links are not followed."
)]
pub(super) struct Args {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// Judge by this policy instead of the embedded one
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// How long a private clamd may take to load its signatures.
const ANTIVIRUS_START: Duration = Duration::from_secs(180);

pub(super) async fn run(args: Args, mut config: Config) -> anyhow::Result<ExitCode> {
    let policy = match &args.policy {
        Some(file) => super::policy::load(file)?,
        None => Policy::compile(DEFAULT, DEFAULT_VERSION)?,
    };
    let (entries, troubles) = walk::walk(&args.paths);
    for trouble in &troubles {
        eprintln!("lazaret: {trouble}");
    }
    let private =
        tempfile::Builder::new().prefix("lazaret-").tempdir().context("no temporary folder can be made")?;
    let clamd =
        if uses_running_clamd(&mut config) { config.data("clamd") } else { private.path().join("clamd") };
    let known = app::known_bad(&config)?;
    let engines = app::start_engines(&config, &clamd, Arc::new(SystemClock)).await?;
    let antivirus = engines.antivirus.clone();
    let examiner = app::examiner(&config, engines, known, Patience::GoOn)?;
    let ready = wait_for_antivirus(&antivirus).await;
    let outcome = scan(&args, entries, &examiner, &policy).await;
    drop(examiner);
    // Ends the private clamd; a running service's is left alone.
    antivirus.shutdown().await;
    let worst = outcome?;
    if !troubles.is_empty() || !ready {
        return Ok(ExitCode::from(TROUBLE));
    }
    Ok(if worst == Decision::Publish { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A running service's clamd is used where the settings would start one.
pub(super) fn uses_running_clamd(config: &mut Config) -> bool {
    if let Clamd::Word(_) = config.antivirus.clamd
        && let Some(address) = lazaret_antivirus::running(&config.data("clamd"))
    {
        config.antivirus.clamd = Clamd::Pool(vec![address.to_string()]);
        return true;
    }
    false
}

/// False where no antivirus is to be had: every file is then told as review, and the exit status is 2.
async fn wait_for_antivirus(antivirus: &Antivirus) -> bool {
    let mut health = antivirus.subscribe();
    let settled = health.wait_for(|health| !matches!(health, lazaret_antivirus::Health::Starting));
    let settled = tokio::time::timeout(ANTIVIRUS_START, settled).await;
    let healthy = matches!(&settled, Ok(Ok(health)) if health.is_healthy());
    drop(settled);
    if !healthy {
        eprintln!("lazaret: no antivirus, so nothing would be published: {}", antivirus.health());
    }
    healthy
}

async fn scan(
    args: &Args,
    entries: Vec<Entry>,
    examiner: &Examiner,
    policy: &Policy,
) -> anyhow::Result<Decision> {
    let mut out = print::Printer::new(args.json, entries.len());
    let verdicts =
        stream::iter(entries).map(|entry| one::scan(entry, examiner, policy)).buffered(app::cores() * 2);
    let mut verdicts = std::pin::pin!(verdicts);
    let mut worst = Decision::Publish;
    while let Some(scanned) = verdicts.next().await {
        worst = worst.max(scanned.detail.verdict);
        out.print(&scanned)?;
    }
    out.finish()?;
    Ok(worst)
}
