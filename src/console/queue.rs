//! The queue: what waits, hardest first, and the next item for who asks.

use super::{
    Console,
    fail::Fail,
    fields::Fields,
    filter::Filter,
    page::{Frame, render},
    visitor::{Posted, Signed},
    words,
};
use crate::{
    access::Person,
    ports::{
        accounts::Tenants,
        reviews::{Item, Place},
    },
    review::{Denied, care::Rest, desk::Waiting},
    upload::{
        UploadId, filename,
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

/// Rows of one page.
const ROWS: u32 = 100;
/// That nothing is left for this person within the filter, in what a page is asked to say.
const NONE_MATCHES: &str = "none_matches";
/// As that, but for what they skipped just now.
const SKIPPED_LAST: &str = "skipped_last";

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
    labels: Vec<(String, u64)>,
    tenants: Vec<String>,
    /// Ids of what is sealed and waits for this person, without their names; and how much waits for another senior.
    sealed: Vec<String>,
    sealed_for_others: usize,
    /// What waits beside, where the filter lets nothing through.
    beyond: Option<u64>,
    together: Vec<Together>,
    /// Behind the first page.
    further: bool,
    /// Where the next page is; empty on the last.
    more: String,
}

struct Row {
    id: String,
    name: String,
    tenant: String,
    severity: u32,
    level: &'static str,
    why: String,
    /// The reason that is asked for, where that is another one of its.
    also: String,
    /// What it is taken for before all.
    label: String,
    media_type: String,
    age: String,
    holder: &'static str,
    escalated: bool,
    reports: u64,
    /// Which appeal it is that waits; 0 where none does.
    appeal: u64,
    /// Nobody could decide it.
    stranded: bool,
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
    fn new(item: &Item, me: &str, now: Timestamp, stranded: bool, asked: &str) -> Self {
        let held = item.held_until.is_some_and(|until| until > now);
        let also = item.reasons.iter().skip(1).find(|code| *code == asked);
        Self {
            id: item.upload.to_string(),
            name: item.filename.as_deref().map_or("unnamed".to_owned(), filename::display),
            tenant: item.tenant.to_string(),
            severity: item.severity,
            level: words::severity(item.severity),
            why: item.reasons.first().map_or_else(String::new, |code| words::reason(code)),
            also: also.map_or_else(String::new, |code| words::reason(code)),
            label: item.labels.first().cloned().unwrap_or_default(),
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
            stranded,
        }
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
    let filter = Filter::of(&fields);
    // What is no place of ours begins at the top.
    let after = fields.some("after").and_then(|place| place.parse::<Place>().ok());
    let Waiting { mut items, counts, mut labels } =
        desk.queue(&filter.view(desk, &person.user), after.as_ref(), ROWS + 1).await?;
    let more = items.len() > ROWS as usize;
    items.truncate(ROWS as usize);
    let more =
        items.last().filter(|_| more).map(|last| filter.page("/console/queue", &last.place().to_string()));
    let stranded = desk.stranded(&items).await?;
    let now = desk.clock.now();
    let nothing = counts.open == 0 || [NONE_MATCHES, SKIPPED_LAST].contains(&fields.get("said"));
    let beyond = match !filter.is_empty() && nothing {
        true => Some(desk.reviews.counts(&desk.view(&person.user), now).await?.open),
        false => None,
    };
    // They are handed out to who asks for all.
    let episodes = if filter.is_empty() && after.is_none() {
        desk.episodes(&person.user, ROWS).await?
    } else {
        Vec::new()
    };
    let (sealed, sealed_for_others) = desk.sealed(&person.user).await?;
    let mut reasons: Vec<(String, String, u64)> =
        counts.reasons.into_iter().map(|(code, n)| (words::reason(&code), code, n)).collect();
    // What is asked for stays chosen where there is none of it.
    let asked = filter.get("reason");
    if !asked.is_empty() && !reasons.iter().any(|(_, code, _)| code == asked) {
        reasons.push((words::reason(asked), asked.to_owned(), 0));
    }
    let asked = filter.get("label");
    if !asked.is_empty() && !labels.iter().any(|(label, _)| label == asked) {
        labels.push((asked.to_owned(), 0));
    }
    let frame = Frame::of(&console, &person, "Queue").await?.saying(fields.get("said")).within(filter);
    let tenants = match &person.user.tenants {
        Tenants::All => Vec::new(),
        Tenants::These(these) => these.iter().map(ToString::to_string).collect(),
    };
    let asked = frame.filter.get("reason");
    let row = |item: &Item| Row::new(item, &person.user.id, now, stranded.contains(&item.upload), asked);
    let page = Page {
        rows: items.iter().map(row).collect(),
        episodes: episodes
            .iter()
            .map(|episode| super::episode::Row::new(episode, &person.user, now))
            .collect(),
        open: counts.open,
        held: counts.held,
        oldest: counts.oldest.map_or("–".to_owned(), |at| words::age(at, now)),
        reasons,
        labels,
        tenants,
        sealed: sealed.iter().map(|item| item.upload.to_string()).collect(),
        sealed_for_others,
        beyond,
        together: together(),
        further: after.is_some(),
        more: more.unwrap_or_default(),
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

/// Hands the next item out.
pub(super) async fn next(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    onward(&console, &person, &Filter::of(&fields), "").await
}

/// To the next item, which is this person's now, or to the queue where there is none. Episodes of live streams, which are
/// over, come after uploads, and only to who asks for all; what this person skipped comes last.
pub(super) async fn onward(
    console: &Console,
    person: &Person,
    filter: &Filter,
    said: &str,
) -> Result<Response, Fail> {
    past(console, person, filter, said, None).await
}

/// As [`onward`], past an item that was skipped just now.
pub(super) async fn past(
    console: &Console,
    person: &Person,
    filter: &Filter,
    said: &str,
    skipped: Option<UploadId>,
) -> Result<Response, Fail> {
    let desk = &console.desk;
    let view = filter.view(desk, &person.user);
    let to = |path: &str, said: &str| Ok(Redirect::to(&filter.at(path, said)).into_response());
    if let Some(item) = desk.next(person, &view).await? {
        return to(&format!("/console/items/{}", item.upload), said);
    }
    if filter.is_empty()
        && let Some(episode) = desk.next_episode(person).await?
    {
        return to(&super::episode::path(episode.stream, episode.number), said);
    }
    if let Some(item) = desk.next_skipped(person, &view, skipped).await? {
        return to(&format!("/console/items/{}", item.upload), said);
    }
    let none = match skipped {
        Some(_) => SKIPPED_LAST,
        None if filter.is_empty() => "none",
        None => NONE_MATCHES,
    };
    to("/console/queue", none)
}
