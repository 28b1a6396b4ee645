//! The moderators' pages, as the settings want them.

use super::{
    engines::{children, films},
    stores::Rows,
};
use crate::{
    access::{
        People, Vault,
        oidc::{self, Provider},
        people::Options,
    },
    config::{Config, sections::CareLimit},
    console::{Console, Pulse},
    http::Api,
    ports::{Accounts, Clock, DeadLetters, Random},
    review::{
        Desk, Player, Previews, Rules, Tryouts, Watching,
        care::{Limit, Limits},
    },
};
use anyhow::Context;
use lazaret_sandbox::Pool;
use std::sync::Arc;

/// Children that decode for moderators: pictures in a process that does not scan, and what is to be played in any.
const CHILDREN: usize = 2;

/// Accounts and sessions, as the settings want them.
pub fn people(
    config: &Config,
    accounts: Arc<dyn Accounts>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> People {
    let console = &config.console;
    let options = Options {
        idle: console.idle.0,
        longest: console.longest.0,
        sessions: console.sessions,
        totp: console.totp,
        link: console.link.0,
    };
    People::new(accounts, clock, random, options)
}

/// `media`: the decoders of the process, if it has any.
pub(super) fn console(
    config: &Config,
    api: &Api,
    rows: Rows,
    letters: Option<Arc<dyn DeadLetters>>,
    media: Option<Pool>,
    vault: Option<Arc<Vault>>,
) -> anyhow::Result<Console> {
    let media = match media {
        Some(media) => media,
        None => children(config, CHILDREN, None)?,
    };
    let vault = vault.context(
        "console.key: several machines seal second factors under one key: 64 hex digits, as `openssl rand -hex 32` prints",
    )?;
    Ok(Console {
        oidc: oidc(config)?,
        federation: rows.federation,
        drafts: rows.drafts,
        people: people(config, Arc::clone(&rows.accounts), Arc::clone(&api.clock), Arc::clone(&api.random))
            .with(vault),
        desk: Desk {
            store: Arc::clone(&api.store),
            reviews: rows.reviews,
            care: rows.care,
            wall: Arc::clone(&rows.wall),
            accounts: Arc::clone(&rows.accounts),
            clock: Arc::clone(&api.clock),
            rules: Rules { undo: config.console.undo.0, second: config.console.second.clone() },
            lease: config.console.lease.0,
            limits: limits(config),
            watching: Watching::default(),
        },
        insight: rows.insight,
        tryouts: Tryouts::new(rows.trials),
        wall: rows.wall,
        hub: api.streams.hub.clone(),
        alone: config.is_embedded(),
        pulse: Pulse::default(),
        settled: api.settled.clone(),
        health: Arc::clone(&api.readiness),
        letters,
        // Of their own, for a long film keeps a child busy that uploads would wait for, and so does a long animation.
        player: Player::new(
            Arc::clone(&api.blobs),
            films(config, CHILDREN)?,
            children(config, CHILDREN, None)?,
        ),
        previews: Previews { blobs: Arc::clone(&api.blobs), media, video: Some(films(config, CHILDREN)?) },
        max_edge: config.console.preview,
        proxies: config.console.proxies.clone().into(),
        files_host: files_host(&config.delivery.public_url),
    })
}

fn oidc(config: &Config) -> anyhow::Result<Option<Provider>> {
    let oidc = &config.console.oidc;
    if oidc.issuer.is_empty() {
        return Ok(None);
    }
    let options = oidc::Options {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        client_secret: oidc.client_secret.0.clone(),
        redirect: format!("{}/console/oidc/back", oidc.url.trim_end_matches('/')),
        name: oidc.name.clone(),
    };
    Provider::new(options).map(Some).map_err(anyhow::Error::msg)
}

fn limits(config: &Config) -> Limits {
    let care = &config.console.care;
    let limit = |of: &CareLimit| Limit {
        views: (of.views > 0).then_some(of.views),
        time: (!of.time.0.is_zero()).then_some(of.time.0),
    };
    Limits { offer: care.offer, low: limit(&care.low), medium: limit(&care.medium), high: limit(&care.high) }
}

/// As a Host header names it; `None` on loopback, where one machine has one host.
fn files_host(public_url: &str) -> Option<String> {
    let url = url::Url::parse(public_url).ok()?;
    let host = url.host()?;
    let loopback = match &host {
        url::Host::Domain(name) => *name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    (!loopback).then(|| url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::files_host;

    #[test]
    fn the_host_of_files_is_named_as_browsers_name_it() {
        let cases = [
            ("https://files.example.org", Some("files.example.org")),
            ("https://files.example.org:8443/x", Some("files.example.org:8443")),
            ("http://127.0.0.1:8470", None),
            ("http://localhost", None),
            ("http://[::1]:80", None),
        ];
        for (url, host) in cases {
            assert_eq!(files_host(url).as_deref(), host, "{url}");
        }
    }
}
