//! `lazaret serve`.

use crate::{app::App, config::Config, telemetry};
use anyhow::Context;
use std::{net::SocketAddr, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "SIGINT or SIGTERM drains: no new work is taken, and what is in flight may end (server.grace)."
)]
pub(super) struct Args {
    /// Where to listen; over server.listen
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The data folder; over server.data
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
}

impl Args {
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let listen = self.listen.map(|listen| ("server.listen", listen.to_string()));
        let data = self.data.clone().map(|data| ("server.data", data));
        listen.into_iter().chain(data).collect()
    }
}

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::init(&config.log)?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be handled")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be handled")?;
    let running = App::build(config).await?.start().await?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}
