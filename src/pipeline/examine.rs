//! All checks of one file. The same code serves `lazaret scan` and the service.

use super::{
    Archives, Engines, Judge, TypeRules, content,
    frames::Sheet,
    image::{self, Seen},
    members::{Place, Run, fold},
    video::{self, Films},
};
use crate::upload::{
    Check, CheckResult, KnownBad, Likeness, Outcome, Plan, film::FilmDetail, known::KNOWN_BAD,
    plan::SwitchedOff, verdict::Examined,
};
use async_trait::async_trait;
use lazaret_inspect::{Declared, Identified, identify_picture};
use lazaret_report::{Coverage, Engine, Finding, Report, Unavailable};
use lazaret_sandbox::{Budget, Picture, Session};
use std::{
    collections::BTreeMap,
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};

/// What to do when an engine is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Say so: the upload will be examined again. The service does this.
    Wait,
    /// Count the check as failed: there is no later. `lazaret scan` does this.
    GoOn,
}

/// One file to examine, and what is said of it.
pub struct Subject<'a> {
    pub file: &'a File,
    /// Bytes, as they were hashed.
    pub size: u64,
    /// Lower-case hex, as they were hashed.
    pub sha256: &'a str,
    pub declared: Option<&'a str>,
    pub filename: Option<&'a str>,
    /// What the policy says of single frames, where films are looked at with its eyes.
    pub judge: Option<Judge<'a>>,
}

/// What was learnt, and the child that may still hold the decoded picture.
pub struct Examination {
    pub examined: Examined,
    /// How long each check took.
    pub times: Vec<(Check, Duration)>,
    /// Absent where there is no picture, or the child died on it.
    pub picture: Option<(Session, Picture)>,
    /// The child that looked at the film.
    pub film: Option<Session>,
    pub sheet: Option<Sheet>,
}

/// The engines and the settings of the checks.
#[derive(Clone)]
pub struct Examiner {
    pub engines: Engines,
    pub types: TypeRules,
    pub off: Vec<SwitchedOff>,
    pub budget: Budget,
    pub films: Films,
    pub archives: Archives,
    pub known: Arc<KnownBad>,
    pub patience: Patience,
}

/// Who examines: an [`Examiner`], or in a benchmark something that costs nothing, so that what is around it shows.
#[async_trait]
pub trait Examine: Send + Sync + 'static {
    async fn examine(&self, subject: &Subject<'_>) -> Result<Examination, Unavailable>;
    /// What checks the copies that are made of a published picture.
    fn engines(&self) -> &Engines;
}

#[async_trait]
impl Examine for Examiner {
    async fn examine(&self, subject: &Subject<'_>) -> Result<Examination, Unavailable> {
        Self::examine(self, subject).await
    }

    fn engines(&self) -> &Engines {
        &self.engines
    }
}

impl Examiner {
    pub async fn examine(&self, subject: &Subject<'_>) -> Result<Examination, Unavailable> {
        self.examine_at(subject, &Place::default(), &mut Run::new(&self.archives)).await
    }

    /// As [`Self::examine`], of an upload or of a member of one, under what is left to the whole upload.
    pub(super) async fn examine_at(
        &self,
        subject: &Subject<'_>,
        place: &Place,
        run: &mut Run,
    ) -> Result<Examination, Unavailable> {
        let began = Instant::now();
        let (media_type, by_magic, typed) = self.first_look(subject).await?;
        let mut times = vec![(Check::Type, began.elapsed())];
        let plan = place.plan(&media_type, &self.off);
        let (antivirus, content) =
            tokio::join!(self.antivirus(&plan, subject), self.content(&plan, subject, &media_type, place));
        let (antivirus, mut content) = (antivirus?, content?);
        let mut results = Vec::new();
        if by_magic && !is_walked(&content.results) {
            let began = Instant::now();
            results.push(self.identify(subject).await?.1);
            times.push((Check::Type, began.elapsed()));
        } else {
            results.push(typed);
        }
        let tenant = subject.judge.map(|judge| judge.tenant).filter(|tenant| !tenant.is_empty());
        if self.known.has_hex(tenant, subject.sha256)
            && let Some(result) = results.first_mut()
        {
            let detail = "these very bytes stand on a list of what is known to be bad";
            result.findings.push(Finding::new(KNOWN_BAD, detail));
        }
        if let Some((result, took)) = antivirus {
            results.push(result);
            times.push((Check::Antivirus, took));
        }
        times.extend(content.times);
        results.extend(content.results);
        if is_archive(&media_type) {
            let began = Instant::now();
            let inside = self.inside(subject, &media_type, place, run).await?;
            times.push((Check::Structure, began.elapsed()));
            fold(inside, &plan, &mut results, &mut content.labels);
        }
        results.extend(plan.not_applicable());
        results.sort_by_key(|result| result.check);
        let examined = Examined {
            sha256: subject.sha256.to_owned(),
            size: subject.size,
            media_type,
            declared: subject.declared.map(str::to_owned),
            plan,
            results,
            labels: content.labels,
            film: content.detail,
            picture: content.picture.as_ref().map(|(_, picture)| image::detail(picture)),
            perceptual_hash: content.perceptual_hash,
        };
        let Content { picture, film, sheet, .. } = content;
        Ok(Examination { examined, times, picture, film, sheet })
    }

