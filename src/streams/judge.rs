//! One frame to its scores: out of a child, through the models.

use super::frame::Frame;
use crate::pipeline::Classifiers;
use async_trait::async_trait;
use lazaret_classify::{Classifier, ScoreError, Tally};
use lazaret_report::{Coverage, Unavailable, Why};
use lazaret_sandbox::{PictureRequest, Pool, Resize, Target, Trouble, Variant};
use rustix::fs::MemfdFlags;
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// What was seen on a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// By `model.label`.
    pub scores: BTreeMap<String, f32>,
    /// The picture as the first model got it, to tell a change of scene by.
    pub sample: Vec<f32>,
}

/// Why a frame has no scores. It then counts for nothing, and never as clean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unjudged {
    /// The frame's own fault.
    #[error("{0}")]
    Frame(Why),
    /// No frame can be judged just now.
    #[error(transparent)]
    Engine(#[from] Unavailable),
}

/// Who judges: [`Eyes`], or in a test somebody who does as the test says.
#[async_trait]
pub trait Judge: Send + Sync + 'static {
    async fn judge(&self, frame: &Frame) -> Result<Opinion, Unjudged>;
}

/// The children and models.
pub struct Eyes {
    /// Children of the streams' own: whatever stored work waits for, these do not.
    pub children: Pool,
    pub classifiers: Classifiers,
    /// Of a frame; a larger one is refused by its header.
    pub max_pixels: u64,
    /// For one frame, whatever it is made of.
    pub deadline: Duration,
}

/// Values that wait for a model: a frame's variants.
const IN_FLIGHT: usize = 4;

#[async_trait]
impl Judge for Eyes {
    async fn judge(&self, frame: &Frame) -> Result<Opinion, Unjudged> {
        let way = Way::default();
        // Given up in the middle, a child is killed.
        let looked = tokio::time::timeout(self.deadline, self.look(frame, &way)).await;
        looked.unwrap_or_else(|_| Err(way.stage().late(self.deadline, Instant::now())))
    }
}

/// How far a frame has come.
#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    /// No child has it.
    #[default]
    Waiting,
    /// A child has had it since then, and nothing of it waits for models.
    Decoding(Instant),
    /// It is the models' turn.
    Scoring,
}

impl Stage {
    /// Why one has no scores whose time is over. What it had to wait for is not its own fault: a child, models, or a machine
    /// with too much to do.
    fn late(self, deadline: Duration, now: Instant) -> Unjudged {
        let within = |what: &str| format!("{what} within {} ms", deadline.as_millis());
        let busy = |what: &str| Unjudged::Engine(Unavailable::new("streams", within(what)));
        match self {
            Self::Decoding(since) if now.duration_since(since) >= deadline / 2 => {
                Unjudged::Frame(Why::new("frame.deadline", within("it was not decoded")))
            }
            Self::Waiting | Self::Decoding(_) => busy("a frame had no child to decode it"),
            Self::Scoring => busy("a frame was not judged by the models"),
        }
    }
}

/// A frame's stage, for who gives it up.
#[derive(Default)]
struct Way(Mutex<Stage>);

impl Way {
    fn comes_to(&self, stage: Stage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn stage(&self) -> Stage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Eyes {
    /// What is unavailable; empty when frames can be judged.
    pub async fn troubles(&self) -> Vec<Unavailable> {
        let mut troubles: Vec<_> = self.classifiers.get().await.err().into_iter().collect();
        troubles.extend(self.children.check().await.err());
        troubles
    }

    async fn look(&self, frame: &Frame, way: &Way) -> Result<Opinion, Unjudged> {
        let classifier = self.classifiers.get().await?;
        let request = PictureRequest {
            targets: classifier.targets().iter().map(target).collect(),
            max_frames: 1,
            max_pixels: self.max_pixels,
            max_total_pixels: self.max_pixels,
        };
        let unwritten = |e: std::io::Error| Unavailable::new("streams", format!("a frame has no room: {e}"));
        let file = in_memory(&frame.bytes).map_err(unwritten)?;
        let mut session = self.children.open(&file, frame.bytes.len() as u64, frame.media_type).await?;
        way.comes_to(Stage::Decoding(Instant::now()));
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let decode = async move {
            let decoded = session.picture(&request, &sender).await;
            way.comes_to(Stage::Scoring);
            // The child is free while the models still run.
            drop((session, sender));
            decoded
        };
        let (decoded, scored) = tokio::join!(decode, score(&classifier, receiver, way));
        // One that was decoded in part shows what its publisher wants it to.
        match decoded.map(|picture| picture.coverage).unwrap_or_else(|trouble: Trouble| trouble.coverage()) {
            Coverage::Complete => {}
            Coverage::Partial(why) | Coverage::Failed(why) => return Err(Unjudged::Frame(why)),
        }
        let (tally, sample) = scored?;
        let scores = tally.finish([0]).map_err(Unjudged::Frame)?;
        Ok(Opinion {
            scores: scores.worst.into_iter().map(|(label, worst)| (label, worst.score)).collect(),
            sample,
        })
    }
}

async fn score(
    classifier: &Classifier,
    mut frames: mpsc::Receiver<lazaret_sandbox::Frame>,
    way: &Way,
) -> Result<(Tally, Vec<f32>), Unjudged> {
    let (mut tally, mut sample, mut failure) = (Tally::new(classifier), Vec::new(), None);
    while let Some(frame) = frames.recv().await {
        // While the models have it, a child that has more may only wait.
        way.comes_to(Stage::Scoring);
        // Taken and dropped, so that the child is not left waiting.
        if failure.is_some() {
            continue;
        }
        if frame.target == 0 && frame.variant == Variant::AlphaDropped {
            sample.clone_from(&frame.pixels);
        }
        let scored = match classifier.score_first(frame.target, frame.pixels).await {
            Ok(answer) => tally.add(frame.index, frame.target, answer).map_err(ScoreError::Failed),
            Err(error) => Err(error),
        };
        failure = scored.err();
        if frames.is_empty() && !frames.is_closed() {
            way.comes_to(Stage::Decoding(Instant::now()));
        }
    }
    match failure {
        None => Ok((tally, sample)),
        Some(ScoreError::Failed(why)) => Err(Unjudged::Frame(why)),
        Some(ScoreError::Unavailable(unavailable)) => Err(unavailable.into()),
    }
}

fn target(target: &lazaret_classify::Target) -> Target {
    let resize = match target.resize {
        lazaret_classify::Resize::BilinearAlignCorners => Resize::BilinearAlignCorners,
    };
    Target { width: target.width, height: target.height, resize }
}

/// A frame never touches a disk on its way to a child.
fn in_memory(bytes: &[u8]) -> std::io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("frame", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: on a machine with too much to do frames counted as broken, and their streams were undecodable.
    #[test]
    fn what_a_frame_waits_for_is_not_its_own_fault() {
        let (deadline, now) = (Duration::from_secs(2), Instant::now());
        let since = |ms| Stage::Decoding(now.checked_sub(Duration::from_millis(ms)).unwrap());
        for (stage, its_own) in [
            (Stage::Waiting, false),
            (since(0), false),
            (since(900), false),
            (since(1000), true),
            (since(1990), true),
            (Stage::Scoring, false),
        ] {
            let late = stage.late(deadline, now);
            assert_eq!(matches!(late, Unjudged::Frame(_)), its_own, "{stage:?}: {late}");
            assert!(late.to_string().contains("2000 ms"), "{late}");
        }
    }
}
