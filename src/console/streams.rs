//! The wall: live streams as they stand, their newest frames, and the hand that cuts or clears.

use super::{
    Console,
    events::{self, Beat},
    fail::Fail,
    fields::Fields,
    guard::Decoding,
    page::{Frame, render},
    visitor::{Signed, Unasked, UnaskedPost, needs},
    words,
};
use crate::{
    access::{Person, Right, may, session::same},
    ports::{
        PortError,
        accounts::{Tenants, User},
        blobs::Zone,
        snapshots::Snapshot,
        streams::Stream,
        wall::{OpenStream, StreamPlace, StreamRuling, StreamView},
    },
    review::{care::Rest, episodes::sees},
    streams::snapshots,
    upload::{
        Because, Standing, StreamId, filename,
        ruling::{Kind, SEALS, reasons},
    },
};
use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;
use std::{collections::HashMap, io::Read, time::Duration};
use url::form_urlencoded::Serializer;

const WALL: &str = "/console/streams";
/// Streams on one page of it.
const TILES: u32 = 30;
/// Labels of one tile, the highest scores.
const LABELS: usize = 3;
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// The longer edge of a frame on the wall, in pixels.
const EDGE: u32 = 400;
/// The largest kept frame that is shown, in bytes.
const LARGEST: u64 = 32 << 20;

#[derive(Template)]
#[template(path = "streams.html")]
struct Page {
    frame: Frame,
    tiles: Vec<Shown>,
    decides: bool,
    cuts: Vec<(&'static str, &'static str)>,
    clears: &'static [(&'static str, &'static str)],
    /// What is asked for of the wall; empty where all is.
    tenant: String,
    named: String,
    /// The same and the page, for forms that lead back to it.
    asked: Vec<(&'static str, String)>,
    /// Those to choose from; none where there are all.
    tenants: Vec<String>,
    /// This page, and as it changes.
    here: String,
    live: String,
    first: String,
    /// Behind the first page.
    further: bool,
    /// Where the next page is; empty on the last.
    more: String,
    /// No frame is shown to who is due a rest.
    rests: bool,
    lease_ms: u128,
}

struct Shown {
    tile: Tile,
    name: String,
    tenant: String,
    /// The frame's address, but for its number.
    media: String,
}

/// What changes of a stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Tile {
    id: String,
    standing: &'static str,
    because: &'static str,
    since: String,
    counts: String,
    scores: Vec<(String, String)>,
    /// Of the newest frame there is to see; grows.
    frame: Option<String>,
    /// The number of the last ruling that this knows of; 0 where there is none.
    ruled: u32,
    /// Who cut it, and why; empty where nobody did.
    by_hand: String,
}

/// Which streams an address asks for.
#[derive(Clone)]
struct Part {
    view: StreamView,
    /// They stand behind this one.
    after: Option<StreamPlace>,
}

impl Part {
    fn of(user: &User, fields: &Fields) -> Self {
        let view = StreamView {
            tenant: fields.some("tenant").and_then(|name| name.parse().ok()),
            named: fields.some("name").map(str::to_owned),
            ..StreamView::from(user.tenants.clone())
        };
        // What is no place of ours begins at the top.
        Self { view, after: fields.some("after").and_then(|place| place.parse().ok()) }
    }

    /// A page of them, and where it ends if others follow.
    async fn streams(
        &self,
        console: &Console,
        now: Timestamp,
    ) -> Result<(Vec<OpenStream>, Option<StreamPlace>), PortError> {
        let mut streams = console.wall.open_streams(&self.view, self.after, now, TILES + 1).await?;
        let more = streams.len() > TILES as usize;
        streams.truncate(TILES as usize);
        let end = streams.last().filter(|_| more).map(|last| StreamPlace::of(&last.stream, now));
        Ok((streams, end))
    }

    /// What of the wall stands behind this place, as fields.
    fn pairs(&self, after: Option<StreamPlace>) -> Vec<(&'static str, String)> {
        let tenant = self.view.tenant.as_ref().map(|tenant| ("tenant", tenant.to_string()));
        let named = self.view.named.clone().map(|named| ("name", named));
        let after = after.map(|after| ("after", after.to_string()));
        [tenant, named, after].into_iter().flatten().collect()
    }

