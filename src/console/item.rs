//! One item: what it is, what was found, what was not looked at, what was said of it, and the form to decide it with.

use super::{
    Console,
    drafts::Written,
    facts::Facts,
    fail::Fail,
    fields::Fields,
    film::Screen,
    filter::Filter,
    guard::is_own,
    history::History,
    nearby::Nearby,
    page::{Frame, render},
    shown::Stage,
    visitor::Signed,
    voices::{Reports, Voice},
    words,
};
use crate::{
    access::{Right, may},
    ports::{accounts::User, reviews::Status},
    review::{
        Opened,
        admit::{gaps_of, needs_second},
        desk::Kept,
    },
    upload::{
        State as UploadState, UploadId, filename,
        ruling::{self, Kind, SEALS, reasons},
    },
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "item.html")]
struct Page {
    frame: Frame,
    id: String,
    name: String,
    tenant: String,
    state: UploadState,
    severity: u32,
    level: &'static str,
    media_type: String,
    size: String,
    facts: Facts,
    external_id: String,
    /// Absent where the upload names none.
    uploader: Option<String>,
    accepted: String,
    queued: String,
    why: Vec<String>,
    findings: Vec<Said>,
    labels: Vec<Label>,
    checks: Vec<CheckRow>,
    verdict_number: u32,
    policy: String,
    history: History,
    reports: Reports,
    appeals: Vec<Voice>,
    escalated: bool,
    sealed: bool,
    second: bool,
    stage: Stage,
    /// Of a film, an animation or sound.
    screen: Option<Screen>,
    /// Of a film, whose moments can be gone to.
    seeks: Option<Screen>,
    nearby: [Nearby; 3],
    /// May read the log of what was done with it.
    audits: bool,
    written: Written,
    /// Absent where this person may not decide it now; then `idle` says why.
    form: Option<Form>,
    idle: &'static str,
    takes: bool,
    /// This person has it in hand.
    holds: bool,
    lease_ms: u128,
}

struct Said {
    check: String,
    words: String,
    score: Option<String>,
}

struct Label {
    name: String,
    score: f32,
    shown: String,
}

struct CheckRow {
    check: String,
    coverage: String,
    engine: String,
    why: String,
}

struct Form {
    fence: u64,
    groups: Vec<Group>,
    gaps: Vec<GapBox>,
    note: String,
    infected: bool,
    holds: bool,
}

struct Group {
    kind: &'static str,
    title: &'static str,
    key: char,
    reasons: Vec<Choice>,
    /// What is to be known before.
    hint: &'static str,
}

struct Choice {
    value: String,
    words: &'static str,
    chosen: bool,
    key: usize,
}

struct GapBox {
    code: String,
    words: String,
    why: String,
    chosen: bool,
}

pub(super) async fn item(
    State(console): State<Console>,
    Signed(person): Signed,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    let fields = Fields::of(&uri);
    let written = Written::of(&console, &person, &fields, &format!("/console/items/{id}/rule")).await?;
    let opened = console.desk.open(&person, id).await?;
    if opened.is_held_by(&person.user) {
        // Somebody without scripts keeps it by coming back.
        console.desk.extend(&person, id, opened.item.fence).await?;
    }
    let frame = Frame::of(&console, &person, "Item").await?.saying(fields.get("said"));
    let frame = frame.within(Filter::of(&fields));
    let history = History::of(&console, &person.user, &opened).await?;
    let view = person.token.derive(&format!("media {id}"));
    let nearby = Nearby::of(&console, &person, &opened).await?;
    let screen = Screen::of(&console, &person, &opened, &headers, &fields);
    let kept = console.desk.kept(&person.user, &opened.item).await?;
    let stage = stage(&console, &opened, &view).await;
    let around = Around { history, nearby, stage, screen, kept, written };
    let page = page(&console, &person.user, &opened, &told(&headers, &fields), frame.clone(), around);
    Ok(render(&page, &frame))
}

/// What the form begins with, where our own page asked: another site's link chooses nothing for anybody. What somebody
/// wrote is kept, and stands in no address.
pub(super) fn told(headers: &HeaderMap, fields: &Fields) -> Fields {
    if is_own(headers) { Fields::from(fields.without(&["note"])) } else { Fields::default() }
}

/// What was looked up beside the item.
struct Around {
    history: History,
    nearby: [Nearby; 3],
    stage: Stage,
    screen: Option<Screen>,
    kept: Kept,
    /// In place of what the query says.
    written: Written,
}

