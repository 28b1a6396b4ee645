//! Uploads by reference: whose files lie where, and who fetches them.

use super::stores::Bytes;
use crate::{
    adapters::amqp::Submitted,
    config::Config,
    intake::{
        accept::Door,
        source::{Fetching, SourceRule, SourceRules},
        submitted::{Desk, Line, Options},
    },
    pipeline::Work,
    ports::Random,
};
use std::sync::Arc;

/// `None` where there is no S3 to fetch from.
pub(super) fn fetching(config: &Config, bytes: &Bytes) -> anyhow::Result<Option<Fetching>> {
    let Some(sources) = bytes.sources() else { return Ok(None) };
    let rules = config.intake.sources.iter().map(|source| SourceRule {
        tenant: source.tenant.clone(),
        bucket: source.bucket.clone(),
        prefix: source.prefix.clone(),
        amqp_user: source.user.clone(),
    });
    Ok(Some(Fetching {
        sources,
        blobs: Arc::clone(&bytes.blobs),
        rules: Arc::new(SourceRules::new(rules.collect())?),
        max_bytes: config.intake.max_upload.0,
        reserve_bytes: config.intake.reserve.0,
    }))
}

/// Takes what is submitted through the queue.
pub(super) fn desk(
    config: &Config,
    inbox: Arc<Submitted>,
    fetching: Fetching,
    work: &Work,
    random: &Arc<dyn Random>,
    line: &Arc<Line>,
) -> Desk {
    let door = Door {
        store: Arc::clone(&work.store),
        blobs: Arc::clone(&work.blobs),
        queue: Arc::clone(&work.queue),
        settled: work.settled.clone(),
        metrics: Arc::clone(&work.metrics),
    };
    Desk {
        inbox,
        fetching,
        door,
        clock: Arc::clone(&work.clock),
        random: Arc::clone(random),
        options: options(config),
        line: Arc::clone(line),
    }
}

/// A message that waited and then takes as long as it may is answered within two and a half times `queue.ack_within`.
fn options(config: &Config) -> Options {
    let (hold, all) = (config.queue.ack_within.0, Options::default());
    Options { prefetch: config.queue.prefetch.into(), hold, patience: all.patience.min(hold * 3 / 2), ..all }
}
