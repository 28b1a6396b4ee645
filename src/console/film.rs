//! A held film in a browser: the copy that the sandbox makes for this person, whole or by range. The URL is good for this
//! item in this session, and no longer than either.

use super::{
    Console,
    fail::{Fail, sentence},
    fields::Fields,
    filter::Filter,
    media::mark,
    visitor::{Posted, Unasked},
};
use crate::{
    access::{Person, session::same},
    delivery::{
        body::body,
        conditional::{Answer, answer},
    },
    pipeline::is_film,
    ports::PortError,
    review::{
        Opened,
        desk::has_bytes,
        play::{CopyOf, Film, Full, Play},
    },
    upload::UploadId,
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};

/// How it stands with this person's copy; `None` where there is nothing to play.
pub(super) struct Screen {
    pub url: String,
    /// In percent, while it is made.
    pub making: Option<u16>,
    pub ready: bool,
    pub why_not: String,
}

fn copy(person: &Person, id: UploadId) -> CopyOf {
    CopyOf { upload: id, person: person.user.id.clone() }
}

fn view(person: &Person, id: UploadId) -> String {
    person.token.derive(&format!("film {id}"))
}

fn plays(opened: &Opened) -> bool {
    let detail = &opened.verdict.detail;
    has_bytes(opened.upload.state) && is_film(&detail.r#type.media_type)
}

impl Screen {
    pub(super) fn of(console: &Console, person: &Person, opened: &Opened) -> Option<Self> {
        let id = opened.upload.id;
        if !plays(opened) {
            return None;
        }
        let url = format!("/console/items/{id}/film?view={}", view(person, id));
        let screen = Self { url, making: None, ready: false, why_not: String::new() };
        Some(match console.player.look(&copy(person, id)) {
            None => screen,
            Some(Play::Making(percent)) => Self { making: Some(percent), ..screen },
            Some(Play::Ready(_)) => Self { ready: true, ..screen },
            Some(Play::Failed(why)) => Self { why_not: sentence(&why), ..screen },
        })
    }
}

/// Asks for a copy. That this person wants to see it played is on record.
pub(super) async fn play(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    let opened = console.desk.shown(&person, id).await?;
    if !plays(&opened) {
        return Err(Fail::no_page());
    }
    let (upload, media_type) = (&opened.upload, &opened.verdict.detail.r#type.media_type);
    let by = mark(&console, &person);
    if let Err(full) = console.player.make(copy(&person, id), upload, media_type, console.max_edge, &by) {
        let why = match full {
            Full::Theirs => {
                "You have as many films open as one person may. Close a page of one, or wait for it."
            }
            Full::All => "Too many films are being looked at just now. Try again in a few minutes.",
        };
        return Err(Fail::Said(StatusCode::SERVICE_UNAVAILABLE, why.into()));
    }
    let actor = person.actor();
    let deed = console.people.deed(&actor, "item.played");
    console.desk.reviews.record(deed, &id.to_string(), serde_json::json!({})).await?;
    let item = Filter::of(&fields).at(&format!("/console/items/{id}"), "");
    Ok(Redirect::to(&format!("{item}#player")).into_response())
}

/// The copy; while it is made, how far it came, in plain text.
pub(super) async fn film(
    State(console): State<Console>,
    Unasked(person): Unasked,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    if !same(Fields::of(&uri).get("view"), &view(&person, id)) {
        return Err(Fail::no_page());
    }
    let opened = console.desk.shown(&person, id).await?;
    if !plays(&opened) {
        return Err(Fail::no_page());
    }
    let copy = copy(&person, id);
    match console.player.look(&copy) {
        None => Err(Fail::no_page()),
        Some(Play::Making(percent)) => {
            Ok((StatusCode::ACCEPTED, [(header::RETRY_AFTER, "1")], percent.to_string()).into_response())
        }
        Some(Play::Failed(why)) => Ok((StatusCode::UNPROCESSABLE_ENTITY, sentence(&why)).into_response()),
        Some(Play::Ready(film)) => {
            // Before the first byte of what is sealed goes out. The parts that follow are of one view, and each makes it longer.
            if opened.item.sealed {
                console.desk.counts(&person, &opened).await?;
                if !console.player.goes_on(&copy, console.desk.gap()) {
                    console.desk.on_record(&person, &opened).await?;
                    console.player.shown(&copy);
                }
            }
            part(film, &headers).await
        }
    }
}

const FIXED: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("video/mp4")),
    (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    (header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
    // A browser shows a film by itself in a page of its own.
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; media-src 'self'; frame-ancestors 'none'"),
    ),
];

async fn part(film: Film, headers: &HeaderMap) -> Result<Response, Fail> {
    let etag = format!("\"{}\"", film.number);
    let (status, range) = match answer(headers, &etag, film.size) {
        Answer::NotModified => (StatusCode::NOT_MODIFIED, None),
        Answer::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, None),
        Answer::All => (StatusCode::OK, Some(0..film.size)),
        Answer::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
    };
    let mut said = HeaderMap::from_iter(FIXED);
    let mut say = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            said.insert(name, value);
        }
    };
    say(header::ETAG, etag);
    match (&range, status) {
        (Some(range), StatusCode::PARTIAL_CONTENT) => {
            say(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, film.size));
        }
        (None, StatusCode::RANGE_NOT_SATISFIABLE) => {
            say(header::CONTENT_RANGE, format!("bytes */{}", film.size));
        }
        _ => {}
    }
    let Some(range) = range else { return Ok((status, said).into_response()) };
    say(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    let bytes = body(film.file, range).await.map_err(PortError::from)?;
    Ok((status, said, bytes).into_response())
}
