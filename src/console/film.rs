//! A held film, animation or sound in a browser: the copy that the sandbox makes for this person, whole or by range. The URL
//! is good for this item in this session, and no longer than either.

use super::{
    Console,
    fail::{Fail, sentence},
    fields::Fields,
    filter::Filter,
    guard::is_own,
    media::mark,
    visitor::{Posted, Unasked},
    words,
};
use crate::{
    access::{Person, session::same},
    delivery::{
        body::body,
        conditional::{Answer, answer},
    },
    pipeline::{is_film, is_sound},
    ports::PortError,
    review::{
        Opened,
        desk::has_bytes,
        play::{CopyOf, Film, Full, Play},
    },
    upload::{UploadId, verdict::CheckDetail},
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};

/// How it stands with this person's copy.
#[derive(Clone)]
pub(super) struct Screen {
    pub url: String,
    /// In percent, while it is made.
    pub making: Option<u16>,
    /// It is to be shown. Films and sound stand still until somebody starts them; an animation does not, so it is not shown
    /// without having been asked for.
    pub ready: bool,
    pub why_not: String,
    /// What of it is not in the copy.
    pub left_out: String,
    /// What an animation is, in words for who does not see it; players have their own.
    pub alt: Option<String>,
    /// The item's page, to see how far the copy is.
    pub again: String,
    /// The item's page without what moves.
    pub still: String,
    moving: Moving,
}

/// What there is to play.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moving {
    Film,
    Animation,
    /// Alone.
    Sound,
}

impl Moving {
    fn of(opened: &Opened) -> Option<Self> {
        let detail = &opened.verdict.detail;
        let media_type = &detail.r#type.media_type;
        // So the check says of what films come in.
        let no_pictures =
            |check: &CheckDetail| check.why.as_deref().is_some_and(|why| why.starts_with("video.none"));
        if !has_bytes(opened.upload.state) {
            None
        } else if is_sound(media_type) || is_film(media_type) && detail.checks.iter().any(no_pictures) {
            Some(Self::Sound)
        } else if is_film(media_type) {
            Some(Self::Film)
        } else {
            // Of a picture it stands there where there is more than one frame.
            detail.film.as_ref().map(|_| Self::Animation)
        }
    }

    /// The page on which it is played. Without scripts an animation moves on the page that it was asked for, and on no other.
    fn place(self, id: UploadId, filter: &Filter) -> String {
        let item = filter.at(&format!("/console/items/{id}"), "");
        match self {
            Self::Film | Self::Sound => format!("{item}#player"),
            Self::Animation => {
                format!("{item}{}plays=1#player", if item.contains('?') { '&' } else { '?' })
            }
        }
    }

    /// Whatever the child says that it made.
    fn headers(self) -> [(HeaderName, HeaderValue); 2] {
        let (media_type, policy) = match self {
            // A browser shows a film by itself in a page of its own.
            Self::Film => ("video/mp4", "default-src 'none'; media-src 'self'; frame-ancestors 'none'"),
            Self::Sound => ("audio/mp4", "default-src 'none'; media-src 'self'; frame-ancestors 'none'"),
            Self::Animation => ("image/webp", "default-src 'none'; sandbox; frame-ancestors 'none'"),
        };
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        ]
    }
}

fn copy(person: &Person, id: UploadId) -> CopyOf {
    CopyOf { upload: id, person: person.user.id.clone() }
}

fn view(person: &Person, id: UploadId) -> String {
    person.token.derive(&format!("film {id}"))
}

impl Screen {
    /// `None` where there is nothing to play. The page was asked for with these headers and fields.
    pub(super) fn of(
        console: &Console,
        person: &Person,
        opened: &Opened,
        headers: &HeaderMap,
        fields: &Fields,
    ) -> Option<Self> {
        let (id, moving, filter) = (opened.upload.id, Moving::of(opened)?, Filter::of(fields));
        // Another site's link starts nothing.
        let asked = fields.get("plays") == "1" && is_own(headers);
        let screen = Self {
            url: format!("/console/items/{id}/film?view={}", view(person, id)),
            making: None,
            ready: false,
            why_not: String::new(),
            left_out: String::new(),
            alt: (moving == Moving::Animation).then(|| alt(opened)),
            again: moving.place(id, &filter),
            still: filter.at(&format!("/console/items/{id}"), ""),
            moving,
        };
        Some(match console.player.look(&copy(person, id)) {
            None => screen,
            Some(Play::Making(percent)) => Self { making: Some(percent), ..screen },
            Some(Play::Ready(film)) => {
                Self { ready: asked || moving != Moving::Animation, left_out: film.left_out, ..screen }
            }
            Some(Play::Failed(why)) => Self { why_not: sentence(&why), ..screen },
        })
    }

    pub(super) fn is_film(&self) -> bool {
        self.moving == Moving::Film
    }

    pub(super) fn is_sound(&self) -> bool {
        self.moving == Moving::Sound
    }

    pub(super) fn what(&self) -> &'static str {
        match self.moving {
            Moving::Film => "film",
            Moving::Animation => "animation",
            Moving::Sound => "sound",
        }
    }
}

fn alt(opened: &Opened) -> String {
    let film = opened.verdict.detail.film.as_ref();
    let (frames, ms) = film.map_or((0, 0), |film| (film.frames_total, film.duration_ms));
    format!(
        "The held animation as it moves: {frames} frames in {}, blurred until you hold to reveal",
        words::clock(ms)
    )
}

/// Asks for a copy. That this person wants to see it played is on record.
pub(super) async fn play(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    let opened = console.desk.shown(&person, id).await?;
    let moving = Moving::of(&opened).ok_or_else(Fail::no_page)?;
    let (upload, media_type) = (&opened.upload, &opened.verdict.detail.r#type.media_type);
    let by = mark(&console, &person);
    if let Err(full) = console.player.make(copy(&person, id), upload, media_type, console.max_edge, &by) {
        let why = match full {
            Full::Theirs => {
                "You have as many copies to be played open as one person may. Close a page of one, or wait for it."
            }
            Full::All => "Too many copies are being played just now. Try again in a few minutes.",
        };
        return Err(Fail::Said(StatusCode::SERVICE_UNAVAILABLE, why.into()));
    }
    let actor = person.actor();
    let deed = console.people.deed(&actor, "item.played");
    console.desk.reviews.record(deed, &id.to_string(), serde_json::json!({})).await?;
    Ok(Redirect::to(&moving.place(id, &Filter::of(&fields))).into_response())
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
    let moving = Moving::of(&opened).ok_or_else(Fail::no_page)?;
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
            part(film, moving, &headers).await
        }
    }
}

/// For the page's script, which says it beside the player.
const LEFT_OUT: HeaderName = HeaderName::from_static("lazaret-left-out");

const FIXED: [(HeaderName, HeaderValue); 2] = [
    (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    (header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
];

async fn part(film: Film, moving: Moving, headers: &HeaderMap) -> Result<Response, Fail> {
    let etag = format!("\"{}\"", film.number);
    let (status, range) = match answer(headers, &etag, film.size) {
        Answer::NotModified => (StatusCode::NOT_MODIFIED, None),
        Answer::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, None),
        Answer::All => (StatusCode::OK, Some(0..film.size)),
        Answer::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
    };
    let mut said = HeaderMap::from_iter(FIXED.into_iter().chain(moving.headers()));
    let mut say = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            said.insert(name, value);
        }
    };
    say(header::ETAG, etag);
    if !film.left_out.is_empty() {
        say(LEFT_OUT, film.left_out.clone());
    }
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
