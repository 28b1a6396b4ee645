//! `lazaret user`: accounts of the console.

use super::output::{TROUBLE, put, say, table};
use crate::{
    access::{People, Token, people::LONGEST_EMAIL},
    app,
    config::Config,
    ports::{
        accounts::{Queues, Role, Tenants, User},
        clock::SystemClock,
        random::SystemRandom,
    },
};
use serde_json::json;
use std::{process::ExitCode, sync::Arc};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an account, and print a link that signs its owner in once
    Add {
        email: String,
        /// auditor, moderator, senior or admin
        #[arg(long, default_value = "moderator")]
        role: Role,
        /// Tenants whose uploads they see, separated by commas; '*' is all
        #[arg(long, default_value = "*")]
        tenants: Tenants,
        /// Queues that they see: reasons or their beginnings, separated by commas; '*' is all
        #[arg(long, default_value = "*")]
        queues: Queues,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List accounts
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print a new one-time link, for who lost password or phone; --reset forgets both, and what a provider knows them as
    Link {
        email: String,
        #[arg(long)]
        reset: bool,
    },
    /// Disable an account, and end its sessions
    Disable { email: String },
    /// Let it be used again
    Enable { email: String },
}

const ACTOR: &str = "cli";

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let accounts = app::open_accounts(config).await?;
    let people = app::people(config, accounts, Arc::new(SystemClock), Arc::new(SystemRandom));
    match command {
        Command::Add { email, role, tenants, queues, json } => {
            if !email.contains('@') || email.contains(char::is_whitespace) || email.len() > LONGEST_EMAIL {
                eprintln!("lazaret: {email:?} is no mail address");
                return Ok(ExitCode::from(TROUBLE));
            }
            let Some((user, token)) = people.invite(&email, role, tenants, queues, ACTOR).await? else {
                eprintln!("lazaret: {email} has an account; `lazaret user link {email}` makes a new link");
                return Ok(ExitCode::from(TROUBLE));
            };
            let link = link(config, &token);
            if json {
                say!(
                    "{}",
                    json!({ "id": user.id, "email": user.email, "role": user.role.as_str(), "link": link })
                );
            } else {
                say!("{link}");
                let hours = config.console.link.0.as_secs() / 3600;
                eprintln!("it signs {} in once, within {hours} h", user.email);
            }
        }
        Command::List { json } => list(&people.accounts.users().await?, json),
        Command::Link { email, reset } => {
            let Some(user) = known(&people, &email).await? else { return Ok(ExitCode::from(TROUBLE)) };
            if reset {
                people.reset(&user, ACTOR).await?;
            }
            let token = people.new_link(&user, ACTOR).await?;
            say!("{}", link(config, &token));
        }
        Command::Disable { email } => return set(&people, &email, true).await,
        Command::Enable { email } => return set(&people, &email, false).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(people: &People, email: &str, disabled: bool) -> anyhow::Result<ExitCode> {
    let Some(mut user) = known(people, email).await? else { return Ok(ExitCode::from(TROUBLE)) };
    user.disabled_at = disabled.then(|| people.clock.now());
    let action = if disabled { "user.disabled" } else { "user.enabled" };
    people.change(&user, Some(""), action, ACTOR).await?;
    say!("{} is {}", user.email, if disabled { "disabled" } else { "enabled" });
    Ok(ExitCode::SUCCESS)
}

async fn known(people: &People, email: &str) -> anyhow::Result<Option<User>> {
    let user = people.accounts.user_by_email(&email.to_lowercase()).await?;
    if user.is_none() {
        eprintln!("lazaret: {email} has no account; see `lazaret user list`");
    }
    Ok(user)
}

/// On the address that the service listens on: behind a proxy, put its name there.
fn link(config: &Config, token: &Token) -> String {
    format!("http://{}/console/link/{}", config.server.listen, token.reveal())
}

fn list(users: &[User], json: bool) {
    if json {
        for user in users {
            say!(
                "{}",
                json!({ "id": user.id, "email": user.email, "role": user.role.as_str(), "tenants": user.tenants.to_string(), "queues": user.queues.to_string(),
                        "totp": user.totp.is_some(), "disabled": user.disabled_at.is_some() })
            );
        }
        return;
    }
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|user| {
            let state = if user.disabled_at.is_some() { "disabled" } else { "active" };
            let (role, tenants) = (user.role.to_string(), user.tenants.to_string());
            let queues = user.queues.to_string();
            vec![
                user.email.clone(),
                role,
                tenants,
                queues,
                yes(user.totp.is_some()),
                state.to_owned(),
                user.id.clone(),
            ]
        })
        .collect();
    put!("{}", table(&["EMAIL", "ROLE", "TENANTS", "QUEUES", "TOTP", "STATE", "ID"], &rows));
}
