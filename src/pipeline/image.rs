//! The image check: frames out of the child, through the models, to the worst score of each label.

use super::{
    Engines, Subject,
    frames::{Frame as Looked, Frames, Sheet},
};
use crate::upload::{
    Check, CheckResult, Likeness, Outcome,
    film::{FilmDetail, Sound},
    picture::{MetadataDetail, PictureDetail},
};
use lazaret_classify::{Classifier, FrameScores, ScoreError, Tally};
use lazaret_report::{Coverage, Engine, Report, Unavailable};
use lazaret_sandbox::{Budget, Frame, Metadata, Picture, PictureRequest, Resize, Session, Target};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc;

/// What the image check gave.
pub struct Seen {
    pub results: Vec<CheckResult>,
    pub labels: BTreeMap<String, f32>,
    /// Of the first frame.
    pub perceptual_hash: Option<Likeness>,
    /// Absent where the picture could not be decoded.
    pub picture: Option<Picture>,
    /// What is told of a picture with more than one frame, as of a film.
    pub animation: Option<FilmDetail>,
    pub sheet: Option<Sheet>,
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

/// What people are told of it.
pub(super) fn detail(picture: &Picture) -> PictureDetail {
    let Metadata { maker, model, software, taken, located } = picture.metadata.clone().bounded();
    let camera = [maker, model].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let camera = (!camera.is_empty()).then_some(camera);
    let said = MetadataDetail { camera, software, taken, located };
    PictureDetail {
        width: picture.width,
        height: picture.height,
        frames: picture.frames_total.unwrap_or(picture.frames_seen),
        metadata: (said != MetadataDetail::default()).then_some(said),
    }
}

/// The program behind a session. It is asked before it is given a file to die of.
pub(super) fn child(session: &Session) -> Engine {
    let version = session.version();
    let name = version.split_once('/').map_or(version, |(name, _)| name);
    Engine::new(name, version)
}

pub async fn look(
    engines: &Engines,
    session: &mut Session,
    budget: Budget,
    subject: &Subject<'_>,
    media_type: &str,
) -> Result<Seen, Unavailable> {
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
            let outcome = Outcome::Looked(trouble.coverage());
            let result = CheckResult { outcome, ..failed(Some(child)) };
            return Ok(Seen {
                results: vec![result],
                labels: BTreeMap::new(),
                perceptual_hash: None,
                picture: None,
                animation: None,
                sheet: None,
            });
        }
    };
    let mut frames = Frames::new(subject, media_type);
    let coverage = match scored {
        Ok((tally, times)) => match tally.finish(times.keys().copied()) {
            Ok(scores) => {
                gather(&mut frames, scores.frames, &times);
                picture.coverage.clone()
            }
            Err(why) => Coverage::Failed(why),
        },
        Err(coverage) => coverage,
    };
    let labels = frames.worst();
    let animation = (picture.frames_seen > 1).then(|| animation(&picture));
    let (mut findings, sheet) = if frames.by_index.len() > 1 {
        frames.judge_all();
        (frames.findings("image.label"), frames.sheet(session).await)
    } else {
        (frames.placed("image.label"), None)
    };
    let results = classifier
        .engines()
        .into_iter()
        .map(|engine| {
            let findings = std::mem::take(&mut findings);
            let report = Report { engine, coverage: coverage.clone(), findings };
            CheckResult::looked(Check::Image, report)
        })
        .collect();
    Ok(Seen { results, labels, perceptual_hash, picture: Some(picture), animation, sheet })
}

/// The frames of a picture with their scores and times.
fn gather(frames: &mut Frames<'_>, scores: Vec<FrameScores>, times: &BTreeMap<u32, u64>) {
    for FrameScores { frame, labels, regions } in scores {
        let at_ms = times.get(&frame).copied().unwrap_or_default();
        frames.by_index.insert(frame, Looked { labels, regions, ..Looked::new(frame, at_ms, None) });
    }
}

fn animation(picture: &Picture) -> FilmDetail {
    let Picture { width, height, duration_ms, frames_seen, frames_total, .. } = *picture;
    FilmDetail {
        width,
        height,
        duration_ms,
        frames_seen,
        frames_total: u64::from(frames_total.unwrap_or(frames_seen)),
        sound: Sound::None,
        sheet: None,
    }
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

/// The scores, and when each frame is shown, in milliseconds.
type Scored = Result<(Tally, BTreeMap<u32, u64>), Coverage>;

/// Scores every frame that comes, and takes the first one's [`Likeness`]. After a failure the rest is taken and dropped, so that the child is not left waiting.
async fn score(
    classifier: &Arc<Classifier>,
    mut frames: mpsc::Receiver<Frame>,
) -> Result<(Scored, Option<Likeness>), Unavailable> {
    let targets = classifier.targets();
    let mut first = None;
    let mut tally = Tally::new(classifier);
    let mut times = BTreeMap::new();
    let mut failure: Option<Result<Coverage, Unavailable>> = None;
    while let Some(frame) = frames.recv().await {
        if failure.is_some() {
            continue;
        }
        let Frame { index, at_ms, target: model, pixels, .. } = frame;
        if times.insert(index, at_ms).is_none() && index == 0 {
            first = targets
                .get(model)
                .and_then(|of| Likeness::of(&pixels, of.width as usize, of.height as usize));
        }
        let scored = match classifier.score(model, pixels).await {
            Ok(answer) => tally.add(index, model, answer).map_err(ScoreError::Failed),
            Err(error) => Err(error),
        };
        failure = scored.err().map(ScoreError::into_coverage);
    }
    match failure {
        None => Ok((Ok((tally, times)), first)),
        Some(Ok(coverage)) => Ok((Err(coverage), first)),
        Some(Err(unavailable)) => Err(unavailable),
    }
}
