//! Hands the outbox on: to the broker, and to tenants' webhooks. One process does it at a time.
//!
//! What the broker has confirmed is marked in one commit a batch; a crash in between tells some of it again, under the
//! same ids. Of one upload nothing is told before what stands before it was confirmed.

use super::{cloud, leader::Leader, share::Shares, webhook::Webhooks};
use crate::{
    Task,
    ports::{
        Clock, Publisher, Result, Store,
        publisher::{Message, Route},
        store::{Handed, OutboxEntry},
    },
    telemetry::Metrics,
    upload::UploadId,
};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub struct Options {
    /// This process, among all that use the store.
    pub holder: String,
    /// For how long a leader that is not heard of stays leader.
    pub term: Duration,
    /// Entries that are handed on at a time.
    pub batch: u32,
    /// The pause after a batch that was not full.
    pub busy: Duration,
    /// The longest pause.
    pub idle: Duration,
    /// The longest pause after trouble.
    pub trouble: Duration,
    /// How long the broker may take to confirm a batch.
    pub patience: Duration,
    /// How long entries are kept that were handed on.
    pub keep: Duration,
    /// Unsettled uploads of a tenant before its next ones go on in the bulk lane.
    pub share: u64,
    /// The `source` of events.
    pub source: String,
}

impl Options {
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            term: Duration::from_secs(10),
            batch: 256,
            busy: Duration::from_millis(100),
            idle: Duration::from_secs(1),
            trouble: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            keep: Duration::from_secs(7 * 24 * 3600),
            share: 64,
            source: "urn:lazaret".to_owned(),
        }
    }
}

/// How old the count of tenants' uploads may be.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// From the bell to the batch: what comes meanwhile is told with it, in the same commit.
const GATHER: Duration = Duration::from_millis(5);
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// The most entries that fail again and again which a batch reads past.
const STUCK: u32 = 4096;

pub struct Relay {
    pub store: Arc<dyn Store>,
    /// Without one, uploads need no message to be worked on, and events go to webhooks alone.
    pub publisher: Option<Arc<dyn Publisher>>,
    pub webhooks: Arc<Webhooks>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    /// Rung when there may be something new.
    pub bell: Arc<Notify>,
    /// Rung when calls to webhooks became due.
    pub calls: Arc<Notify>,
    pub options: Options,
}

/// A relay at work.
pub struct Running {
    task: Task,
    bell: Arc<Notify>,
}

impl Running {
    /// There may be something new in the outbox.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// Begins no new batch, and waits up to `grace` for the one in flight; what is not marked by then is told again.
    pub async fn drain(self, grace: Duration) {
        self.task.drain(grace).await;
    }
}

/// What came of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Round {
    handed: usize,
    failed: usize,
    /// There may be more.
    full: bool,
}

/// What the relay knows from one batch to the next.
struct State {
    shares: Shares,
    counted: Option<Instant>,
    pruned: Option<Instant>,
    /// Entries at the head that the broker did not take.
    stuck: u32,
}

impl Relay {
    pub fn start(self) -> Running {
        let bell = Arc::clone(&self.bell);
        Running { task: Task::start("handing on the outbox", |stop| self.run(stop)), bell }
    }

    async fn run(self, stop: CancellationToken) {
        let Options { holder, term, busy, idle, trouble, .. } = &self.options;
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let mut leader = Leader::new(store, clock, "outbox", holder.clone(), *term);
        let mut state =
            State { shares: Shares::new(self.options.share), counted: None, pruned: None, stuck: 0 };
        let mut pause = *busy;
        while !stop.is_cancelled() {
            let round = match leader.leads().await {
                Ok(true) => self.round(&mut leader, &mut state).await,
                Ok(false) => {
                    self.wait(&stop, *idle, false).await;
                    continue;
                }
                Err(error) => Err(error),
            };
            match round {
                Ok(Round { handed: 0, failed: 0, .. }) => {
                    self.wait(&stop, pause, true).await;
                    pause = (pause * 2).min(*idle);
                }
                Ok(Round { failed: 0, full: true, .. }) => pause = *busy,
                Ok(Round { handed, .. }) if handed > 0 => {
                    pause = *busy;
                    self.wait(&stop, *busy, true).await;
                }
                Ok(_) => {
                    self.wait(&stop, pause, false).await;
                    pause = (pause * 2).min(*trouble);
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be handed on; it is tried again");
                    self.wait(&stop, pause, false).await;
                    pause = (pause * 2).min(*trouble);
                }
            }
        }
        leader.resign().await;
    }

