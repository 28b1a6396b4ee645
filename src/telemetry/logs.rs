//! Logs on standard error: for people on a terminal, JSON elsewhere.

use crate::config::sections::{Log, LogFormat};
use anyhow::Context;
use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, fmt};

/// Once a process. `RUST_LOG`, where it is set, goes over `log.level`.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => EnvFilter::try_new(&filter).context("RUST_LOG")?,
        _ => EnvFilter::try_new(&log.level).with_context(|| format!("log.level: {:?}", log.level))?,
    };
    let pretty = match log.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let logs = fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    let set = if pretty {
        logs.with_ansi(io::stderr().is_terminal()).compact().try_init()
    } else {
        logs.json().flatten_event(true).with_current_span(false).try_init()
    };
    set.map_err(|error| anyhow::anyhow!("logs are set up already: {error}"))
}
