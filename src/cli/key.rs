//! `lazaret key`: API keys of tenants.

use super::output::{TROUBLE, put, say, table};
use crate::{
    access::{Scope, Scopes, mint_key},
    config::Config,
    ports::{Clock, clock::SystemClock, random::SystemRandom},
    upload::TenantId,
};
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a key; its secret is shown this once
    Create {
        #[arg(long)]
        tenant: TenantId,
        /// What it may do, separated by commas: upload, read, mint, erase, stream
        #[arg(long, value_delimiter = ',', default_value = "upload,read,mint")]
        scopes: Vec<Scope>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List keys, without their secrets
    List {
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Make a key useless, at once and for good
    Revoke { id: String },
}

const ACTOR: &str = "cli";

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let store = super::store(config).await?;
    match command {
        Command::Create { tenant, scopes, json } => {
            let scopes: Scopes = scopes.into_iter().collect();
            let (key, secret) = mint_key(&SystemRandom, &SystemClock, tenant, &scopes)?;
            store.add_key(&key, ACTOR).await?;
            if json {
                let secret = secret.reveal();
                say!("{}", json!({"id": key.id, "tenant": key.tenant, "scopes": key.scopes, "key": secret}));
            } else {
                say!("{}", secret.reveal());
                eprintln!("key {} of tenant {}; it is not shown again", key.id, key.tenant);
            }
        }
        Command::List { tenant, json } => {
            let keys = store.keys(tenant.as_ref()).await?;
            if json {
                for key in keys {
                    let revoked = key.revoked_at.map(|at| at.to_string());
                    let created = key.created_at.to_string();
                    say!(
                        "{}",
                        json!({"id": key.id, "tenant": key.tenant, "scopes": key.scopes,
                               "created_at": created, "revoked_at": revoked})
                    );
                }
            } else {
                let rows: Vec<Vec<String>> = keys
                    .into_iter()
                    .map(|key| {
                        let state =
                            key.revoked_at.map_or("active".to_owned(), |at| format!("revoked {at:.0}"));
                        vec![
                            key.id,
                            key.tenant.to_string(),
                            key.scopes,
                            format!("{:.0}", key.created_at),
                            state,
                        ]
                    })
                    .collect();
                put!("{}", table(&["ID", "TENANT", "SCOPES", "CREATED", "STATE"], &rows));
            }
        }
        Command::Revoke { id } => {
            if !store.revoke_key(&id, ACTOR, SystemClock.now()).await? {
                eprintln!("lazaret: there is no key {id:?} that could be revoked; see `lazaret key list`");
                return Ok(ExitCode::from(TROUBLE));
            }
            say!("key {id} is revoked");
        }
    }
    Ok(ExitCode::SUCCESS)
}
