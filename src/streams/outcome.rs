//! What the sender of a frame is told.

use crate::{
    ports::streams::Counts,
    upload::{Because, Standing},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::sync::mpsc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    Judged,
    /// A newer frame came before its turn. It is not called clean.
    Skipped,
    /// It came after a newer one.
    Late,
    /// It could not be judged. It is not called clean.
    Failed,
}

impl Became {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Skipped => "skipped",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }
}

/// One frame, and how its stream stands after it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Outcome {
    /// The sender's number, or the one that it was given.
    pub sequence: u64,
    pub outcome: Became,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    pub decision: Standing,
    pub reason: Because,
    /// Of the labels that count.
    pub scores: BTreeMap<String, f32>,
    pub counts: Counts,
    /// Before that the next frame would be skipped.
    pub next_in_ms: u64,
    /// From its arrival.
    pub elapsed_ms: f64,
}

/// Each frame is told of once.
pub type Reply = mpsc::UnboundedSender<Outcome>;

/// [`Counts`], counted from many threads.
#[derive(Debug, Default)]
pub struct Counters {
    pub judged: AtomicU64,
    pub skipped: AtomicU64,
    pub failed: AtomicU64,
    pub late: AtomicU64,
    pub lost: AtomicU64,
}

impl From<Counts> for Counters {
    fn from(counts: Counts) -> Self {
        Self {
            judged: counts.judged.into(),
            skipped: counts.skipped.into(),
            failed: counts.failed.into(),
            late: counts.late.into(),
            lost: counts.lost.into(),
        }
    }
}

impl Counters {
    pub fn now(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            judged: of(&self.judged),
            skipped: of(&self.skipped),
            failed: of(&self.failed),
            late: of(&self.late),
            lost: of(&self.lost),
        }
    }

    /// Never beyond the end of the numbers.
    pub fn add(counter: &AtomicU64, n: u64) {
        // The closure never declines.
        let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(n)));
    }
}
