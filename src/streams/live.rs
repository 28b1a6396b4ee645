//! One stream that is being watched, as everybody else in the process sees it.

use super::{
    frame::Frame,
    mailbox::{Mailbox, Waiting},
    order::{Arrival, Order},
    outcome::{Became, Counters, Outcome, Reply},
    unseen::Kinds,
    window::{Look, State},
};
use crate::{
    ports::streams::{Counts, Last, StreamKey},
    telemetry::Metrics,
    upload::{StreamId, TenantId},
};
use bytes::Bytes;
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

/// What those who follow a stream are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub state: State,
    pub since: Timestamp,
    /// Who may send to it.
    pub key: StreamKey,
}

/// The newest frame that was judged.
#[derive(Debug, Clone)]
pub struct Newest {
    /// Grows.
    pub number: u64,
    /// Hostile: only a child opens it.
    pub bytes: Bytes,
    pub media_type: &'static str,
    pub scores: BTreeMap<String, f32>,
}

pub struct Live {
    pub id: StreamId,
    pub tenant: TenantId,
    /// Of the watch.
    pub(super) fence: u64,
    pub(super) mailbox: Mailbox,
    pub(super) counters: Counters,
    pub(super) shown: watch::Sender<Shown>,
    /// Frames that nobody shows to a judge: what came and is no frame of this stream's publisher, and what was whole and not
    /// wanted. Since the last look.
    astray: AtomicU64,
    whole: AtomicU64,
    /// What is in it that is not looked at.
    unseen: AtomicU8,
    /// The pause that was last asked for.
    pub(super) pause_ms: AtomicU64,
    /// Of frames that come one by one.
    posted: Mutex<Order>,
    /// Of frames from the broker.
    fed: Mutex<Order>,
    newest: Mutex<Option<Newest>>,
    /// Nobody watches it here any more.
    pub(super) over: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Live {
    pub(super) fn new(
        (id, tenant, fence): (StreamId, TenantId, u64),
        (counts, last): (Counts, Last),
        shown: Shown,
        over: CancellationToken,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            id,
            tenant,
            fence,
            mailbox: Mailbox::default(),
            counters: counts.into(),
            shown: watch::Sender::new(shown),
            astray: AtomicU64::default(),
            whole: AtomicU64::default(),
            unseen: AtomicU8::default(),
            pause_ms: AtomicU64::default(),
            posted: Mutex::new(Order::after(last.posted)),
            fed: Mutex::new(Order::after(last.fed)),
            newest: Mutex::default(),
            over,
            metrics,
        }
    }

    /// A frame of a source that keeps its own order. Its outcome goes to `reply`, once.
    pub fn offer(&self, frame: Frame, order: &mut Order, came: Timestamp, reply: Reply) {
        let (sequence, arrival) = order.arrives(frame.sequence);
        let waiting = Waiting { frame, sequence, came, since: Instant::now(), reply };
        match arrival {
            Arrival::Late => {
                Counters::add(&self.counters.late, 1);
                self.tell(&waiting, Became::Late, None, BTreeMap::new());
            }
            Arrival::Next { lost } => {
                Counters::add(&self.counters.lost, lost);
                if let Some(older) = self.mailbox.put(waiting) {
                    Counters::add(&self.counters.skipped, 1);
                    self.tell(&older, Became::Skipped, None, BTreeMap::new());
                }
            }
        }
    }

    /// As [`Self::offer`], of frames that come one by one.
    pub fn post(&self, frame: Frame, came: Timestamp, reply: Reply) {
        self.offer(frame, &mut locked(&self.posted), came, reply);
    }

    /// As [`Self::offer`], of frames from the broker.
    pub(super) fn feed(&self, frame: Frame, came: Timestamp, reply: Reply) {
        self.offer(frame, &mut locked(&self.fed), came, reply);
    }

    /// Whoever watches next goes on from there.
    pub(super) fn last(&self) -> Last {
        Last { posted: locked(&self.posted).last(), fed: locked(&self.fed).last() }
    }

    /// Something came from its publisher that is no frame.
    pub fn spoiled(&self) {
        self.spoiled_by(1);
    }

    /// Something came from somebody else: it counts, and says nothing of the stream.
    pub(super) fn refused(&self) {
        Counters::add(&self.counters.failed, 1);
    }

    /// What came since it was asked before.
    pub(super) fn beside(&self) -> Look {
        let taken = |count: &AtomicU64| u32::try_from(count.swap(0, Ordering::Relaxed)).unwrap_or(u32::MAX);
        Look { failed: taken(&self.astray), blind: 0, fine: taken(&self.whole) }
    }

    /// Frames that were whole, and not due.
    pub(super) fn passed_over(&self, frames: u64) {
        Counters::add(&self.whole, frames);
    }

    pub(super) fn hold_more(&self, unseen: Kinds) {
        self.unseen.store(unseen.bits(), Ordering::Relaxed);
    }

    pub(super) fn holds_more(&self) -> Kinds {
        Kinds::of_bits(self.unseen.load(Ordering::Relaxed))
    }

    pub(super) fn saw(&self, frame: &Frame, scores: BTreeMap<String, f32>) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let number = newest.as_ref().map_or(0, |newest| newest.number) + 1;
        *newest = Some(Newest { number, bytes: frame.bytes.clone(), media_type: frame.media_type, scores });
    }

    /// What people see of it.
    pub fn newest(&self) -> Option<Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Of the watch: what stands in the store with a later one is newer than what is shown.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    pub fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// What is shown, and what will be.
    pub fn follow(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }

    pub fn counts(&self) -> Counts {
        self.counters.now()
    }

    /// Ends when nobody watches the stream here any more: it was closed, or another process does.
    pub fn over(&self) -> CancellationToken {
        self.over.clone()
    }

    pub(super) fn tell(
        &self,
        waiting: &Waiting,
        outcome: Became,
        why: Option<String>,
        scores: BTreeMap<String, f32>,
    ) {
        self.metrics.frame(outcome.as_str());
        let State { standing, because } = self.shown.borrow().state;
        let outcome = Outcome {
            sequence: waiting.sequence,
            outcome,
            why,
            decision: standing,
            reason: because,
            scores,
            counts: self.counters.now(),
            next_in_ms: self.pause_ms.load(Ordering::Relaxed),
            elapsed_ms: waiting.since.elapsed().as_secs_f64() * 1e3,
        };
        // Who sent it may have gone.
        let _ = waiting.reply.send(outcome);
    }

    /// A frame at least was left out for a newer one.
    pub(super) fn skipped(&self) {
        self.metrics.frame(Became::Skipped.as_str());
        Counters::add(&self.counters.skipped, 1);
    }

    /// So many frames could not even be shown to a judge.
    pub(super) fn spoiled_by(&self, frames: u64) {
        Counters::add(&self.counters.failed, frames);
        Counters::add(&self.astray, frames);
    }

    /// So many frames, at least, never came.
    pub(super) fn lost(&self, frames: u64) {
        Counters::add(&self.counters.lost, frames);
    }

    /// Before that a frame would be skipped.
    pub(super) fn asked_pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms.load(Ordering::Relaxed))
    }

    pub(super) fn pause(&self, pause: Duration) {
        self.pause_ms.store(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

fn locked(order: &Mutex<Order>) -> MutexGuard<'_, Order> {
    order.lock().unwrap_or_else(PoisonError::into_inner)
}
