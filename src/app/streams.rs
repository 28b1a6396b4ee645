//! The streams role: what frames are judged by, and what is known of streams in every process that answers about them.

use super::{
    cores,
    engines::{caller, children, followers, known_bad},
    models_folder, or, prove_sandbox, runtime,
};
use crate::{
    access::Vault,
    config::Config,
    events::Settled,
    pipeline::{Classifiers, Engines},
    ports::{Blobs, Clock, Frames, Store},
    streams::{
        Eyes, Front, Hub, Kill,
        hub::{self, Book},
        kill::Hook,
        pull::{self, Puller, place},
    },
    telemetry::Metrics,
};
use anyhow::{Context, anyhow};
use reqwest::header::HeaderValue;
use std::{sync::Arc, time::Duration};

pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settled: Settled,
    pub(super) metrics: Arc<Metrics>,
    pub(super) frames: Option<Arc<dyn Frames>>,
    pub(super) vault: Option<Arc<Vault>>,
    /// This process, among all that use the store.
    pub(super) name: String,
}

/// Children that decode for who looks at kept frames.
const PICTURES: usize = 2;

/// As the settings want it; without a hub, no frames are taken.
pub fn front(config: &Config, hub: Option<Hub>) -> anyhow::Result<Front> {
    let streams = &config.streams;
    Ok(Front {
        book: book(config)?,
        key_expires: streams.key_expires.0,
        max_frame: max_frame(config)?,
        max_open: streams.max_open,
        queues: !config.queue.url.starts_with("store:"),
        pictures: Some(children(config, PICTURES, None)?),
        pull: pull_rules(config),
        vault: None,
        hub,
    })
}

/// Of a process that scans as well, streams use the models of its `engines`.
pub(super) async fn hub(
    config: &Config,
    parts: Parts,
    engines: Option<&Engines>,
) -> anyhow::Result<(Hub, Arc<Eyes>)> {
    let streams = &config.streams;
    let places = or(streams.places, cores());
    let classifiers = match engines {
        Some(engines) => engines.classifiers.clone(),
        None => Classifiers::new(models_folder(config), runtime(config), or(config.models.threads, cores())),
    };
    let children = children(config, places, Some(streams.frame_deadline.0))?;
    if engines.is_none() {
        prove_sandbox(config, &children).await?;
        prove_sandbox(config, &followers(config)?).await?;
    }
    let eyes = Arc::new(Eyes {
        children,
        classifiers,
        max_pixels: streams.max_pixels,
        deadline: streams.frame_deadline.0,
    });
    let Parts { store, blobs, clock, settled, metrics, frames, vault, name } = parts;
    let hub = Hub::new(hub::Parts {
        store,
        blobs,
        clock,
        judge: eyes.clone(),
        settled,
        metrics,
        kill: kill(config)?,
        book: book(config)?,
        frames,
        puller: puller(config)?.with(vault),
        known: known_bad(config)?,
        options: hub::Options {
            holder: name,
            term: streams.term.0,
            places,
            evidence: streams.evidence,
            max_frame: max_frame(config)?,
            idle: hub::IDLE,
        },
    });
    Ok((hub, eyes))
}

/// In bytes, whichever way a frame comes.
fn max_frame(config: &Config) -> anyhow::Result<usize> {
    usize::try_from(config.streams.max_frame.0).context("streams.max_frame")
}

fn pull_rules(config: &Config) -> place::Rules {
    place::Rules::new(&config.streams.pull_private)
}

/// What fetches the frames of streams that have a source.
pub fn puller(config: &Config) -> anyhow::Result<Puller> {
    let streams = &config.streams;
    let options = pull::Options {
        stall: streams.pull_stall.0,
        patience: streams.pull_patience.0,
        max_pixels: streams.max_pixels,
        first: Duration::from_secs(1),
    };
    Ok(Puller::new(followers(config)?, caller(config)?, pull_rules(config), options)?)
}

fn book(config: &Config) -> anyhow::Result<Book> {
    let rules = config.streams.rules();
    let tenants = config.streams.tenants.iter().map(|own| {
        let tuned = rules.tuned(&own.tuning);
        tuned.map(|tuned| (own.tenant.clone(), tuned)).map_err(|why| anyhow!("streams.tenants: {why}"))
    });
    Ok(Book { tenants: tenants.collect::<anyhow::Result<_>>()?, rules })
}

fn kill(config: &Config) -> anyhow::Result<Kill> {
    let hooks = config.streams.kill.iter().map(|hook| {
        let mut authorization = None;
        if !hook.authorization.0.is_empty() {
            // The value itself stays out of the error.
            let value = hook.authorization.0.parse::<HeaderValue>();
            let mut value = value.map_err(|_| anyhow!("streams.kill: authorization is no header's value"))?;
            value.set_sensitive(true);
            authorization = Some(value);
        }
        anyhow::Ok(Hook { tenant: hook.tenant.clone(), url: hook.url.clone(), authorization })
    });
    let hooks = hooks.collect::<anyhow::Result<Vec<_>>>()?;
    Kill::new(hooks, config.streams.allow_private).context("streams.kill")
}