/// What there is to see, or why there is nothing, as far as that is plain before anything is decoded.
async fn stage(console: &Console, opened: &Opened, view: &str) -> Stage {
    let Opened { upload, verdict, .. } = opened;
    let media = format!("/console/items/{}/media?view={view}", upload.id);
    let mut stage = Stage::of(&verdict.detail, upload.state, &media);
    if stage.url.is_some()
        && let Some(why) = console.previews.trouble(upload, &verdict.detail).await
    {
        (stage.url, stage.sheet) = (None, None);
        stage.why_not = format!("No picture of it can be shown: {why}.");
    }
    stage
}

fn page(
    console: &Console,
    user: &User,
    opened: &Opened,
    fields: &Fields,
    frame: Frame,
    Around { history, nearby, stage, screen, kept, written }: Around,
) -> Page {
    let Opened { item, upload, verdict, reports, appeals, .. } = opened;
    let detail = &verdict.detail;
    let told = if written.is_some() { &written.fields } else { fields };
    let (form, idle, takes) = form(user, opened, told, kept);
    Page {
        holds: form.as_ref().is_some_and(|form| form.holds),
        frame,
        id: upload.id.to_string(),
        name: upload.filename.as_deref().map_or("unnamed".to_owned(), filename::display),
        tenant: upload.tenant.to_string(),
        state: upload.state,
        severity: item.severity,
        level: words::severity(item.severity),
        media_type: detail.r#type.media_type.clone(),
        size: words::bytes(upload.size),
        facts: Facts::of(upload, detail),
        external_id: upload.external_id.clone().unwrap_or_else(|| "–".into()),
        uploader: upload.uploader.as_deref().map(words::brief),
        accepted: words::time(upload.accepted_at),
        queued: words::age(item.queued_at, console.desk.clock.now()),
        why: detail.reasons.iter().map(|code| words::reason(code)).collect(),
        findings: detail
            .findings
            .iter()
            .map(|finding| Said {
                check: finding.check.clone(),
                words: words::finding(finding),
                score: finding.score.map(|score| format!("{score:.2}")),
            })
            .collect(),
        labels: labels(&detail.labels),
        checks: detail
            .checks
            .iter()
            .map(|check| CheckRow {
                check: check.check.clone(),
                coverage: check.coverage.clone(),
                engine: words::engine(check),
                why: check.why.clone().unwrap_or_default(),
            })
            .collect(),
        verdict_number: verdict.number,
        policy: detail.policy.as_ref().map_or("–".into(), |policy| format!("version {}", policy.version)),
        history,
        reports: Reports::of(reports),
        appeals: Voice::of_appeals(appeals),
        escalated: item.escalated,
        sealed: item.sealed,
        second: needs_second(item, detail, &console.desk.rules),
        stage,
        seeks: screen.clone().filter(Screen::is_film),
        screen,
        nearby,
        audits: may(user.role, Right::Audit),
        written,
        form,
        idle,
        takes,
        lease_ms: console.desk.lease.as_millis(),
    }
}

fn labels(labels: &BTreeMap<String, f32>) -> Vec<Label> {
    let mut all: Vec<Label> = labels
        .iter()
        .map(|(name, score)| Label { name: name.clone(), score: *score, shown: format!("{score:.3}") })
        .collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all
}

const NOBODY_LEFT: &str = "You have had your say, and so has everybody else who could decide it: nobody is left. \
    An admin is to give somebody new a part in it, on the page of people.";

