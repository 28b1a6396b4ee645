//! The image check: frames out of the child, through the models, to the worst score of each label.

use super::Engines;
use crate::upload::{Check, CheckResult, Likeness};
use lazaret_classify::{Classifier, ScoreError, Tally};
use lazaret_report::{Coverage, Engine, Report, Unavailable};
use lazaret_sandbox::{Budget, Frame, Picture, PictureRequest, Resize, Session, Target};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::mpsc;

/// What the image check gave.
pub struct Seen {
    pub results: Vec<CheckResult>,
    pub labels: BTreeMap<String, f32>,
    /// Of the first frame.
    pub perceptual_hash: Option<Likeness>,
    /// Absent where the picture could not be decoded.
    pub picture: Option<Picture>,
}

/// Frames that wait for a model: enough to keep decoder and model both busy.
const FRAMES_IN_FLIGHT: usize = 4;

/// Types whose pixels a child can give.
pub fn is_decodable(media_type: &str) -> bool {
    is_written(media_type) || is_coded_as_films(media_type)
}

/// Those that `lazaret-media` decodes, and that copies are of.
pub(super) fn is_written(media_type: &str) -> bool {
    matches!(media_type, "image/jpeg" | "image/png" | "image/apng" | "image/gif" | "image/webp")
}

/// Those that `lazaret-video` decodes.
pub fn is_coded_as_films(media_type: &str) -> bool {
    matches!(media_type, "image/avif" | "image/heic" | "image/heif")
}

/// The program behind a session. It is asked before it is given a file to die of.
pub(super) fn child(session: &Session) -> Engine {
    let version = session.version();
    let name = version.split_once('/').map_or(version, |(name, _)| name);
    Engine::new(name, version)
}

pub async fn look(engines: &Engines, session: &mut Session, budget: Budget) -> Result<Seen, Unavailable> {
    let classifier = engines.classifiers.get().await?;
    let request = PictureRequest {
        targets: classifier.targets().iter().map(target).collect(),
        max_frames: budget.max_frames,
        max_pixels: budget.max_pixels,
        max_total_pixels: budget.max_total_pixels,
    };
    let child = child(session);
    let (sender, receiver) = mpsc::channel(FRAMES_IN_FLIGHT);
    let decode = async {
        let decoded = session.picture(&request, &sender).await;
        drop(sender);
        decoded
    };
    let (decoded, scored) = tokio::join!(decode, score(&classifier, receiver));
    let (scored, perceptual_hash) = scored?;
    let picture = match decoded {
        Ok(picture) => picture,
        Err(trouble) => {
            let outcome = crate::upload::Outcome::Looked(trouble.coverage());
            let result = CheckResult { outcome, ..failed(Some(child)) };
            return Ok(Seen {
                results: vec![result],
                labels: BTreeMap::new(),
                perceptual_hash: None,
                picture: None,
            });
        }
    };
    let (coverage, labels) = match scored {
        Ok((tally, frames)) => match tally.finish(frames) {
            Ok(scores) => {
                let labels = scores.worst.iter().map(|(label, worst)| (label.clone(), worst.score)).collect();
                (picture.coverage.clone(), labels)
            }
            Err(why) => (Coverage::Failed(why), BTreeMap::new()),
        },
        Err(coverage) => (coverage, BTreeMap::new()),
    };
    let results = classifier
        .engines()
        .into_iter()
        .map(|engine| {
            let report = Report { engine, coverage: coverage.clone(), findings: Vec::new() };
            CheckResult::looked(Check::Image, report)
        })
        .collect();
    Ok(Seen { results, labels, perceptual_hash, picture: Some(picture) })
}

fn failed(engine: Option<Engine>) -> CheckResult {
    CheckResult::failed(Check::Image, engine, "media.failed", "")
}

pub(super) fn target(target: &lazaret_classify::Target) -> Target {
    let resize = match target.resize {
        lazaret_classify::Resize::BilinearAlignCorners => Resize::BilinearAlignCorners,
    };
    Target { width: target.width, height: target.height, resize }
}

type Scored = Result<(Tally, BTreeSet<u32>), Coverage>;

/// Scores every frame that comes, and takes the first one's [`Likeness`]. After a failure the rest is taken and dropped, so that the child is not left waiting.
async fn score(
    classifier: &Arc<Classifier>,
    mut frames: mpsc::Receiver<Frame>,
) -> Result<(Scored, Option<Likeness>), Unavailable> {
    let targets = classifier.targets();
    let mut first = None;
    let mut tally = Tally::new(classifier);
    let mut indices = BTreeSet::new();
    let mut failure: Option<Result<Coverage, Unavailable>> = None;
    while let Some(frame) = frames.recv().await {
        if failure.is_some() {
            continue;
        }
        let Frame { index, target: model, pixels, .. } = frame;
        if indices.insert(index) && index == 0 {
            first = targets
                .get(model)
                .and_then(|of| Likeness::of(&pixels, of.width as usize, of.height as usize));
        }
        let scored = match classifier.score(model, pixels).await {
            Ok(scores) => tally.add(index, model, &scores).map_err(ScoreError::Failed),
            Err(error) => Err(error),
        };
        failure = scored.err().map(ScoreError::into_coverage);
    }
    match failure {
        None => Ok((Ok((tally, indices)), first)),
        Some(Ok(coverage)) => Ok((Err(coverage), first)),
        Some(Err(unavailable)) => Err(unavailable),
    }
}