    async fn wait(&self, stop: &CancellationToken, term: Duration, bell: bool) {
        // Where nobody is told, nobody waits.
        let bell = bell && (self.publisher.is_some() || !self.webhooks.is_empty());
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(term) => return,
            () = self.bell.notified(), if bell => {}
        }
        tokio::time::sleep(GATHER).await;
    }

    async fn round(&self, leader: &mut Leader, state: &mut State) -> Result<Round> {
        self.prune(state).await;
        let limit = self.options.batch.saturating_add(state.stuck);
        let entries = self.store.outbox_pending(limit).await?;
        let full = entries.len() >= limit as usize;
        if entries.is_empty() {
            state.stuck = 0;
            return Ok(Round::default());
        }
        self.count(state).await;
        let all = entries.len();
        let told = self.tell(leader, &mut state.shares, entries).await;
        let round = Round { handed: told.len(), failed: all - told.len(), full };
        state.stuck = u32::try_from(round.failed).unwrap_or(STUCK).min(STUCK);
        if !told.is_empty() {
            self.store.outbox_handed_on(&told, self.clock.now()).await?;
            if told.iter().any(|handed| !handed.webhooks.is_empty()) {
                self.calls.notify_one();
            }
        }
        Ok(round)
    }

    /// Publishes what has to be, the first entry of each upload, then the second of those whose first was confirmed,
    /// and so on, for as long as this process leads. Gives those that are durable where they went.
    async fn tell(&self, leader: &mut Leader, shares: &mut Shares, entries: Vec<OutboxEntry>) -> Vec<Handed> {
        let Some(publisher) = &self.publisher else {
            return entries.iter().map(|entry| self.handed(entry)).collect();
        };
        let (mut told, mut failed, mut rest) = (Vec::with_capacity(entries.len()), HashSet::new(), entries);
        // What is slow may outlast the term.
        while !rest.is_empty() && leader.leads().await.unwrap_or(false) {
            let mut seen: HashSet<UploadId> = HashSet::with_capacity(rest.len());
            let (now, later): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|entry| seen.insert(entry.upload));
            let (mut sent, mut messages) = (Vec::with_capacity(now.len()), Vec::with_capacity(now.len()));
            let mut trouble = None;
            for entry in now {
                match self.message(shares, &entry) {
                    Ok(message) => {
                        messages.push(message);
                        sent.push(entry);
                    }
                    Err(error) => {
                        failed.insert(entry.upload);
                        trouble = Some(error);
                    }
                }
            }
            let mut results = self.publish(&**publisher, &messages).await.into_iter();
            for entry in sent {
                match results.next() {
                    Some(Ok(())) => {
                        self.metrics.event_published(entry.kind == cloud::RECEIVED);
                        told.push(self.handed(&entry));
                    }
                    // No result is no confirmation.
                    result => {
                        failed.insert(entry.upload);
                        trouble = result.and_then(Result::err).or(trouble);
                    }
                }
            }
            if let Some(error) = trouble {
                tracing::warn!(events.failed = failed.len(), %error, "the broker did not confirm all");
            }
            rest = later.into_iter().filter(|entry| !failed.contains(&entry.upload)).collect();
        }
        told
    }

    async fn publish(&self, publisher: &dyn Publisher, messages: &[Message]) -> Vec<Result<()>> {
        match tokio::time::timeout(self.options.patience, publisher.publish(messages)).await {
            Ok(results) => results,
            Err(_) => {
                tracing::warn!(events.count = messages.len(), "the broker did not confirm in time");
                Vec::new()
            }
        }
    }

    fn message(&self, shares: &mut Shares, entry: &OutboxEntry) -> Result<Message> {
        let id = cloud::id(entry);
        if entry.kind == cloud::RECEIVED {
            let route = Route::Work(shares.lane(entry));
            let body = entry.upload.to_string().into_bytes();
            return Ok(Message { route, id, content_type: "text/plain", body, must_arrive: true });
        }
        shares.settled(entry);
        Ok(Message {
            route: Route::Event(entry.kind.clone()),
            id,
            content_type: cloud::MEDIA_TYPE,
            body: cloud::event(entry, &self.options.source)?,
            // Nobody has to listen.
            must_arrive: false,
        })
    }

    fn handed(&self, entry: &OutboxEntry) -> Handed {
        let webhooks = if entry.kind == cloud::RECEIVED { Vec::new() } else { self.webhooks.of(entry) };
        Handed { sequence: entry.sequence, webhooks }
    }

    /// An old count is better than none: it decides about lanes, not about what is told.
    async fn count(&self, state: &mut State) {
        if self.publisher.is_none() || !is_due(state.counted, COUNT_EVERY) {
            return;
        }
        state.counted = Some(Instant::now());
        match self.store.backlogs().await {
            Ok(backlogs) => state.shares.count(backlogs),
            Err(error) => tracing::warn!(%error, "tenants' uploads could not be counted"),
        }
    }

    async fn prune(&self, state: &mut State) {
        if is_due(state.pruned, PRUNE_EVERY) {
            state.pruned = Some(Instant::now());
            // What stays is in nobody's way: events go on.
            if let Ok(before) = self.clock.now().checked_sub(self.options.keep)
                && let Err(error) = self.store.outbox_prune(before).await
            {
                tracing::warn!(%error, "old entries of the outbox were not removed; it is tried again");
            }
        }
    }
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|at| at.elapsed() >= every)
}