    /// The media type and its check; for pictures by magic bytes alone, until their walk is known.
    async fn first_look(&self, subject: &Subject<'_>) -> Result<(String, bool, CheckResult), Unavailable> {
        let declared = Declared { media_type: subject.declared, filename: subject.filename };
        if let Ok(Some(identified)) = identify_picture(subject.file, declared) {
            let (media_type, result) = self.judged(identified, subject);
            return Ok((media_type, true, result));
        }
        let (media_type, result) = self.identify(subject).await?;
        Ok((media_type, false, result))
    }

    /// By magic bytes and content model together.
    async fn identify(&self, subject: &Subject<'_>) -> Result<(String, CheckResult), Unavailable> {
        match self.engines.content.identify(subject.file, subject.declared, subject.filename).await {
            Ok(identified) => Ok(self.judged(identified, subject)),
            Err(trouble) => Ok((content::by_magic(subject.file), self.give_up(Check::Type, trouble)?)),
        }
    }

    fn judged(&self, identified: Identified, subject: &Subject<'_>) -> (String, CheckResult) {
        let Identified { media_type, mut report } = identified;
        report.findings.extend(self.types.judge(&media_type, subject.size));
        (media_type, CheckResult::looked(Check::Type, report))
    }

    /// With [`Patience::Wait`] the trouble itself, else the check as failed.
    pub(super) fn give_up(&self, check: Check, trouble: Unavailable) -> Result<CheckResult, Unavailable> {
        match self.patience {
            Patience::Wait => Err(trouble),
            Patience::GoOn => {
                let engine = Engine::new(trouble.engine.clone(), "unavailable");
                Ok(CheckResult::failed(check, Some(engine), "engine.unavailable", trouble.why))
            }
        }
    }

    async fn antivirus(
        &self,
        plan: &Plan,
        subject: &Subject<'_>,
    ) -> Result<Option<(CheckResult, Duration)>, Unavailable> {
        if !plan.requires(Check::Antivirus) {
            return Ok(None);
        }
        let began = Instant::now();
        let scanned =
            self.engines.antivirus.scan_keyed(Some(subject.sha256), subject.file, subject.size).await;
        let result = match scanned {
            Ok(report) => CheckResult::looked(Check::Antivirus, report),
            Err(trouble) => self.give_up(Check::Antivirus, trouble)?,
        };
        Ok(Some((result, began.elapsed())))
    }

    /// Structure, image and video: what the child does.
    async fn content(
        &self,
        plan: &Plan,
        subject: &Subject<'_>,
        media_type: &str,
        place: &Place,
    ) -> Result<Content, Unavailable> {
        let mut content = Content::default();
        let walked_as = place.walked_as(media_type);
        let walk = plan.requires(Check::Structure) && lazaret_inspect::has_walk(walked_as);
        let pictures = plan.requires(Check::Image) && image::is_decodable(media_type);
        if plan.requires(Check::Structure) && !walk {
            let why = format!("the containers of {media_type} cannot be walked yet");
            content.results.push(CheckResult::failed(Check::Structure, None, "structure.unsupported", why));
        }
        if plan.requires(Check::Image) && is_archive(media_type) {
            // Until its members say otherwise.
            content.results.push(pictures_of_members());
        } else if plan.requires(Check::Image) && !pictures {
            content.results.push(without_pictures(media_type));
        }
        let film = plan.requires(Check::Video) && video::is_decodable(media_type);
        if plan.requires(Check::Video) && !film {
            content.results.push(video::unsupported(media_type));
        }
        let apart = pictures && image::is_coded_as_films(media_type);
        if walk || pictures && !apart {
            self.pictures(&mut content, (walk, pictures && !apart), subject, walked_as).await?;
        }
        if apart {
            self.picture(&mut content, subject, media_type).await?;
        }
        if film {
            let began = Instant::now();
            self.film(&mut content, subject, media_type).await?;
            content.times.push((Check::Video, began.elapsed()));
        }
        if place.is_within() {
            embedded(&mut content);
        }
        Ok(content)
    }

    /// The walk, and pictures, which one child does. It is free again where there are none.
    async fn pictures(
        &self,
        content: &mut Content,
        (walk, pictures): (bool, bool),
        subject: &Subject<'_>,
        media_type: &str,
    ) -> Result<(), Unavailable> {
        let mut session = match self.engines.media.open(subject.file, subject.size, media_type).await {
            Ok(session) => session,
            Err(trouble) => {
                for (check, wanted) in [(Check::Structure, walk), (Check::Image, pictures)] {
                    if wanted {
                        content.results.push(self.give_up(check, trouble.clone())?);
                    }
                }
                return Ok(());
            }
        };
        let mut began = Instant::now();
        if walk {
            let engine = Engine::new(lazaret_inspect::ENGINE, session.version());
            content.results.push(match session.walk().await {
                Ok(report) => CheckResult::looked(Check::Structure, report),
                Err(trouble) => CheckResult::looked(
                    Check::Structure,
                    Report { engine, coverage: trouble.coverage(), findings: Vec::new() },
                ),
            });
        }
        if walk {
            content.times.push((Check::Structure, began.elapsed()));
            began = Instant::now();
        }
        if pictures {
            self.look(content, session, subject, media_type, began).await?;
        }
        Ok(())
    }

