//! The events role: the outbox handed on, webhooks called, what is left behind put away.

use super::{janitor::Janitor, stores::Bytes};
use crate::{
    Task,
    adapters::amqp::Amqp,
    config::Config,
    events::{
        Relay, Settled, relay,
        webhook::{self, Caller, Client, Secret, Webhook, Webhooks},
    },
    ports::{Clock, Publisher, Random, Store},
    telemetry::Metrics,
};
use anyhow::Context;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

pub(super) struct News {
    relay: Relay,
    /// Where there are webhooks.
    caller: Option<Caller>,
    janitor: Janitor,
}

/// What it is made of.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) bytes: Bytes,
    pub(super) broker: Option<Arc<Amqp>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) settled: Settled,
    /// This process, among all that use the store.
    pub(super) name: String,
}

impl News {
    pub(super) fn build(config: &Config, parts: Parts) -> anyhow::Result<Self> {
        let Parts { store, bytes, broker, clock, random, metrics, settled, name } = parts;
        let events = &config.events;
        let webhooks = Arc::new(webhooks(config)?);
        let calls = Arc::new(Notify::new());
        let relay = Relay {
            store: Arc::clone(&store),
            publisher: broker.as_ref().map(|broker| broker.publisher() as Arc<dyn Publisher>),
            webhooks: Arc::clone(&webhooks),
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
            bell: settled.outbox(),
            calls: Arc::clone(&calls),
            options: relay::Options {
                keep: events.keep.0,
                share: config.queue.share,
                source: events.source.clone(),
                ..relay::Options::new(&name)
            },
        };
        let caller = match webhooks.is_empty() {
            true => None,
            false => Some(Caller {
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                random,
                webhooks,
                client: Client::new(events.deadline.0, events.allow_private)
                    .context("the client of webhooks")?,
                metrics,
                bell: calls,
                options: webhook::Options { source: events.source.clone(), ..webhook::Options::new(&name) },
            }),
        };
        let janitor = Janitor {
            store,
            direct: bytes.direct(),
            direct_term: config.intake.direct.0,
            settled,
            keep_streams: config.streams.keep.0,
            sweeps: !config.is_embedded() || bytes.bucket.is_some(),
            blobs: bytes.blobs,
            clock,
            holder: name,
            reap_after: broker.map(|_| config.pipeline.lease.0 / 2),
        };
        Ok(Self { relay, caller, janitor })
    }

    pub(super) fn start(self) -> Running {
        Running {
            relay: self.relay.start(),
            caller: self.caller.map(Caller::start),
            janitor: self.janitor.start(),
        }
    }
}

pub(super) struct Running {
    relay: relay::Running,
    caller: Option<Task>,
    janitor: Task,
}

impl Running {
    pub(super) async fn drain(self, grace: Duration) {
        let calls = async {
            if let Some(caller) = self.caller {
                caller.drain(grace).await;
            }
        };
        tokio::join!(self.relay.drain(grace), calls, self.janitor.drain(grace));
    }
}

fn webhooks(config: &Config) -> anyhow::Result<Webhooks> {
    let mut all = Vec::new();
    for hook in &config.events.webhooks {
        let what = || format!("events.webhooks: {:?}", hook.name);
        let secrets: Result<Vec<Secret>, _> = hook.secrets.iter().map(|secret| secret.0.parse()).collect();
        all.push(Webhook {
            name: hook.name.clone(),
            tenant: hook.tenant.clone(),
            url: hook.url.parse().with_context(what)?,
            secrets: secrets.with_context(what)?,
            events: hook.events.clone(),
        });
    }
    Webhooks::new(all, config.events.allow_private).context("events.webhooks")
}
