//! `lazaret config`.

use super::output::{put, say};
use crate::config::{Config, DEFAULT};
use std::{path::Path, process::ExitCode};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Read every layer and print the settings that come of them; secrets do not show
    Check,
    /// Print the embedded defaults, every key explained: the beginning of a lazaret.toml
    Default,
}

pub(super) fn run(command: Command, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check => {
            say!("{:#?}", Config::load(file, &[])?);
            say!("the settings are good");
        }
        Command::Default => put!("{DEFAULT}"),
    }
    Ok(ExitCode::SUCCESS)
}
