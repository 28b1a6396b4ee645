//! The video check: frames out of the child, through the models, to the worst score of each label, where it was, and a
//! contact sheet.

mod scoring;

use super::{Engines, Subject, frames::Sheet, image};
use crate::upload::{
    Check, CheckResult, Decision, Outcome,
    film::{FilmDetail, Sound},
};
use lazaret_classify::Classifier;
use lazaret_report::{Coverage, Engine, Report, Unavailable};
use lazaret_sandbox::{Film, FilmRequest, Session, Shot, Trouble};
use scoring::Scored;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// How films are looked at, as `[video]` in the settings.
#[derive(Clone)]
pub struct Films {
    /// Nobody who makes a film knows it, so nobody can try out where looks at random will fall.
    pub secret: [u8; 32],
    /// The longest time between two frames that are looked at.
    pub max_gap: Duration,
    /// The same near a frame that is close to a threshold.
    pub near_gap: Duration,
    /// How much higher the scores of a frame would have to be for the policy to say something harder.
    pub near: f32,
    /// One frame of each stretch so long stands at an instant that nobody can foresee.
    pub random_every: Duration,
    pub max_frames: u32,
    pub max_pixels: u64,
    /// Processor time of the child.
    pub time: Duration,
}

/// What the video check gave.
pub(super) struct Seen {
    pub(super) results: Vec<CheckResult>,
    pub(super) labels: BTreeMap<String, f32>,
    pub(super) film: Option<FilmDetail>,
    pub(super) sheet: Option<Sheet>,
}

/// Types whose films the child can decode.
pub fn is_decodable(media_type: &str) -> bool {
    matches!(
        media_type,
        "video/mp4"
            | "video/quicktime"
            | "video/x-m4v"
            | "video/3gpp"
            | "video/3gpp2"
            | "video/webm"
            | "video/x-matroska"
    )
}

/// Sound alone, of which `lazaret-video` makes copies for people to listen to. No model does.
pub fn is_sound(media_type: &str) -> bool {
    matches!(
        media_type,
        "audio/mpeg"
            | "audio/ogg"
            | "audio/opus"
            | "application/ogg"
            | "audio/wav"
            | "audio/mp4"
            | "audio/webm"
            | "audio/x-matroska"
    )
}

/// Frames that wait for a model.
const FRAMES_IN_FLIGHT: usize = 4;

pub(super) async fn look(
    engines: &Engines,
    session: &mut Session,
    films: &Films,
    subject: &Subject<'_>,
    media_type: &str,
) -> Result<Seen, Unavailable> {
    let classifier = engines.classifiers.get().await?;
    let mut request = FilmRequest {
        targets: classifier.targets().iter().map(image::target).collect(),
        max_gap_ms: millis(films.max_gap),
        max_frames: films.max_frames,
        max_pixels: films.max_pixels,
        max_cpu_ms: millis(films.time),
        random_every_ms: millis(films.random_every),
        seed: seed(&films.secret, subject.sha256),
        spans: Vec::new(),
    };
    let mut scored = Scored::new(&classifier, subject, media_type);
    let mut film = match pass(&classifier, session, &request, &mut scored).await? {
        Ok(film) => film,
        Err(trouble) => return Ok(failed(session, &trouble)),
    };
    // All of them: what there are no frames left for is `limit.frames`.
    let spans = scored.near(films.near);
    let left = films.max_frames.saturating_sub(film.frames_seen);
    if !scored.is_decided() && scored.failure.is_none() && !spans.is_empty() {
        request = FilmRequest { max_gap_ms: millis(films.near_gap), max_frames: left, spans, ..request };
        match pass(&classifier, session, &request, &mut scored).await? {
            Ok(closer) => {
                film.frames_seen += closer.frames_seen;
                film.coverage = film.coverage.and(closer.coverage);
            }
            Err(trouble) => film.coverage = film.coverage.and(trouble.coverage()),
        }
    }
    let sheet = scored.frames.sheet(session).await;
    Ok(told(&classifier, scored, film, sheet))
}

/// One request, and the scores of what comes.
async fn pass(
    classifier: &Arc<Classifier>,
    session: &mut Session,
    request: &FilmRequest,
    scored: &mut Scored<'_>,
) -> Result<Result<Film, Trouble>, Unavailable> {
    let (sender, receiver): (_, mpsc::Receiver<Shot>) = mpsc::channel(FRAMES_IN_FLIGHT);
    let (film, done) = tokio::join!(session.film(request, sender), scored.take(classifier, receiver));
    done?;
    Ok(film)
}

fn told(classifier: &Classifier, scored: Scored<'_>, film: Film, sheet: Option<Sheet>) -> Seen {
    let Film { width, height, duration_ms, frames_seen, frames_total, sound, coverage, .. } = film;
    let (findings, labels) = (scored.frames.findings("video.label"), scored.frames.worst());
    let (coverage, labels) = match scored.failure {
        Some(failure) => (failure, BTreeMap::new()),
        None => (coverage, labels),
    };
    let mut findings = Some(findings);
    let result = |engine| {
        let findings = findings.take().unwrap_or_default();
        CheckResult::looked(Check::Video, Report { engine, coverage: coverage.clone(), findings })
    };
    let results = classifier.engines().into_iter().map(result).collect();
    let sound = if sound { Sound::NotChecked } else { Sound::None };
    let film = FilmDetail { width, height, duration_ms, frames_seen, frames_total, sound, sheet: None };
    Seen { results, labels, film: Some(film), sheet }
}

fn failed(session: &Session, trouble: &Trouble) -> Seen {
    let result = CheckResult {
        check: Check::Video,
        engine: Some(Engine::new("lazaret-video", session.version())),
        outcome: Outcome::Looked(trouble.coverage()),
        findings: Vec::new(),
    };
    Seen { results: vec![result], labels: BTreeMap::new(), film: None, sheet: None }
}

/// A film in a container that nobody opens here.
pub(super) fn unsupported(media_type: &str) -> CheckResult {
    let why = format!("{media_type} cannot be decoded");
    let outcome = Outcome::Looked(Coverage::failed("video.unsupported", why));
    CheckResult { check: Check::Video, engine: None, outcome, findings: Vec::new() }
}

/// The same frames each time that this process looks at the same bytes, so that nobody gains by sending them again.
fn seed(secret: &[u8; 32], sha256: &str) -> u64 {
    let digest = Sha256::new().chain_update(secret).chain_update(sha256).finalize();
    digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Nothing that comes after it would make it milder.
fn is_final(decision: Decision) -> bool {
    decision == Decision::Quarantine
}

#[cfg(test)]
mod tests {
    use super::seed;

    #[test]
    fn a_seed_hangs_on_the_bytes_and_on_what_only_this_process_knows() {
        let (own, other, file) = ([1; 32], [2; 32], "ab".repeat(32));
        assert_eq!(seed(&own, &file), seed(&own, &file));
        assert_ne!(seed(&own, &file), seed(&other, &file));
        assert_ne!(seed(&own, &file), seed(&own, &"ac".repeat(32)));
    }
}