    /// The same at this address.
    fn at(&self, path: &str, after: Option<StreamPlace>) -> String {
        address(path, &self.pairs(after))
    }
}

fn address(path: &str, pairs: &[(&'static str, String)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The part of the wall that a form was sent from, saying so. It is made of what is understood of the fields, so it leads
/// nowhere else.
pub(super) fn back(user: &User, fields: &Fields, said: &str) -> String {
    let part = Part::of(user, fields);
    let said = ("said", said.to_owned());
    address(WALL, &[vec![said], part.pairs(part.after)].concat())
}

fn ids(streams: &[OpenStream]) -> Vec<StreamId> {
    streams.iter().map(|open| open.stream.id).collect()
}

/// What other processes that watch these streams show of them.
type Elsewhere = HashMap<StreamId, Snapshot>;

/// Of these streams, those that are watched elsewhere; their watchers are asked for more.
async fn elsewhere(console: &Console, mut streams: Vec<StreamId>) -> Result<Elsewhere, PortError> {
    if console.alone {
        return Ok(Elsewhere::new());
    }
    let here = |id| console.hub.as_ref().is_some_and(|hub| hub.here(id).is_some());
    streams.retain(|id| !here(*id));
    snapshots::look(&*console.desk.store, &streams, console.desk.clock.now()).await
}

impl Tile {
    /// `before` is what was shown of it last.
    async fn of(
        console: &Console,
        OpenStream { stream, ruled }: &OpenStream,
        elsewhere: &Elsewhere,
        before: Option<&Self>,
    ) -> Result<Self, PortError> {
        let now = console.desk.clock.now();
        let live = console.hub.as_ref().and_then(|hub| hub.here(stream.id));
        // Whoever watches it here may not know yet what was ruled elsewhere.
        let newer = live.as_ref().filter(|live| live.fence() >= stream.fence);
        let (standing, because, since, counts) = match newer {
            Some(live) => {
                let shown = live.shown();
                (shown.state.standing, shown.state.because, shown.since, live.counts())
            }
            None => {
                let (standing, because) = stream.seen_at(now);
                (standing, because, stream.since, stream.counts)
            }
        };
        let newest = match live {
            Some(live) => live.newest().map(|newest| (newest.number.to_string(), newest.scores)),
            None => elsewhere
                .get(&stream.id)
                .map(|shot| (format!("s{}", shot.at.as_millisecond()), shot.scores.clone())),
        };
        let (frame, scores) = newest.unzip();
        let mut scores: Vec<(String, f32)> = scores.unwrap_or_default().into_iter().collect();
        scores.sort_by(|a, b| b.1.total_cmp(&a.1));
        scores.truncate(LABELS);
        let known = before.filter(|before| before.ruled == *ruled && before.because == why(because));
        let by_hand = match known {
            Some(before) => before.by_hand.clone(),
            None if because == Because::Person => by_hand(console, stream.id).await?,
            None => String::new(),
        };
        Ok(Self {
            id: stream.id.to_string(),
            standing: standing.as_str(),
            because: why(because),
            since: words::age(since, now),
            counts: format!("{} judged, {} skipped, {} lost", counts.judged, counts.skipped, counts.lost),
            scores: scores.into_iter().map(|(label, score)| (short(&label), format!("{score:.2}"))).collect(),
            frame: frame.or_else(|| (stream.episode > 0).then(|| format!("e{}", stream.episode))),
            ruled: *ruled,
            by_hand,
        })
    }
}

/// Who ruled on it last, how, and why.
async fn by_hand(console: &Console, id: StreamId) -> Result<String, PortError> {
    match console.wall.stream_rulings(id, 1).await?.pop() {
        Some(last) => in_words(console, last).await,
        None => Ok(String::new()),
    }
}

pub(super) async fn in_words(console: &Console, ruling: StreamRuling) -> Result<String, PortError> {
    let user = console.people.accounts.user(&ruling.by).await?;
    let who = user.map_or(ruling.by, |user| user.email);
    Ok(format!("{} by {who}: {}", ruling.hand.as_str(), ruling.reason.replace('_', " ")))
}

/// A label without its model.
fn short(label: &str) -> String {
    label.rsplit('.').next().unwrap_or(label).to_owned()
}

fn why(because: Because) -> &'static str {
    match because {
        Because::Clean => "clean",
        Because::Unwatched => "nobody watches",
        Because::Undecodable => "frames that cannot be read",
        Because::Unseen => "not all of it is seen",
        Because::Suspicious => "suspicious",
        Because::Bad => "bad",
        Because::Certain => "beyond doubt",
        Because::Person => "by hand",
    }
}

/// No cut seals anything, so none says that it does.
fn cuts() -> Vec<(&'static str, &'static str)> {
    let words = |(code, words)| if code == SEALS { (code, "Child sexual abuse") } else { (code, words) };
    reasons(Kind::Quarantine).iter().copied().map(words).collect()
}

pub(super) async fn wall(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    needs(&person, Right::Look)?;
    if !sees(&person.user) {
        return Err(Fail::no_page());
    }
    let fields = Fields::of(&uri);
    let part = Part::of(&person.user, &fields);
    let (streams, end) = part.streams(&console, console.desk.clock.now()).await?;
    let mut tiles = Vec::with_capacity(streams.len());
    let elsewhere = elsewhere(&console, ids(&streams)).await?;
    for open in &streams {
        tiles.push(shown(&console, &person, open, &elsewhere).await?);
    }
    let worst = |tile: &Tile| ["cut", "warn", "pass"].iter().position(|standing| *standing == tile.standing);
    tiles.sort_by_key(|shown| worst(&shown.tile));
    let rests = matches!(console.desk.rest(&person.user).await?, (_, Rest::Due(_)));
    for shown in tiles.iter_mut().filter(|_| rests) {
        shown.tile.frame = None;
    }
    let mut frame = Frame::of(&console, &person, "Streams").await?.saying(fields.get("said"));
    let asked = part.pairs(part.after);
    // Who takes a ruling back from here stays here as well.
    for undo in frame.undos.iter_mut().filter(|undo| undo.action.starts_with(WALL)) {
        undo.fields.extend(asked.iter().cloned());
    }
    let page = Page {
        tenant: part.view.tenant.as_ref().map_or_else(String::new, ToString::to_string),
        named: part.view.named.clone().unwrap_or_default(),
        asked,
        tenants: match &person.user.tenants {
            Tenants::All => Vec::new(),
            Tenants::These(these) => these.iter().map(ToString::to_string).collect(),
        },
        here: part.at(WALL, part.after),
        live: part.at("/console/streams/events", part.after),
        first: part.at(WALL, None),
        further: part.after.is_some(),
        more: end.map_or_else(String::new, |end| part.at(WALL, Some(end))),
        rests,
        tiles,
        decides: may(person.user.role, Right::Decide),
        cuts: cuts(),
        clears: reasons(Kind::Approve),
        lease_ms: console.desk.lease.as_millis(),
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

async fn shown(
    console: &Console,
    person: &Person,
    open: &OpenStream,
    elsewhere: &Elsewhere,
) -> Result<Shown, Fail> {
    let tile = Tile::of(console, open, elsewhere, None).await?;
    let stream = &open.stream;
    Ok(Shown {
        name: stream.external_id.as_deref().map_or_else(|| tile.id.clone(), filename::display),
        tenant: stream.tenant.to_string(),
        media: format!("/console/streams/{}/frame?view={}", stream.id, view(person, stream.id)),
        tile,
    })
}

fn view(person: &Person, id: StreamId) -> String {
    person.token.derive(&format!("stream {id}"))
}

/// A page of the wall as it changes.
pub(super) async fn live(
    State(console): State<Console>,
    Unasked(person): Unasked,
    uri: Uri,
) -> Result<Response, Fail> {
    if !sees(&person.user) {
        return Err(Fail::no_page());
    }
    let part = Part::of(&person.user, &Fields::of(&uri));
    let state = (console.clone(), None::<Vec<Tile>>);
    events::answer(
        &console,
        person,
        EVERY,
        state,
        move |(console, last): &mut (Console, Option<Vec<Tile>>)| {
            let (console, part, before) = (console.clone(), part.clone(), last.take());
            Box::pin(async move {
                let (streams, _) = part.streams(&console, console.desk.clock.now()).await?;
                let elsewhere = elsewhere(&console, ids(&streams)).await?;
                let mut tiles: Vec<Tile> = Vec::with_capacity(streams.len());
                for open in &streams {
                    let id = open.stream.id.to_string();
                    let known = before.iter().flatten().find(|tile| tile.id == id);
                    tiles.push(Tile::of(&console, open, &elsewhere, known).await?);
                }
                let beat =
                    if before.as_ref() == Some(&tiles) { Beat::Same } else { Beat::of("tiles", &tiles) };
                Ok((beat, (console, Some(tiles))))
            })
        },
    )
}

/// Asked by the wall's script while it is open: frames alone do not tell whether somebody is there.
pub(super) async fn looks(_: UnaskedPost) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// A copy of the newest frame, made in the sandbox; where none is at hand, of the last one that was kept.
pub(super) async fn frame(
    State(console): State<Console>,
    Unasked(person): Unasked,
    Extension(decoding): Extension<Decoding>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Fail> {
    let stream = of(&console, &person.user, &id).await?;
    if !same(Fields::of(&uri).get("view"), &view(&person, stream.id)) {
        return Err(Fail::no_page());
    }
    let live = console.hub.as_ref().and_then(|hub| hub.here(stream.id));
    // Whoever watches it here may not know yet what was ruled elsewhere.
    let standing = match live.as_ref().filter(|live| live.fence() >= stream.fence) {
        Some(live) => live.shown().state.standing,
        None => stream.seen_at(console.desk.clock.now()).0,
    };
    console.desk.watches(&person, stream.id, standing).await?;
    let newest = match live {
        Some(live) => live.newest().map(|newest| (newest.bytes.to_vec(), newest.media_type.to_owned())),
        None => shot(&console, &stream).await?,
    };
    let (bytes, media_type) = match newest {
        Some(newest) => newest,
        None => kept(&console, &stream).await?.ok_or_else(Fail::no_page)?,
    };
    decoding.begins();
    let preview =
        console.previews.of_bytes(&bytes, &media_type, EDGE, &super::media::mark(&console, &person)).await?;
    Ok(super::media::answer(preview))
}

/// Bytes and media type of a frame.
type Bytes = (Vec<u8>, String);

/// The newest frame of a stream that is watched elsewhere.
async fn shot(console: &Console, stream: &Stream) -> Result<Option<Bytes>, Fail> {
    let found = elsewhere(console, vec![stream.id]).await?.remove(&stream.id);
    match found {
        Some(shot) => read(console, &shot.key, shot.media_type).await,
        None => Ok(None),
    }
}

/// The last frame that was kept of its last episode.
async fn kept(console: &Console, stream: &Stream) -> Result<Option<Bytes>, Fail> {
    if stream.episode == 0 {
        return Ok(None);
    }
    let episode = console.desk.store.episode(stream.id, stream.episode).await?;
    match episode.and_then(|mut episode| episode.evidence.pop()) {
        Some(evidence) => read(console, &evidence.key, evidence.media_type).await,
        None => Ok(None),
    }
}

async fn read(console: &Console, key: &str, media_type: String) -> Result<Option<Bytes>, Fail> {
    let Some(file) = console.previews.blobs.open(Zone::Held, key).await? else { return Ok(None) };
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = read.await.map_err(std::io::Error::other).and_then(|read| read).map_err(PortError::from)?;
    Ok(Some((bytes, media_type)))
}

/// The stream, where it is this person's to see.
pub(super) async fn of(console: &Console, user: &User, id: &str) -> Result<Stream, Fail> {
    let id: StreamId = id.parse().map_err(|_| Fail::no_page())?;
    let stream = console.desk.store.stream(id).await?;
    let theirs = |stream: &Stream| sees(user) && user.tenants.includes(&stream.tenant);
    stream.filter(theirs).ok_or_else(Fail::no_page)
}

impl Shown {
    /// The class of its tag.
    fn level(&self) -> &'static str {
        match self.tile.standing {
            s if s == Standing::Cut.as_str() => "high",
            s if s == Standing::Warn.as_str() => "medium",
            _ => "low",
        }
    }
}
