//! One decision on many items: chosen in the queue, looked at beforehand, made, and taken back as one.

use super::{
    Console,
    drafts::sent,
    fail::{Fail, sentence},
    fields::Fields,
    filter::Filter,
    page::{Frame, render},
    rule::ask,
    unsent::{for_later, refused},
    visitor::{Posted, needs},
    words,
};
use crate::{
    access::{Person, Right},
    ports::reviews::{Brief, Ruling, Standing},
    review::{
        Ask, Denied,
        admit::gaps_of,
        care::Rest,
        desk::Trouble,
        together::{Foreseen, MOST},
    },
    upload::{
        State as UploadState, UploadId, filename,
        ruling::{Kind, SEALS, reasons},
    },
};
use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "bulk.html")]
struct Page {
    frame: Frame,
    choice: String,
    decision: String,
    note: String,
    /// The id of what it was written as, or empty.
    draft: String,
    can: Vec<Row>,
    cannot: Vec<Row>,
    gaps: Vec<GapBox>,
    /// Gaps that are gone over, for another try.
    overrides: Vec<String>,
    undo_seconds: u64,
    /// How many of those that can be decided nobody takes back.
    for_good: usize,
    /// It was done; this is what could not be.
    done: bool,
}

struct Row {
    id: String,
    name: String,
    tenant: String,
    severity: u32,
    level: &'static str,
    what: String,
}

struct GapBox {
    code: String,
    words: String,
    items: usize,
    chosen: bool,
}

fn ids_of(names: Vec<String>) -> Result<Vec<UploadId>, Fail> {
    let mut ids: Vec<UploadId> = names.iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    let wrong = |why: &str| Err(Fail::Said(StatusCode::UNPROCESSABLE_ENTITY, why.to_owned()));
    match ids.len() {
        0 => wrong("Choose items in the queue first."),
        n if n > MOST => wrong("That is too much for one decision: choose a hundred items at most."),
        _ => Ok(ids),
    }
}

/// What would be done, and may be by this person at all.
async fn asked(console: &Console, person: &Person, fields: &Fields) -> Result<Ask, Fail> {
    needs(person, Right::Decide)?;
    if let (_, Rest::Due(_)) = console.desk.rest(&person.user).await? {
        return Err(Denied::Paused.into());
    }
    let ask = ask(fields)?;
    if ask.kind == Kind::Note { Err(Denied::Reason.into()) } else { Ok(ask) }
}

/// As [`asked`], and of which items.
async fn asked_of(
    console: &Console,
    person: &Person,
    fields: &Fields,
    names: Vec<String>,
) -> Result<(Ask, Vec<UploadId>), Fail> {
    let asked = match asked(console, person, fields).await {
        Ok(ask) => ids_of(names).map(|ids| (ask, ids)),
        Err(why) => Err(why),
    };
    match asked {
        Ok(asked) => Ok(asked),
        Err(why) => Err(refused(console, person, "/console/bulk", fields, why).await),
    }
}

pub(super) async fn preview(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    // Those that could not be decided before perhaps can now.
    let names = [fields.all("item"), fields.all("again")].concat();
    let (ask, ids) = asked_of(&console, &person, &fields, names).await?;
    let foreseen = console.desk.foresee(&person, &ids, &ask).await?;
    let frame = Frame::of(&console, &person, "Decide together").await?.within(Filter::of(&fields));
    let (mut can, mut cannot) = (Vec::new(), Vec::new());
    for one in &foreseen {
        match &one.outcome {
            Ok(ruling) => can.push(row(one, becomes(ruling, one))),
            Err(denied) => cannot.push(row(one, sentence(&denied.to_string()))),
        }
    }
    let gaps = if ask.kind == Kind::Approve { gaps(&foreseen, &ask) } else { Vec::new() };
    let mut page = page(&console, &frame, &ask, can, cannot, gaps, false);
    fields.get("draft").clone_into(&mut page.draft);
    let made = foreseen.iter().filter_map(|one| one.outcome.as_ref().ok());
    page.for_good = made.filter(|ruling| console.desk.left(ruling, &person.user).is_none()).count();
    Ok(render(&page, &frame))
}

fn page(
    console: &Console,
    frame: &Frame,
    ask: &Ask,
    can: Vec<Row>,
    cannot: Vec<Row>,
    gaps: Vec<GapBox>,
    done: bool,
) -> Page {
    let words = reasons(ask.kind).iter().find(|(code, _)| *code == ask.reason).map_or("", |(_, words)| words);
    Page {
        frame: frame.clone(),
        choice: format!("{}:{}", ask.kind, ask.reason),
        decision: format!("{}: {words}", words::kind(ask.kind)),
        note: ask.note.clone(),
        draft: String::new(),
        can,
        cannot,
        gaps,
        overrides: ask.overrides.clone(),
        undo_seconds: console.desk.rules.undo.as_secs(),
        for_good: 0,
        done,
    }
}

