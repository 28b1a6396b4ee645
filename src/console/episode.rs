//! One episode of a live stream: its frames with their scores, and the form to say what it was.

use super::{
    Console,
    drafts::{Written, sent},
    fail::Fail,
    fields::Fields,
    filter::Filter,
    guard::Decoding,
    item::told,
    media::{answer, mark},
    page::{Frame, render},
    unsent::{self, refused},
    visitor::{Posted, Signed, Unasked, UnaskedPost},
    words,
};
use crate::{
    access::{Person, Right, may, session::same},
    ports::{
        accounts::User,
        care::Subject,
        streams::{Episode, EpisodeState, Evidence},
        wall::EpisodeId,
    },
    review::episodes::{SAID, is_taken},
    upload::StreamId,
};
use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;

#[derive(Template)]
#[template(path = "episode.html")]
struct Page {
    frame: Frame,
    stream: String,
    number: u32,
    tenant: String,
    worst: &'static str,
    because: &'static str,
    began: String,
    lasted: String,
    labels: Vec<(String, String)>,
    frames: Vec<Shot>,
    ruled: Option<Ruled>,
    /// Absent where this person says nothing of it just now; then `idle` says why.
    form: Option<Form>,
    idle: &'static str,
    takes: bool,
    written: Written,
    lease_ms: u128,
}

struct Form {
    fence: u64,
    choices: Vec<Choice>,
    note: String,
}

struct Choice {
    code: &'static str,
    words: &'static str,
    chosen: bool,
    key: usize,
}

struct Shot {
    url: String,
    at: String,
    sequence: u64,
    scores: Vec<(String, String)>,
}

struct Ruled {
    said: &'static str,
    note: String,
    by: String,
    at: String,
}

/// A row of the queue.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) tenant: String,
    pub(super) worst: &'static str,
    pub(super) because: &'static str,
    pub(super) frames: usize,
    pub(super) age: String,
    pub(super) holder: &'static str,
}

pub(super) fn path(stream: StreamId, number: u32) -> String {
    format!("/console/episodes/{stream}/{number}")
}

impl Row {
    pub(super) fn new(episode: &Episode, me: &User, now: Timestamp) -> Self {
        let held = episode.held_until.is_some_and(|until| until > now);
        Self {
            path: path(episode.stream, episode.number),
            holder: match held {
                true if is_taken(episode, me, now) => "in review",
                true => "yours",
                false if episode.holder.is_some() => "came back",
                false => "",
            },
            tenant: episode.tenant.to_string(),
            worst: episode.worst.as_str(),
            because: episode.because.as_str(),
            frames: episode.evidence.len(),
            age: words::age(episode.began_at, now),
        }
    }
}

/// In words.
pub(super) fn said(code: &str) -> &'static str {
    SAID.iter().find(|(known, _)| *known == code).map_or("", |(_, words)| words)
}

fn ids(stream: &str, number: &str) -> Result<EpisodeId, Fail> {
    let stream = stream.parse().map_err(|_| Fail::no_page())?;
    Ok((stream, number.parse().map_err(|_| Fail::no_page())?))
}

