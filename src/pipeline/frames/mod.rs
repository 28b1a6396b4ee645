//! Frames of a film or an animation that models looked at: what the policy makes of each, where in time labels were, and
//! which of them moderators see.

mod sheet;
mod told;

pub use sheet::Sheet;

use super::{
    Subject,
    judge::{Judge, Labels},
};
use crate::upload::Decision;
use lazaret_report::{Finding, Region};
use lazaret_sandbox::{Session, Taken};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) index: u32,
    pub(super) at_ms: u64,
    /// Why it was chosen; `None` where every frame is looked at.
    pub(super) taken: Option<Taken>,
    pub(super) labels: Labels,
    /// Where detectors saw a label, while the frame may be told of.
    pub(super) regions: BTreeMap<String, Vec<Region>>,
    /// By these scores alone.
    pub(super) decision: Decision,
}

impl Frame {
    pub(super) fn new(index: u32, at_ms: u64, taken: Option<Taken>) -> Self {
        let (labels, regions) = (Labels::new(), BTreeMap::new());
        Self { index, at_ms, taken, labels, regions, decision: Decision::Publish }
    }
}

pub(super) struct Frames<'a> {
    judge: Option<Judge<'a>>,
    filename: Option<&'a str>,
    media_type: &'a str,
    pub(super) by_index: BTreeMap<u32, Frame>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(subject: &Subject<'a>, media_type: &'a str) -> Self {
        let (judge, filename) = (subject.judge, subject.filename);
        Self { judge, filename, media_type, by_index: BTreeMap::new() }
    }

    pub(super) fn has_judge(&self) -> bool {
        self.judge.is_some()
    }

    pub(super) fn judged(&self, labels: &Labels) -> Decision {
        self.judge.map_or(Decision::Publish, |judge| judge.of(self.media_type, self.filename, labels))
    }

    /// Judges a frame of which all scores are known.
    pub(super) fn judge(&mut self, index: u32) -> Decision {
        let decision =
            self.by_index.get(&index).map_or(Decision::Publish, |frame| self.judged(&frame.labels));
        if let Some(frame) = self.by_index.get_mut(&index) {
            frame.decision = decision;
            // Of a long film there may be many, and nobody asks where nothing was.
            if decision == Decision::Publish {
                frame.regions.clear();
            }
        }
        decision
    }

    pub(super) fn judge_all(&mut self) {
        for index in self.by_index.keys().copied().collect::<Vec<_>>() {
            self.judge(index);
        }
    }

    pub(super) fn in_time(&self) -> Vec<&Frame> {
        let mut frames: Vec<&Frame> = self.by_index.values().collect();
        frames.sort_by_key(|frame| frame.at_ms);
        frames
    }

    /// Worst score of each label.
    pub(super) fn worst(&self) -> Labels {
        let mut worst = Labels::new();
        for (label, score) in self.by_index.values().flat_map(|frame| &frame.labels) {
            let high = worst.entry(label.clone()).or_insert(*score);
            *high = high.max(*score);
        }
        worst
    }

    /// Of a single picture: one finding, under this code, for each label that would keep it from being published and has a
    /// place in it. One that has none is among the verdict's labels, and there is no more to tell of it.
    pub(super) fn placed(&mut self, code: &str) -> Vec<Finding> {
        if self.by_index.values().all(|frame| frame.regions.is_empty()) {
            return Vec::new();
        }
        self.judge_all();
        told::placed(self, code)
    }

    /// One finding, under this code, for each stretch in which a label would keep the file from being published.
    pub(super) fn findings(&self, code: &str) -> Vec<Finding> {
        told::findings(self, code)
    }

    /// `None` where the child cannot make one: a verdict does not hang on it.
    pub(super) async fn sheet(&self, session: &mut Session) -> Option<Sheet> {
        sheet::make(session, self).await
    }
}