fn row(one: &Foreseen, what: String) -> Row {
    let item = one.brief.as_ref().map(|brief| &brief.item);
    let severity = item.map_or(0, |item| item.severity);
    Row {
        id: one.id.to_string(),
        name: match item {
            Some(item) => item.filename.as_deref().map_or("unnamed".to_owned(), filename::display),
            None => one.id.to_string(),
        },
        tenant: item.map_or_else(String::new, |item| item.tenant.to_string()),
        severity,
        level: words::severity(severity),
        what,
    }
}

fn becomes(ruling: &Ruling, one: &Foreseen) -> String {
    let state = one.brief.as_ref().map(|brief| brief.state);
    let words = match (ruling.kind, ruling.standing, state) {
        (_, Standing::Second, _) => "Waits for a second person to agree",
        (Kind::Approve, _, Some(UploadState::Published)) => "Stays published; its reports are dismissed",
        (Kind::Approve, ..) => "Is examined afresh, and published",
        (Kind::Quarantine, _, Some(UploadState::Quarantined)) if ruling.reason == SEALS => {
            "Stays quarantined, and is sealed at once"
        }
        (Kind::Quarantine, _, Some(UploadState::Quarantined)) => "Stays quarantined; its appeal is rejected",
        (Kind::Quarantine, _, Some(UploadState::Published)) if ruling.reason == SEALS => {
            "Is taken down and sealed at once, which cannot be taken back"
        }
        (Kind::Quarantine, _, Some(UploadState::Published)) => "Is taken down",
        (Kind::Quarantine, ..) if ruling.reason == SEALS => "Is quarantined, and sealed at once",
        (Kind::Quarantine, ..) => "Is quarantined",
        (Kind::Escalate, ..) => "Goes to a senior",
        (Kind::Note, ..) => "Stays as it is",
    };
    words.to_owned()
}

/// All gaps of all items, to be gone over together.
fn gaps(foreseen: &[Foreseen], ask: &Ask) -> Vec<GapBox> {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    let briefs = foreseen.iter().filter_map(|one| one.brief.as_ref());
    for brief in briefs.filter(|brief| brief.state != UploadState::Published) {
        for gap in gaps_of(&brief.verdict, &brief.rulings) {
            *counted.entry(gap.code).or_default() += 1;
        }
    }
    let chosen = |code: &String| ask.overrides.contains(code);
    counted
        .into_iter()
        .map(|(code, items)| GapBox { words: words::reason(&code), chosen: chosen(&code), items, code })
        .collect()
}

pub(super) async fn rule(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let (mut ask, ids) = asked_of(&console, &person, &fields, fields.all("item")).await?;
    let filter = Filter::of(&fields);
    let mut bytes = [0; 8];
    console.people.random.fill(&mut bytes)?;
    ask.batch = Some(crate::hex(&bytes));
    let all = console.desk.rule_all(&person, &ids, &ask).await;
    let decided = all.iter().any(|(_, ruled)| ruled.is_ok());
    let mut made = all.iter().filter_map(|(_, ruled)| ruled.as_ref().ok());
    let said = if made.any(|ruling| console.desk.left(ruling, &person.user).is_some()) {
        "together"
    } else if ask.reason == SEALS {
        "sealed_at_once"
    } else {
        "ruled"
    };
    let failed: Vec<(UploadId, String)> = all
        .into_iter()
        .filter_map(|(id, ruled)| match ruled {
            Ok(_) => None,
            Err(Trouble::Denied(denied)) => Some((id, sentence(&denied.to_string()))),
            Err(Trouble::Port(error)) => {
                tracing::error!(upload.id = %id, %error, "one of many could not be decided");
                Some((id, "The store could not be reached: it is not decided.".to_owned()))
            }
        })
        .collect();
    if failed.is_empty() {
        sent(&console, &person, &fields).await;
        return Ok(Redirect::to(&filter.at("/console/queue", said)).into_response());
    }
    let rest = rest(&fields, &failed);
    let draft = for_later(&console, &person, "/console/bulk/decide", &rest).await;
    if decided && draft.is_none() {
        sent(&console, &person, &fields).await;
    }
    let mut cannot = Vec::new();
    for (id, why) in failed {
        // A store that is gone does not tell names either.
        let brief = console.desk.seen(&person.user, id).await.ok().map(Brief::from);
        cannot.push(row(&Foreseen { id, brief, outcome: Err(Denied::NoItem) }, why));
    }
    let frame = Frame::of(&console, &person, "Decide together").await?.within(filter);
    let mut page = page(&console, &frame, &ask, Vec::new(), cannot, Vec::new(), true);
    page.draft = draft.unwrap_or_default();
    Ok((StatusCode::CONFLICT, render(&page, &frame)).into_response())
}

/// The form as it is sent again, for these alone.
fn rest(fields: &Fields, failed: &[(UploadId, String)]) -> Fields {
    let mut rest = fields.without(&["item", "again"]);
    rest.extend(failed.iter().map(|(id, _)| ("item".to_owned(), id.to_string())));
    Fields::from(rest)
}
