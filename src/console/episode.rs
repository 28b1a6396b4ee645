//! One episode of a live stream: its frames with their scores, and the form to say what it was.

use super::{
    Console,
    fail::Fail,
    media::{answer, mark},
    page::{Frame, render},
    visitor::{Posted, Signed},
    words,
};
use crate::{
    access::{Right, may, session::same},
    ports::streams::{Episode, EpisodeState, Evidence},
    review::episodes::SAID,
    upload::StreamId,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
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
    /// Absent where this person says nothing of it.
    choices: Vec<(&'static str, &'static str)>,
    idle: &'static str,
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
}

impl Row {
    pub(super) fn new(episode: &Episode, now: Timestamp) -> Self {
        Self {
            path: format!("/console/episodes/{}/{}", episode.stream, episode.number),
            tenant: episode.tenant.to_string(),
            worst: episode.worst.as_str(),
            because: episode.because.as_str(),
            frames: episode.evidence.len(),
            age: words::age(episode.began_at, now),
        }
    }
}

fn ids(stream: &str, number: &str) -> Result<(StreamId, u32), Fail> {
    let stream = stream.parse().map_err(|_| Fail::no_page())?;
    Ok((stream, number.parse().map_err(|_| Fail::no_page())?))
}

pub(super) async fn episode(
    State(console): State<Console>,
    Signed(person): Signed,
    Path((stream, number)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Fail> {
    let (stream, number) = ids(&stream, &number)?;
    let episode = console.desk.open_episode(&person, stream, number).await?;
    let said = super::fields::Fields::of(&uri);
    let frame = Frame::of(&console, &person, "Episode").await?.saying(said.get("said"));
    let view = person.token.derive(&format!("episode {stream}/{number}"));
    let ruled = match &episode.ruling {
        Some(ruling) => {
            let by = console.people.accounts.user(&ruling.by).await?;
            Some(Ruled {
                said: SAID.iter().find(|(code, _)| *code == ruling.said).map_or("", |(_, words)| words),
                note: ruling.note.clone(),
                by: by.map_or_else(|| ruling.by.clone(), |user| user.email),
                at: words::time(ruling.at),
            })
        }
        None => None,
    };
    let (choices, idle) = match episode.state {
        _ if !may(person.user.role, Right::Decide) => (Vec::new(), "You can look at it, and change nothing."),
        EpisodeState::Open => (Vec::new(), "It goes on: it can be decided once it is over."),
        EpisodeState::InReview => (SAID.to_vec(), ""),
        EpisodeState::Ruled => (Vec::new(), "It was decided."),
    };
    let page = page(&episode, frame.clone(), &view, ruled, (choices, idle), console.desk.clock.now());
    Ok(render(&page, &frame))
}

fn page(
    episode: &Episode,
    frame: Frame,
    view: &str,
    ruled: Option<Ruled>,
    (choices, idle): (Vec<(&'static str, &'static str)>, &'static str),
    now: Timestamp,
) -> Page {
    let scores = |scores: &std::collections::BTreeMap<String, f32>| -> Vec<(String, String)> {
        scores.iter().map(|(label, score)| (label.clone(), format!("{score:.3}"))).collect()
    };
    let shot = |(n, kept): (usize, &Evidence)| Shot {
        url: format!("/console/episodes/{}/{}/frames/{n}?view={view}", episode.stream, episode.number),
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
        choices,
        idle,
    }
}

pub(super) async fn shot(
    State(console): State<Console>,
    Signed(person): Signed,
    Path((stream, number, n)): Path<(String, String, usize)>,
    uri: Uri,
) -> Result<Response, Fail> {
    let (stream, number) = ids(&stream, &number)?;
    let view = person.token.derive(&format!("episode {stream}/{number}"));
    if !same(super::fields::Fields::of(&uri).get("view"), &view) {
        return Err(Fail::no_page());
    }
    let episode = console.desk.seen_episode(&person.user, stream, number).await?;
    let kept = episode.evidence.get(n).ok_or_else(Fail::no_page)?;
    let by = mark(&console, &person);
    let shown = console.previews.held(&kept.key, &kept.media_type, console.max_edge, Some(&by)).await?;
    Ok(answer(shown))
}

pub(super) async fn rule(
    State(console): State<Console>,
    Path((stream, number)): Path<(String, String)>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let of = ids(&stream, &number)?;
    let (said, note) = (fields.get("choice"), fields.get("note"));
    let done = console.desk.rule_episode(&person, of, said, note).await?;
    let said = if done { "ruled" } else { "late" };
    Ok(Redirect::to(&format!("/console/queue?said={said}")).into_response())
}
