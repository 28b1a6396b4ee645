//! The command line: one file a subcommand.

mod audit;
mod completions;
mod config;
mod dead;
mod doctor;
mod key;
mod models;
mod output;
mod policy;
mod scan;
mod serve;
mod url;
mod user;

use crate::{
    config::Config,
    ports::{DeadLetters, Store},
};
use clap::{CommandFactory, Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Every upload waits in quarantine until it is proven safe.
///
/// Lazaret establishes what a file really is, has ClamAV scan it, lets models look at its pictures, and answers
/// publish, review or quarantine, with proof of what it looked at.
#[derive(Debug, Parser)]
#[command(name = "lazaret", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    /// Settings file; `lazaret.toml` in the current folder is read if it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  lazaret scan ~/Downloads           is there anything in it that should not be published?
  lazaret doctor                     is everything there that Lazaret needs?
  lazaret serve                      the service, on 127.0.0.1:8470
  lazaret user add you@example.org --role admin    the first moderator; prints a sign-in link
  lazaret key create --tenant acme   a key for an app backend; then
  curl -H 'Authorization: Bearer KEY' --data-binary @photo.jpg 'http://127.0.0.1:8470/v1/uploads?filename=photo.jpg'";

#[derive(Debug, Subcommand)]
enum Command {
    /// Check local files; no server needed
    Scan(scan::Args),
    /// Run the service until SIGINT or SIGTERM
    Serve(serve::Args),
    /// Look at every dependency: found, version, healthy, what to do
    Doctor(doctor::Args),
    /// API keys of tenants
    #[command(subcommand)]
    Key(key::Command),
    /// Accounts of the moderators' console
    #[command(subcommand)]
    User(user::Command),
    /// Mint a signed URL for a published upload
    Url(url::Args),
    /// Rules that turn findings into verdicts
    #[command(subcommand)]
    Policy(policy::Command),
    /// Bring the store's schema up to this version
    Migrate,
    /// The settings in force
    #[command(subcommand)]
    Config(config::Command),
    /// The models that look at pictures
    #[command(subcommand)]
    Models(models::Command),
    /// Print the HTTP API's OpenAPI document
    Openapi,
    /// The append-only audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Messages and webhook calls that were given up
    #[command(subcommand)]
    Dead(dead::Command),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output::failure(&anyhow::Error::new(error).context("the async runtime cannot start"));
        }
    };
    let code = runtime.block_on(run(cli));
    // Threads that wait on a hung disk must not keep a finished command from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code.unwrap_or_else(|error| output::failure(&error))
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let file = cli.config.as_deref();
    let load = |flags: &[(&str, serde_json::Value)]| Config::load(file, flags);
    match cli.command {
        Command::Scan(args) => scan::run(args, load(&[])?).await,
        Command::Serve(args) => serve::run(load(&args.flags())?).await,
        Command::Doctor(args) => doctor::run(args, load(&[])?).await,
        Command::Key(command) => key::run(command, &load(&[])?).await,
        Command::User(command) => user::run(command, &load(&[])?).await,
        Command::Url(args) => url::run(args, &load(&[])?).await,
        Command::Policy(command) => policy::run(command, file).await,
        Command::Migrate => migrate(&load(&[])?).await,
        Command::Config(command) => config::run(command, file),
        Command::Models(command) => models::run(command, &load(&[])?).await,
        Command::Openapi => {
            output::say!("{}", crate::http::openapi::document().to_pretty_json()?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Audit(command) => audit::run(command, &load(&[])?).await,
        Command::Dead(command) => dead(command, &load(&[])?).await,
        Command::Completions(args) => completions::run(args, &mut Cli::command()),
    }
}

async fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    crate::app::migrate_store(config).await?;
    output::say!("the store {} is up to date", config.store.url);
    Ok(ExitCode::SUCCESS)
}

/// The broker's dead letters too, where there is one.
async fn dead(command: dead::Command, config: &Config) -> anyhow::Result<ExitCode> {
    let broker = crate::app::open_broker(config, "lazaret dead").await?;
    let letters = broker.map(|broker| broker.dead_letters() as Arc<dyn DeadLetters>);
    dead::run(command, store(config).await?, letters).await
}

/// The store, for commands that work beside a running service.
async fn store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    crate::app::open_store(config).await
}
