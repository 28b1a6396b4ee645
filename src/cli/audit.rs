//! `lazaret audit`.

use super::output::say;
use crate::config::Config;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check that no line of the audit log was changed or taken out
    Verify,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let Command::Verify = command;
    match super::store(config).await?.audit_verify().await? {
        Ok(lines) => {
            say!("{lines} lines, each fits the one before it");
            Ok(ExitCode::SUCCESS)
        }
        Err(sequence) => {
            say!("line {sequence} does not fit the one before it: the log was changed");
            Ok(ExitCode::FAILURE)
        }
    }
}
