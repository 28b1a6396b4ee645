//! Scores of a film's frames, and what the policy makes of each.

use super::{is_final, told};
use crate::{
    pipeline::{Subject, judge::Judge, judge::Labels},
    upload::Decision,
};
use lazaret_classify::{Classifier, ScoreError};
use lazaret_report::{Coverage, Finding, Unavailable};
use lazaret_sandbox::{Shot, Taken};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc;

/// A frame that models looked at.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) index: u32,
    pub(super) at_ms: u64,
    pub(super) taken: Taken,
    pub(super) labels: Labels,
    /// By these scores alone.
    pub(super) decision: Decision,
}

pub(super) struct Scored<'a> {
    judge: Option<Judge<'a>>,
    filename: Option<&'a str>,
    media_type: &'a str,
    /// By model its full labels.
    labels: Vec<Vec<String>>,
    /// By index.
    pub(super) frames: BTreeMap<u32, Frame>,
    /// A frame that could not be scored: nothing is known of the film then.
    pub(super) failure: Option<Coverage>,
}

impl<'a> Scored<'a> {
    pub(super) fn new(classifier: &Classifier, subject: &Subject<'a>, media_type: &'a str) -> Self {
        let full = |model: &lazaret_classify::Manifest| {
            model.output.labels.iter().map(|label| format!("{}.{label}", model.name)).collect()
        };
        Self {
            judge: subject.judge,
            filename: subject.filename,
            media_type,
            labels: classifier.models().iter().map(full).collect(),
            frames: BTreeMap::new(),
            failure: None,
        }
    }

    /// Scores every frame that comes, until one fails or settles it. Then no more are taken.
    pub(super) async fn take(
        &mut self,
        classifier: &Arc<Classifier>,
        mut shots: mpsc::Receiver<Shot>,
    ) -> Result<(), Unavailable> {
        let mut scored = 0;
        while let Some(Shot { index, at_ms, taken, target: model, pixels }) = shots.recv().await {
            let scores = match classifier.score(model, pixels).await {
                Ok(scores) => scores,
                Err(error) => return self.fail(error),
            };
            let names = self.labels.get(model).map(Vec::as_slice).unwrap_or_default();
            if names.len() != scores.len() || !scores.iter().all(|score| score.is_finite()) {
                let why = format!("model {model} gave no usable scores for the frame at {at_ms} ms");
                self.failure = Some(Coverage::failed("model.output", why));
                return Ok(());
            }
            let frame = self.frames.entry(index).or_insert_with(|| {
                scored = 0;
                Frame { index, at_ms, taken, labels: Labels::new(), decision: Decision::Publish }
            });
            frame.labels.extend(names.iter().cloned().zip(scores));
            scored += 1;
            // Once every model has had its say.
            if scored == self.labels.len() {
                let decision = self.judged(&self.frames[&index].labels);
                if let Some(frame) = self.frames.get_mut(&index) {
                    frame.decision = decision;
                }
                if is_final(decision) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, error: ScoreError) -> Result<(), Unavailable> {
        self.failure = Some(error.into_coverage()?);
        Ok(())
    }

    pub(super) fn judged(&self, labels: &Labels) -> Decision {
        self.judge.map_or(Decision::Publish, |judge| judge.of(self.media_type, self.filename, labels))
    }

    /// Some frame is enough for the hardest answer.
    pub(super) fn is_decided(&self) -> bool {
        self.frames.values().any(|frame| is_final(frame.decision))
    }

    /// The stretches around frames whose scores need only be `by` higher for a harder answer than there is so far: from
    /// the frame before to the frame behind, in milliseconds.
    pub(super) fn near(&self, by: f32) -> Vec<(u64, u64)> {
        let so_far = self.frames.values().map(|frame| frame.decision).max().unwrap_or(Decision::Publish);
        let mut in_time: Vec<&Frame> = self.frames.values().collect();
        in_time.sort_by_key(|frame| frame.at_ms);
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for (n, frame) in in_time.iter().enumerate() {
            if !self.is_near(frame, by, so_far) {
                continue;
            }
            let from = n.checked_sub(1).map_or(frame.at_ms, |before| in_time[before].at_ms);
            let to = in_time.get(n + 1).map_or(frame.at_ms, |behind| behind.at_ms);
            match spans.last_mut() {
                Some(last) if last.1 >= from => last.1 = to,
                _ => spans.push((from, to)),
            }
        }
        spans
    }

    /// Labels of which much is harmless are raised as well, so each is raised by itself.
    fn is_near(&self, frame: &Frame, by: f32, so_far: Decision) -> bool {
        if self.judge.is_none() {
            return false;
        }
        frame.labels.keys().any(|label| {
            let mut raised = frame.labels.clone();
            if let Some(score) = raised.get_mut(label) {
                *score = (*score + by).min(1.0);
            }
            self.judged(&raised) > so_far
        })
    }

    /// Worst score of each label.
    pub(super) fn worst(&self) -> Labels {
        let mut worst = Labels::new();
        for (label, score) in self.frames.values().flat_map(|frame| &frame.labels) {
            let high = worst.entry(label.clone()).or_insert(*score);
            *high = high.max(*score);
        }
        worst
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        told::findings(self)
    }
}
