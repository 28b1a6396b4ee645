//! Logs on standard error: for people on a terminal, JSON elsewhere.

use crate::config::sections::{Log, LogFormat};
use anyhow::Context;
use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

/// Once a process. `RUST_LOG`, where it is set, goes over `log.level`.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => filter_of(&filter).context("RUST_LOG")?,
        _ => filter_of(&log.level).with_context(|| format!("log.level: {:?}", log.level))?,
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

/// lapin logs every failure by itself, in words of the protocol, beside handing it to us, who say it once and name the
/// setting. Who wants its words too writes `lapin=error`.
fn filter_of(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("lapin=off,{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brokers_client_is_heard_only_where_that_is_asked_for() {
        let shown = |text: &str| filter_of(text).unwrap().to_string();
        assert!(shown("info").contains("lapin=off") && shown("info").contains("info"));
        let asked = shown("lapin=error,info");
        assert!(asked.contains("lapin=error") && !asked.contains("lapin=off"), "{asked}");
        assert!(filter_of("lazaret=loud").is_err());
    }
}