/// The form, or why there is none; and whether the item can be taken.
fn form(user: &User, opened: &Opened, fields: &Fields, kept: Kept) -> (Option<Form>, &'static str, bool) {
    let Opened { item, upload, .. } = opened;
    if !may(user.role, Right::Decide) {
        return (None, "You can look at everything here, and change nothing.", false);
    }
    let overrules = may(user.role, Right::Overrule);
    if !overrules && (item.status, upload.state) == (Status::Closed, UploadState::Quarantined) {
        return (Some(new_form(opened, fields, &[Kind::Quarantine], false)), "", false);
    }
    if item.escalated && !overrules {
        return (None, "It was escalated: a senior decides it.", false);
    }
    let holds = opened.is_held_by(user);
    match kept {
        Kept::HadTheirSay => {
            return (None, "You have had your say: another person is to decide it.", false);
        }
        Kept::NobodyLeft => return (None, NOBODY_LEFT, false),
        Kept::Skipped if !holds => {
            return (None, "You skipped it: somebody else is to look at it.", false);
        }
        Kept::Skipped | Kept::No => {}
    }
    match (item.status, upload.state) {
        (Status::Open, UploadState::InReview | UploadState::Published | UploadState::Quarantined)
            if holds =>
        {
            (Some(new_form(opened, fields, &Kind::ALL, true)), "", false)
        }
        // What was written before the session or the lease ended is shown with it.
        (Status::Open, UploadState::InReview | UploadState::Published | UploadState::Quarantined) => {
            (None, "Take the item to decide it.", true)
        }
        (Status::Waiting, _) => (None, "It was decided, and is carried out in a moment.", false),
        (Status::Closed, UploadState::Published) if overrules => {
            (Some(new_form(opened, fields, &[Kind::Quarantine, Kind::Note], false)), "", false)
        }
        (Status::Closed, UploadState::Quarantined) if overrules => {
            let kinds: &[Kind] = match item.sealed {
                true => &[Kind::Approve, Kind::Note],
                false => &[Kind::Approve, Kind::Quarantine, Kind::Note],
            };
            (Some(new_form(opened, fields, kinds, false)), "", false)
        }
        _ => (None, "There is nothing to decide.", false),
    }
}

fn new_form(opened: &Opened, fields: &Fields, kinds: &[Kind], holds: bool) -> Form {
    let (chosen, overrides) = (fields.get("choice"), fields.all("override"));
    // Without one it was reversed, and waits for a second person to agree.
    let appealed = opened.appeals.iter().any(|appeal| appeal.outcome.is_none());
    // What is quarantined already can be no more than sealed.
    let only_seals = (opened.item.status, opened.upload.state) == (Status::Closed, UploadState::Quarantined);
    let groups = kinds.iter().map(|kind| Group {
        kind: kind.as_str(),
        title: match (kind, opened.item.status, opened.upload.state) {
            (Kind::Approve, Status::Open, UploadState::Published) => "Leave published",
            (Kind::Quarantine, Status::Open, UploadState::Published) => "Take down",
            (Kind::Approve, Status::Open, UploadState::Quarantined) if appealed => {
                "Publish: uphold the appeal"
            }
            (Kind::Quarantine, Status::Open, UploadState::Quarantined) if appealed => {
                "Leave quarantined: reject the appeal"
            }
            (Kind::Approve, Status::Open, UploadState::Quarantined) => "Publish",
            (Kind::Quarantine, Status::Open, UploadState::Quarantined) => "Leave quarantined",
            (Kind::Quarantine, Status::Closed, UploadState::Quarantined) => "Seal as evidence",
            _ => words::kind(*kind),
        },
        key: match kind {
            Kind::Approve => 'A',
            Kind::Quarantine => 'Q',
            Kind::Escalate => 'E',
            Kind::Note => 'N',
        },
        reasons: reasons(*kind)
            .iter()
            .filter(|(code, _)| *kind != Kind::Quarantine || !only_seals || *code == SEALS)
            .enumerate()
            .map(|(n, (code, words))| {
                let value = format!("{kind}:{code}");
                Choice { chosen: value == chosen, value, words, key: (n + 1) % 10 }
            })
            .collect(),
        hint: match (kind, opened.upload.state) {
            (Kind::Quarantine, UploadState::Quarantined) if only_seals => {
                "Seniors alone see it from then on, and it is not erased."
            }
            (Kind::Quarantine, UploadState::Published) => {
                "Child sexual abuse is taken down and sealed at once: that cannot be taken back, but a senior can \
                 reverse it."
            }
            _ => "",
        },
    });
    let gaps = gaps_of(&opened.verdict, &opened.rulings).into_iter().map(|gap| GapBox {
        words: words::reason(&gap.code),
        why: gap.why,
        chosen: overrides.contains(&gap.code),
        code: gap.code,
    });
    Form {
        fence: opened.item.fence,
        groups: groups.collect(),
        // What is published already stays so without.
        gaps: if kinds.contains(&Kind::Approve) && opened.upload.state != UploadState::Published {
            gaps.collect()
        } else {
            Vec::new()
        },
        note: fields.get("note").to_owned(),
        infected: ruling::is_infected(&opened.verdict.detail),
        holds,
    }
}
