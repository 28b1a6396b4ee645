//! `lazaret serve`.

use crate::{
    app::App,
    config::{Config, sections::Role},
    telemetry,
};
use anyhow::Context;
use serde_json::Value;
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
    /// What this process does: api, worker, streams, delivery, events; over server.roles
    #[arg(long, value_name = "ROLES", value_delimiter = ',', num_args = 1..)]
    roles: Vec<Role>,
    /// Leave the store's schema as it is, and refuse one that is not this version's; `lazaret migrate` brings it up
    #[arg(long)]
    no_migrate: bool,
}

impl Args {
    pub(super) fn flags(&self) -> Vec<(&'static str, Value)> {
        let listen = self.listen.map(|listen| ("server.listen", Value::from(listen.to_string())));
        let data = self.data.clone().map(|data| ("server.data", Value::from(data)));
        let roles: Vec<Value> = self.roles.iter().map(|role| Value::from(role.as_str())).collect();
        let roles = (!roles.is_empty()).then(|| ("server.roles", Value::from(roles)));
        let migrate = self.no_migrate.then(|| ("store.migrate", Value::from(false)));
        listen.into_iter().chain(data).chain(roles).chain(migrate).collect()
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
