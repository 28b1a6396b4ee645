//! Scores of a film's frames, and what the policy makes of each.

use super::is_final;
use crate::{
    pipeline::{
        Subject,
        frames::{Frame, Frames},
    },
    upload::Decision,
};
use lazaret_classify::{Answer, Classifier, ScoreError};
use lazaret_report::{Coverage, Unavailable};
use lazaret_sandbox::Shot;
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) struct Scored<'a> {
    pub(super) frames: Frames<'a>,
    /// By model its full labels.
    labels: Vec<Vec<String>>,
    /// A frame that could not be scored: nothing is known of the film then.
    pub(super) failure: Option<Coverage>,
}

impl<'a> Scored<'a> {
    pub(super) fn new(classifier: &Classifier, subject: &Subject<'a>, media_type: &'a str) -> Self {
        let full = |model: &lazaret_classify::Manifest| {
            model.output.labels.iter().map(|label| format!("{}.{label}", model.name)).collect()
        };
        Self {
            frames: Frames::new(subject, media_type),
            labels: classifier.models().iter().map(full).collect(),
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
            let Answer { scores, parts } = match classifier.score(model, pixels).await {
                Ok(answer) => answer,
                Err(error) => return self.fail(error),
            };
            let names = self.labels.get(model).map(Vec::as_slice).unwrap_or_default();
            if names.len() != scores.len() || !scores.iter().all(|score| score.is_finite()) {
                let why = format!("model {model} gave no usable scores for the frame at {at_ms} ms");
                self.failure = Some(Coverage::failed("model.output", why));
                return Ok(());
            }
            let frame = self.frames.by_index.entry(index).or_insert_with(|| {
                scored = 0;
                Frame::new(index, at_ms, Some(taken))
            });
            frame.labels.extend(names.iter().cloned().zip(scores));
            for part in parts {
                frame.regions.entry(names[part.label].clone()).or_default().push(part.region);
            }
            scored += 1;
            // Once every model has had its say.
            if scored == self.labels.len() && is_final(self.frames.judge(index)) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn fail(&mut self, error: ScoreError) -> Result<(), Unavailable> {
        self.failure = Some(error.into_coverage()?);
        Ok(())
    }

    /// Some frame is enough for the hardest answer.
    pub(super) fn is_decided(&self) -> bool {
        self.frames.by_index.values().any(|frame| is_final(frame.decision))
    }

    /// The stretches around frames whose scores need only be `by` higher for a harder answer than there is so far: from
    /// the frame before to the frame behind, in milliseconds.
    pub(super) fn near(&self, by: f32) -> Vec<(u64, u64)> {
        let in_time = self.frames.in_time();
        let so_far = in_time.iter().map(|frame| frame.decision).max().unwrap_or(Decision::Publish);
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
        if !self.frames.has_judge() {
            return false;
        }
        frame.labels.keys().any(|label| {
            let mut raised = frame.labels.clone();
            if let Some(score) = raised.get_mut(label) {
                *score = (*score + by).min(1.0);
            }
            self.frames.judged(&raised) > so_far
        })
    }
}
