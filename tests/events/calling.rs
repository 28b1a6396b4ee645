//! Callers of webhooks, and what there is for them to call.

use crate::{
    receiver::{Receiver, SECRET},
    world::World,
};
use jiff::Timestamp;
use lazaret::{
    events::webhook::{Caller, Client, Options, Schedule, Webhook, Webhooks},
    ports::{Clock, random::SystemRandom, store::Handed},
    telemetry::Metrics,
};
use std::{sync::Arc, time::Duration};

pub const NEWER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub const DEADLINE: Duration = Duration::from_secs(5);

impl Receiver {
    pub fn webhook(&self, name: &str) -> Webhook {
        webhook(name, &self.url())
    }
}

pub fn webhook(name: &str, url: &str) -> Webhook {
    Webhook {
        name: name.into(),
        tenant: "acme".parse().unwrap(),
        url: url.parse().unwrap(),
        secrets: vec![SECRET.parse().unwrap()],
        events: vec![],
    }
}

pub fn caller(world: &World, webhooks: Vec<Webhook>, clock: Arc<dyn Clock>) -> Caller {
    Caller {
        store: world.store.clone(),
        clock,
        random: Arc::new(SystemRandom),
        webhooks: Arc::new(Webhooks::new(webhooks, true).unwrap()),
        client: Client::new(DEADLINE, true).unwrap(),
        metrics: Arc::new(Metrics::new()),
        bell: Arc::default(),
        options: quick("a"),
    }
}

pub fn quick(holder: &str) -> Options {
    Options { idle: Duration::from_millis(10), ..Options::new(holder) }
}

/// Of failures that are tried again at once.
pub fn at_once(times: usize) -> Schedule {
    Schedule(vec![Duration::ZERO; times])
}

impl World {
    /// All verdicts so far are to be told to these.
    pub async fn call(&self, webhooks: &[&str], at: Timestamp) {
        let webhooks: Vec<String> = webhooks.iter().map(|&name| name.to_owned()).collect();
        let handed = |sequence, kind: &str| {
            let none = kind == "upload.received";
            Handed { sequence, webhooks: if none { vec![] } else { webhooks.clone() } }
        };
        let pending = self.store.outbox_pending(10_000).await.unwrap();
        let all: Vec<_> = pending.iter().map(|entry| handed(entry.sequence, &entry.kind)).collect();
        self.store.outbox_handed_on(&all, at).await.unwrap();
    }

    /// No call is left to make, now or later.
    pub async fn all_called(&self) -> bool {
        let ever = Timestamp::MAX;
        self.store.calls_due(ever, 1).await.unwrap().is_empty()
    }

    pub async fn dead(&self) -> Vec<lazaret::ports::store::Call> {
        self.store.calls_dead(1000).await.unwrap()
    }
}
