//! The queue: what waits, hardest first, and the next item for who asks.

use super::{
    Console,
    fail::Fail,
    fields::Fields,
    page::{Frame, render},
    visitor::{Posted, Signed},
    words,
};
use crate::{
    access::Person,
    ports::{
        accounts::Tenants,
        reviews::{Item, View},
    },
    review::{Denied, Desk, care::Rest},
    upload::{
        filename,
        ruling::{Kind, reasons},
    },
};
use askama::Template;
use axum::{
    extract::State,
    http::Uri,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use std::time::Duration;

/// What the queue is filtered by.
const FILTERS: [&str; 5] = ["tenant", "reason", "type", "users", "older"];
/// Rows of one page.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "queue.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    episodes: Vec<super::episode::Row>,
    open: u64,
    held: u64,
    oldest: String,
    reasons: Vec<(String, String, u64)>,
    tenants: Vec<String>,
    tenant: String,
    reason: String,
    media_type: String,
    users: String,
    older: String,
    filtered: bool,
    /// What the filter asks for, as a query.
    query: String,
    together: Vec<Together>,
}

struct Row {
    id: String,
    name: String,
    tenant: String,
    severity: u32,
    level: &'static str,
    why: String,
    media_type: String,
    age: String,
    holder: &'static str,
    escalated: bool,
    reports: u64,
    /// Which appeal it is that waits; 0 where none does.
    appeal: u64,
}

/// A decision that can be made on many.
struct Together {
    title: &'static str,
    choices: Vec<(String, &'static str)>,
}

fn together() -> Vec<Together> {
    [Kind::Approve, Kind::Quarantine, Kind::Escalate]
        .into_iter()
        .map(|kind| Together {
            title: words::kind(kind),
            choices: reasons(kind).iter().map(|(code, words)| (format!("{kind}:{code}"), *words)).collect(),
        })
        .collect()
}

impl Row {
    fn new(item: &Item, me: &str, now: Timestamp) -> Self {
        let held = item.held_until.is_some_and(|until| until > now);
        Self {
            id: item.upload.to_string(),
            name: item.filename.as_deref().map_or("unnamed".to_owned(), filename::display),
            tenant: item.tenant.to_string(),
            severity: item.severity,
            level: words::severity(item.severity),
            why: item.reasons.first().map_or_else(String::new, |code| words::reason(code)),
            media_type: item.media_type.clone(),
            age: words::age(item.queued_at, now),
            holder: match (&item.holder, held) {
                (Some(holder), true) if holder == me => "yours",
                (Some(_), true) => "in review",
                (Some(_), false) => "came back",
                _ => "",
            },
            escalated: item.escalated,
            reports: item.reports,
            appeal: if item.appealed { item.appeals } else { 0 },
        }
    }
}

/// The view that the fields ask for; what is not understood asks for nothing.
pub(super) fn view(desk: &Desk, user: &crate::ports::accounts::User, fields: &Fields) -> View {
    let older = fields.some("older").and_then(crate::http::duration::parse);
    let before =
        older.filter(|age| *age < Duration::from_secs(3600 * 24 * 3650)).map(|age| desk.clock.now() - age);
    View {
        tenant: fields.some("tenant").and_then(|name| name.parse().ok()),
        reason: fields.some("reason").map(str::to_owned),
        media_type: fields.some("type").map(str::to_owned),
        voiced: fields.some("users").and_then(|what| what.parse().ok()),
        before,
        ..desk.view(user)
    }
}

pub(super) async fn queue(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    let fields = Fields::of(&uri);
    let desk = &console.desk;
    if let (_, Rest::Due(_)) = desk.rest(&person.user).await? {
        return Err(Denied::Paused.into());
    }
    let (items, counts) = desk.queue(&view(desk, &person.user, &fields), ROWS).await?;
    let now = desk.clock.now();
    let episodes = desk.episodes(&person.user, ROWS).await?;
    let frame = Frame::of(&console, &person, "Queue").await?.saying(fields.get("said"));
    let tenants = match &person.user.tenants {
        Tenants::All => Vec::new(),
        Tenants::These(these) => these.iter().map(ToString::to_string).collect(),
    };
    let page = Page {
        rows: items.iter().map(|item| Row::new(item, &person.user.id, now)).collect(),
        episodes: episodes
            .iter()
            .map(|episode| super::episode::Row::new(episode, &person.user, now))
            .collect(),
        open: counts.open,
        held: counts.held,
        oldest: counts.oldest.map_or("–".to_owned(), |at| words::age(at, now)),
        reasons: counts.reasons.into_iter().map(|(code, n)| (words::reason(&code), code, n)).collect(),
        tenants,
        tenant: fields.get("tenant").to_owned(),
        reason: fields.get("reason").to_owned(),
        media_type: fields.get("type").to_owned(),
        users: fields.get("users").to_owned(),
        older: fields.get("older").to_owned(),
        together: together(),
        filtered: FILTERS.iter().any(|name| fields.some(name).is_some()),
        query: fields.query(&["said"]),
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

/// Hands the next item out.
pub(super) async fn next(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let view = view(&console.desk, &person.user, &fields);
    let to = handed(&console, &person, &view, FILTERS.iter().all(|name| fields.some(name).is_none())).await?;
    Ok(Redirect::to(&to.unwrap_or_else(|| "/console/queue?said=none".to_owned())).into_response())
}

/// Where the next item is, which is this person's now. Episodes of live streams, which are over, come after uploads, and
/// only to who asks for `all`.
pub(super) async fn handed(
    console: &Console,
    person: &Person,
    view: &View,
    all: bool,
) -> Result<Option<String>, Fail> {
    if let Some(item) = console.desk.next(person, view).await? {
        return Ok(Some(format!("/console/items/{}", item.upload)));
    }
    if !all {
        return Ok(None);
    }
    let episode = console.desk.next_episode(person).await?;
    Ok(episode.map(|episode| super::episode::path(episode.stream, episode.number)))
}