    /// A picture that another child decodes than the one that walks.
    async fn picture(
        &self,
        content: &mut Content,
        subject: &Subject<'_>,
        media_type: &str,
    ) -> Result<(), Unavailable> {
        let began = Instant::now();
        match self.engines.pictures(media_type).open(subject.file, subject.size, media_type).await {
            Ok(session) => self.look(content, session, subject, media_type, began).await,
            Err(trouble) => {
                content.results.push(self.give_up(Check::Image, trouble)?);
                Ok(())
            }
        }
    }

    async fn look(
        &self,
        content: &mut Content,
        mut session: Session,
        subject: &Subject<'_>,
        media_type: &str,
        began: Instant,
    ) -> Result<(), Unavailable> {
        match image::look(&self.engines, &mut session, self.budget, subject, media_type).await {
            Ok(Seen { results, labels, perceptual_hash, picture, animation, sheet }) => {
                content.results.extend(results);
                content.labels = labels;
                content.perceptual_hash = perceptual_hash;
                content.picture = picture.map(|picture| (session, picture));
                content.detail = animation;
                content.sheet = sheet;
            }
            Err(trouble) => content.results.push(self.give_up(Check::Image, trouble)?),
        }
        content.times.push((Check::Image, began.elapsed()));
        Ok(())
    }

    async fn film(
        &self,
        content: &mut Content,
        subject: &Subject<'_>,
        media_type: &str,
    ) -> Result<(), Unavailable> {
        let looked = async {
            let mut session = self.engines.video.open(subject.file, subject.size, media_type).await?;
            let seen = video::look(&self.engines, &mut session, &self.films, subject, media_type).await?;
            Ok::<_, Unavailable>((session, seen))
        };
        match looked.await {
            Ok((session, video::Seen { results, labels, film, sheet })) => {
                content.results.extend(results);
                content.labels = labels;
                content.film = film.is_some().then_some(session);
                content.detail = film;
                content.sheet = sheet;
            }
            Err(trouble) => content.results.push(self.give_up(Check::Video, trouble)?),
        }
        Ok(())
    }
}

/// What the copies of an upload leave out: a member is published with pictures beside the one that was looked at, with
/// what turns its colours into others, and with all that stands between a film's pictures.
fn embedded(content: &mut Content) {
    let mut told = Vec::new();
    if let Some((_, picture)) = &content.picture {
        if picture.beside {
            told.push((Check::Image, "pictures beside the picture"));
        }
        if picture.other_colours {
            told.push((Check::Image, "a picture that is shown in other colours than it was scored in"));
        }
    }
    if content.film.is_some() {
        told.push((Check::Video, "a film as it came, of which a copy leaves out what nobody looks at"));
    }
    for (check, why) in told {
        for result in content.results.iter_mut().filter(|result| result.check == check) {
            if let Outcome::Looked(coverage) = &mut result.outcome {
                let had = std::mem::replace(coverage, Coverage::Complete);
                *coverage = had.and(Coverage::partial("embedded", why));
            }
        }
    }
}

/// Whether the container was walked to its end and held nothing but what belongs there.
fn is_walked(results: &[CheckResult]) -> bool {
    let walk = results.iter().find(|result| result.check == Check::Structure);
    walk.is_some_and(|walk| {
        walk.findings.is_empty()
            && matches!(&walk.outcome, Outcome::Looked(coverage) if coverage.is_complete())
    })
}

#[derive(Default)]
struct Content {
    results: Vec<CheckResult>,
    times: Vec<(Check, Duration)>,
    labels: BTreeMap<String, f32>,
    perceptual_hash: Option<Likeness>,
    picture: Option<(Session, Picture)>,
    film: Option<Session>,
    detail: Option<FilmDetail>,
    sheet: Option<Sheet>,
}

fn is_archive(media_type: &str) -> bool {
    lazaret_inspect::archive::Format::of(media_type).is_some_and(|format| format.has_members())
}

/// By no engine: an archive holds no pictures but those of its members.
fn pictures_of_members() -> CheckResult {
    CheckResult {
        check: Check::Image,
        engine: None,
        outcome: Outcome::Looked(Coverage::Complete),
        findings: Vec::new(),
    }
}

/// A picture that nobody can decode, or a file that may hold pictures which nobody takes out.
fn without_pictures(media_type: &str) -> CheckResult {
    let coverage = if media_type.starts_with("image/") {
        Coverage::failed("image.unsupported", format!("{media_type} cannot be decoded"))
    } else {
        Coverage::partial("embedded", format!("pictures inside of {media_type} are not taken out"))
    };
    CheckResult {
        check: Check::Image,
        engine: None,
        outcome: Outcome::Looked(coverage),
        findings: Vec::new(),
    }
}