pub(super) async fn episode(
    State(console): State<Console>,
    Signed(person): Signed,
    Path((stream, number)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fail> {
    let of = ids(&stream, &number)?;
    let (fields, user) = (Fields::of(&uri), &person.user);
    let written = Written::of(&console, &person, &fields, &format!("{}/rule", path(of.0, of.1))).await?;
    let episode = console.desk.open_episode(&person, of).await?;
    if episode.holder.as_deref() == Some(user.id.as_str()) {
        // Somebody without scripts keeps it by coming back.
        console.desk.extend_episode(&person, of, episode.fence).await?;
    }
    let frame = Frame::of(&console, &person, "Episode").await?.saying(fields.get("said"));
    let view = view(&person, of);
    let ruled = match &episode.ruling {
        Some(ruling) => {
            let by = console.people.accounts.user(&ruling.by).await?;
            Some(Ruled {
                said: said(&ruling.said),
                note: ruling.note.clone(),
                by: by.map_or_else(|| ruling.by.clone(), |user| user.email),
                at: words::time(ruling.at),
            })
        }
        None => None,
    };
    let asked = told(&headers, &fields);
    let told = if written.is_some() { &written.fields } else { &asked };
    let decision = decision(&episode, user, told, console.desk.clock.now());
    let mut page = page(&console, &episode, frame.clone(), &view, ruled, decision);
    page.written = written;
    Ok(render(&page, &frame))
}

fn view(person: &Person, (stream, number): EpisodeId) -> String {
    person.token.derive(&format!("episode {stream}/{number}"))
}

/// The form, or why there is none; and whether it can be taken.
fn decision(
    episode: &Episode,
    user: &User,
    fields: &Fields,
    now: Timestamp,
) -> (Option<Form>, &'static str, bool) {
    match episode.state {
        _ if !may(user.role, Right::Decide) => (None, "You can look at it, and change nothing.", false),
        EpisodeState::Open => (None, "It goes on: it can be decided once it is over.", false),
        EpisodeState::Ruled => (None, "It was decided.", false),
        EpisodeState::InReview if is_taken(episode, user, now) => {
            (None, "Somebody else is looking at it.", false)
        }
        EpisodeState::InReview if episode.holder.as_deref() != Some(user.id.as_str()) => {
            (None, "Take it to decide it.", true)
        }
        EpisodeState::InReview => {
            let chosen = fields.get("choice");
            let choices = SAID.iter().enumerate().map(|(n, &(code, words))| Choice {
                code,
                words,
                chosen: code == chosen,
                key: n + 1,
            });
            let note = fields.get("note").to_owned();
            (Some(Form { fence: episode.fence, choices: choices.collect(), note }), "", false)
        }
    }
}

fn page(
    console: &Console,
    episode: &Episode,
    frame: Frame,
    view: &str,
    ruled: Option<Ruled>,
    (form, idle, takes): (Option<Form>, &'static str, bool),
) -> Page {
    let now = console.desk.clock.now();
    let scores = |scores: &std::collections::BTreeMap<String, f32>| -> Vec<(String, String)> {
        scores.iter().map(|(label, score)| (label.clone(), format!("{score:.3}"))).collect()
    };
    let shot = |(n, kept): (usize, &Evidence)| Shot {
        url: format!("{}/frames/{n}?view={view}", path(episode.stream, episode.number)),
        at: words::time(kept.came_at),
        sequence: kept.sequence,
        scores: scores(&kept.scores),
    };
    Page {
        frame,
        stream: episode.stream.to_string(),
        number: episode.number,
        tenant: episode.tenant.to_string(),
        worst: episode.worst.as_str(),
        because: episode.because.as_str(),
        began: words::time(episode.began_at),
        lasted: words::age(episode.began_at, episode.ended_at.unwrap_or(now)),
        labels: scores(&episode.scores),
        frames: episode.evidence.iter().enumerate().map(shot).collect(),
        ruled,
        form,
        idle,
        takes,
        written: Written::default(),
        lease_ms: console.desk.lease.as_millis(),
    }
}

pub(super) async fn shot(
    State(console): State<Console>,
    Unasked(person): Unasked,
    Extension(decoding): Extension<Decoding>,
    Path((stream, number, n)): Path<(String, String, usize)>,
    uri: Uri,
) -> Result<Response, Fail> {
    let of = ids(&stream, &number)?;
    if !same(Fields::of(&uri).get("view"), &view(&person, of)) {
        return Err(Fail::no_page());
    }
    let episode = console.desk.shown_episode(&person, of).await?;
    let kept = episode.evidence.get(n).ok_or_else(Fail::no_page)?;
    let by = mark(&console, &person);
    decoding.begins();
    let shown = console.previews.held(&kept.key, &kept.media_type, console.max_edge, Some(&by)).await?;
    Ok(answer(shown))
}

pub(super) async fn take(
    State(console): State<Console>,
    Path((stream, number)): Path<(String, String)>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let of = ids(&stream, &number)?;
    let at = path(of.0, of.1);
    let form = format!("{at}/rule");
    let said = match console.desk.take_episode(&person, of).await {
        Ok(Some(_)) => "",
        Ok(None) => "taken",
        Err(why) => return Err(refused(&console, &person, &form, &fields, why).await),
    };
    let query = unsent::query(&console, &person, &form, &fields).await?;
    Ok(Redirect::to(&format!("{at}?said={said}&{query}")).into_response())
}

fn fence(fields: &Fields) -> u64 {
    fields.get("fence").parse().unwrap_or(0)
}

/// Asked by the page's script while it is open.
pub(super) async fn extend(
    State(console): State<Console>,
    Path((stream, number)): Path<(String, String)>,
    UnaskedPost { person, fields }: UnaskedPost,
) -> Result<StatusCode, Fail> {
    let kept = console.desk.extend_episode(&person, ids(&stream, &number)?, fence(&fields)).await?;
    Ok(if kept { StatusCode::NO_CONTENT } else { StatusCode::CONFLICT })
}

/// Asked by the page's script of an episode that is only looked at.
pub(super) async fn looks(
    State(console): State<Console>,
    Path((stream, number)): Path<(String, String)>,
    UnaskedPost { person, .. }: UnaskedPost,
) -> Result<StatusCode, Fail> {
    let (stream, number) = ids(&stream, &number)?;
    console.desk.still_looks(&person, Subject::Episode(stream, number)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn leave(
    State(console): State<Console>,
    Path((stream, number)): Path<(String, String)>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    console.desk.leave_episode(&person, ids(&stream, &number)?, fence(&fields)).await?;
    Ok(Redirect::to("/console/queue?said=left").into_response())
}

pub(super) async fn rule(
    State(console): State<Console>,
    Path((stream, number)): Path<(String, String)>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let of = ids(&stream, &number)?;
    let (said, note) = (fields.get("choice"), fields.get("note"));
    let why: Fail = match console.desk.rule_episode(&person, of, said, note, fence(&fields)).await {
        Ok(true) => {
            sent(&console, &person, &fields).await;
            if fields.get("then") == "next" {
                return super::queue::onward(&console, &person, &Filter::default(), "said").await;
            }
            return Ok(Redirect::to("/console/queue?said=said").into_response());
        }
        Ok(false) => Fail::Said(
            StatusCode::CONFLICT,
            "It was decided already, or it goes on. Nothing of what you said is stored.".into(),
        ),
        Err(why) => why.into(),
    };
    Err(refused(&console, &person, &format!("{}/rule", path(of.0, of.1)), &fields, why).await)
}

pub(super) async fn undo(
    State(console): State<Console>,
    Path((stream, number)): Path<(String, String)>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let of = ids(&stream, &number)?;
    let undone = console.desk.undo_episode(&person, of, fence(&fields)).await?;
    sent(&console, &person, &fields).await;
    let said = if undone { "undone_episode" } else { "late_episode" };
    Ok(Redirect::to(&format!("{}?said={said}", path(of.0, of.1))).into_response())
}
