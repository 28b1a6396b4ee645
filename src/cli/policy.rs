//! `lazaret policy`: show, check and apply.

use super::output::{put, say, table};
use crate::{
    config::Config,
    ports::{Clock, clock::SystemClock},
    upload::{
        TenantId,
        policy::{DEFAULT, DEFAULT_VERSION, Policy},
    },
};
use anyhow::Context;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the policy in force, as it was written
    Show {
        /// Of this tenant; without one, the embedded default
        #[arg(long)]
        tenant: Option<TenantId>,
    },
    /// Compile a policy file and list its rules; nothing is stored
    Check { file: PathBuf },
    /// Compile a policy file and make it a tenant's next version; it judges what is scanned from now on
    Apply {
        file: PathBuf,
        #[arg(long)]
        tenant: TenantId,
    },
}

pub(super) async fn run(command: Command, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let store = async || super::store(&Config::load(config, &[])?).await;
    match command {
        Command::Show { tenant: None } => put!("{DEFAULT}"),
        Command::Show { tenant: Some(tenant) } => match store().await?.policy(&tenant).await? {
            Some(policy) => {
                eprintln!("version {} of tenant {tenant}, applied {:.0}", policy.version, policy.at);
                put!("{}", policy.text);
            }
            None => {
                eprintln!("tenant {tenant} has no policy of its own; this is the embedded default");
                put!("{DEFAULT}");
            }
        },
        Command::Check { file } => {
            let policy = load(&file)?;
            let rows: Vec<Vec<String>> = policy
                .rules()
                .map(|(name, decision, about)| vec![name.to_owned(), decision.to_string(), about.to_owned()])
                .collect();
            put!("{}", table(&["RULE", "VERDICT", "WHEN"], &rows));
        }
        Command::Apply { file, tenant } => {
            let policy = load(&file)?;
            let version =
                store().await?.apply_policy(&tenant, policy.text(), "cli", SystemClock.now()).await?;
            say!("tenant {tenant} now has policy version {version}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A policy from a file, compiled.
pub(super) fn load(file: &Path) -> anyhow::Result<Policy> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Policy::compile(&text, DEFAULT_VERSION).with_context(|| file.display().to_string())
}
