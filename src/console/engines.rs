//! Engines: are they well, what did they not see, and what was given up; with a second chance for that.

use super::{
    Console,
    drafts::sent,
    fail::Fail,
    fields::Fields,
    insight::{by_day, sees_all, span},
    page::{Frame, render},
    plot::{Days, Part},
    visitor::{Posted, Signed, needs},
    words,
};
use crate::{
    access::{Person, Right, may},
    events::dead,
    http::Component,
    ports::insight::What,
    upload::Check,
};
use askama::Template;
use axum::{
    extract::State,
    http::Uri,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use std::time::Duration;

const DEAD: u32 = 100;
const HINDERED: u32 = 20;
/// A part that does not say in time how it is, is not well.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Template)]
#[template(path = "engines.html")]
struct Page {
    frame: Frame,
    days: i64,
    gaps: Days,
    parts: Vec<Component>,
    hindered: Vec<(String, u64)>,
    /// Absent where it cannot be asked for.
    dead: Option<Vec<Letter>>,
    sees_all: bool,
    redrives: bool,
}

struct Letter {
    id: String,
    place: String,
    code: String,
    detail: String,
    body: String,
}

pub(super) async fn engines(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    needs(&person, Right::Insight)?;
    let (days, first) = span(&console, &uri);
    let tallies = console.insight.tallies(&person.user.tenants, &[What::Check], first).await?;
    let mut names = Vec::new();
    let mut parts = Vec::new();
    for (n, check) in Check::ALL.into_iter().enumerate() {
        for how in ["failed", "partial"] {
            let name = format!("{check} {how}");
            if tallies.iter().any(|tally| tally.name == name) {
                parts.push(Part {
                    class: CLASSES[(2 * n + usize::from(how == "partial")) % CLASSES.len()],
                    name: name.clone(),
                });
                names.push(name);
            }
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let counts = by_day(first, days, &tallies, What::Check, &names);
    let said = Fields::of(&uri);
    let frame = Frame::of(&console, &person, "Insight").await?.saying(said.get("said"));
    // What concerns the machine is for those who see all of it.
    let all = sees_all(&person);
    let page = Page {
        days,
        gaps: Days::new("Checks that did not see all", "gaps", first, parts, counts),
        parts: if all { health(&console).await } else { Vec::new() },
        hindered: if all { console.insight.hindered(HINDERED).await? } else { Vec::new() },
        dead: if all { letters(&console).await } else { None },
        sees_all: all,
        redrives: all && may(person.user.role, Right::Operate),
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

const CLASSES: [&str; 10] = ["c-0", "c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7", "c-8", "c-9"];

async fn health(console: &Console) -> Vec<Component> {
    let asked = tokio::time::timeout(PATIENCE, console.health.report()).await;
    asked.unwrap_or_else(|_| {
        let why = Some("it did not answer in time".to_owned());
        vec![Component { name: "this process".to_owned(), ready: false, why }]
    })
}

async fn letters(console: &Console) -> Option<Vec<Letter>> {
    let asked = dead::list(&*console.desk.store, console.letters.as_deref(), DEAD);
    let listed = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => {
            tracing::warn!(%error, "dead letters cannot be listed");
            return None;
        }
        Err(_) => return None,
    };
    // Bodies and details came from outside.
    let letter = |one: &dead::Dead| Letter {
        id: one.id.clone(),
        place: words::brief(&one.place),
        code: words::brief(&one.code),
        detail: words::brief(&one.detail),
        body: words::brief(&one.body),
    };
    Some(listed.iter().map(letter).collect())
}

pub(super) async fn redrive(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    needs(&person, Right::Operate)?;
    if !sees_all(&person) {
        return Err(Fail::forbidden());
    }
    let id = match fields.get("do") {
        "all" => None,
        _ => Some(fields.some("id").ok_or_else(Fail::stale_form)?),
    };
    let now = console.desk.clock.now();
    record(&console, &person, id).await?;
    let count = dead::redrive(&*console.desk.store, console.letters.as_deref(), id, now).await?;
    sent(&console, &person, &fields).await;
    let said = if count == 0 { "nothing_dead" } else { "redriven" };
    Ok(Redirect::to(&format!("/console/insight/engines?said={said}")).into_response())
}

/// Before it is done: what is on record and was not done is the lesser evil.
async fn record(console: &Console, person: &Person, id: Option<&str>) -> Result<(), Fail> {
    let actor = person.actor();
    let deed = console.people.deed(&actor, "dead.redriven");
    let detail = json!({ "id": id.map_or("all".to_owned(), words::brief) });
    Ok(console.desk.reviews.record(deed, &person.user.id, detail).await?)
}
