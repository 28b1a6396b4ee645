//! Makes the calls that are due. One process does it at a time; of one upload a webhook hears in order, which is the
//! store's to keep.

use super::{Client, Schedule, Webhooks, answer::Answer};
use crate::{
    Task,
    events::{cloud, leader::Leader},
    ports::{Clock, Random, Result, Store, store::Call},
    telemetry::Metrics,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::{Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub struct Options {
    /// This process, among all that use the store.
    pub holder: String,
    /// For how long a leader that is not heard of stays leader.
    pub term: Duration,
    pub schedule: Schedule,
    /// Calls at a time.
    pub most: usize,
    /// Calls of one webhook at a time.
    pub most_each: usize,
    /// How often calls are looked for by itself.
    pub idle: Duration,
    /// The `source` of events.
    pub source: String,
}

impl Options {
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            term: Duration::from_secs(10),
            schedule: Schedule::default(),
            most: 64,
            most_each: 4,
            idle: Duration::from_secs(1),
            source: "urn:lazaret".to_owned(),
        }
    }
}

/// Calls read at a time, at least and at most: more where one webhook's stand before all others'.
const WINDOW: u32 = 256;
const WIDEST: u32 = 16 * WINDOW;
/// A call whose outcome could not be written down is not made again at once.
const UNWRITTEN: Duration = Duration::from_secs(5);

/// Shared by all calls.
pub struct Caller {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub webhooks: Arc<Webhooks>,
    pub client: Client,
    pub metrics: Arc<Metrics>,
    /// Rung when calls became due.
    pub bell: Arc<Notify>,
    pub options: Options,
}

type Name = (u64, String);

/// Calls in flight.
#[derive(Default)]
struct Flight {
    tasks: JoinSet<()>,
    names: HashMap<Id, Name>,
    calls: HashSet<Name>,
    of_webhook: HashMap<String, usize>,
}

impl Flight {
    fn begin(&mut self, name: Name, call: impl Future<Output = ()> + Send + 'static) {
        *self.of_webhook.entry(name.1.clone()).or_default() += 1;
        self.calls.insert(name.clone());
        let task = self.tasks.spawn(call);
        self.names.insert(task.id(), name);
    }

    fn landed(&mut self, ended: std::result::Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "a call of a webhook broke off");
                error.id()
            }
        };
        if let Some(name) = self.names.remove(&id) {
            if let Some(count) = self.of_webhook.get_mut(&name.1) {
                *count = count.saturating_sub(1);
            }
            self.calls.remove(&name);
        }
    }

    /// May this one begin?
    fn has_room(&self, name: &Name, most_each: usize) -> bool {
        let busy = self.of_webhook.get(&name.1).copied().unwrap_or(0);
        busy < most_each && !self.calls.contains(name)
    }
}

impl Caller {
    /// What is not written down by the end of the grace is told again.
    pub fn start(self) -> Task {
        Task::start("calling webhooks", |stop| Arc::new(self).run(stop))
    }

    async fn run(self: Arc<Self>, stop: CancellationToken) {
        let Options { holder, term, idle, .. } = &self.options;
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let mut leader = Leader::new(store, clock, "webhooks", holder.clone(), *term);
        let (mut flight, mut window) = (Flight::default(), WINDOW);
        while !stop.is_cancelled() {
            let begun = match leader.leads().await {
                Ok(true) => self.begin(&mut flight, &mut window).await,
                Ok(false) => Ok(false),
                Err(error) => Err(error),
            };
            let more = begun.unwrap_or_else(|error| {
                tracing::warn!(%error, "webhooks could not be called; it is tried again");
                false
            });
            if more {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bell.notified() => {}
                () = tokio::time::sleep(*idle) => {}
                Some(ended) = flight.tasks.join_next_with_id() => flight.landed(ended),
            }
            while let Some(ended) = flight.tasks.try_join_next_with_id() {
                flight.landed(ended);
            }
        }
        while flight.tasks.join_next().await.is_some() {}
        leader.resign().await;
    }

    /// Begins what is due as far as there is room; is there more to be seen at once?
    async fn begin(self: &Arc<Self>, flight: &mut Flight, window: &mut u32) -> Result<bool> {
        if flight.calls.len() >= self.options.most {
            return Ok(false);
        }
        let due = self.store.calls_due(self.clock.now(), *window).await?;
        let full = due.len() >= *window as usize;
        let mut begun = 0;
        for call in due {
            if flight.calls.len() >= self.options.most {
                return Ok(false);
            }
            let name = (call.entry.sequence, call.webhook.clone());
            if flight.has_room(&name, self.options.most_each) {
                begun += 1;
                let caller = Arc::clone(self);
                flight.begin(name, async move { caller.make(&call).await });
            }
        }
        // One slow webhook's calls may fill all that was read: look behind them.
        let behind = full && begun == 0 && *window < WIDEST;
        *window = if behind {
            *window * 2
        } else if full {
            *window
        } else {
            WINDOW
        };
        Ok(behind)
    }

    async fn make(&self, call: &Call) {
        let Call { webhook: name, entry, attempts, .. } = call;
        let answer = match (self.webhooks.get(name), cloud::event(entry, &self.options.source)) {
            (Some(webhook), Ok(event)) => {
                self.client.call(webhook, &cloud::id(entry), event, self.clock.now()).await
            }
            (None, _) => failed(format!("there is no webhook {name:?} in the settings")),
            (_, Err(error)) => failed(error.to_string()),
        };
        let written = match answer {
            Answer::Made => {
                self.metrics.webhook_called("made");
                self.store.call_made(entry.sequence, name).await
            }
            Answer::Gone => self.give_up(call, "answered 410: it wants to be called no more").await,
            Answer::Failed { error, asked } => {
                match self.options.schedule.after(*attempts, self.jitter(), asked) {
                    None => self.give_up(call, &error).await,
                    Some(pause) => {
                        self.metrics.webhook_called("failed");
                        tracing::info!(webhook.name = name, upload.id = %entry.upload, error, "a webhook call failed");
                        let again = self.clock.now() + pause;
                        self.store.call_failed(entry.sequence, name, &error, Some(again)).await
                    }
                }
            }
        };
        if let Err(error) = written {
            tracing::error!(webhook.name = name, %error, "the outcome of a call was not written down; it is made again");
            tokio::time::sleep(UNWRITTEN).await;
        }
    }

    async fn give_up(&self, call: &Call, error: &str) -> Result<()> {
        let Call { webhook, entry, .. } = call;
        self.metrics.webhook_called("dead");
        tracing::warn!(webhook.name = webhook, upload.id = %entry.upload, error, "a webhook call is given up; see `lazaret dead list`");
        self.store.call_failed(entry.sequence, webhook, error, None).await
    }

    fn jitter(&self) -> u16 {
        let mut bytes = [0; 2];
        // Without randomness there is no jitter, and nothing worse.
        match self.random.fill(&mut bytes) {
            Ok(()) => u16::from_le_bytes(bytes),
            Err(_) => 0,
        }
    }
}

fn failed(error: String) -> Answer {
    Answer::Failed { error, asked: None }
}
