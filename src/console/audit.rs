//! The audit log, filtered by person, by what it is about and by action.

use super::{
    Console,
    fail::Fail,
    fields::Fields,
    page::{Frame, render},
    visitor::{Signed, needs},
    words,
};
use crate::{
    access::{Person, Right, people::actor},
    ports::{
        accounts::{Queues, Tenants, User},
        reviews::AuditFilter,
        store::AuditLine,
    },
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use std::collections::BTreeMap;

const ROWS: u32 = 100;
/// Who does things and is no person.
const MACHINES: [&str; 2] = ["cli", "system"];
/// People whose names begin alike that are looked for together.
const ALIKE: usize = 8;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    lines: Vec<Row>,
    /// Only a part of the log is shown to this person.
    part: bool,
    wrong: &'static str,
    actor: String,
    subject: String,
    action: String,
    /// The query of the next page; empty on the last.
    older: String,
    query: String,
}

struct Row {
    sequence: u64,
    at: String,
    actor: String,
    /// The person's address; empty where it was none.
    name: String,
    action: String,
    subject: String,
    detail: String,
    item: bool,
}

/// Those who may appear in the log, by what it calls them.
pub(super) struct Known(BTreeMap<String, String>);

impl Known {
    async fn of(console: &Console) -> Result<Self, Fail> {
        let users = console.people.accounts.users().await?;
        Ok(Self(users.iter().map(|user| (actor(user), user.email.clone())).collect()))
    }

    /// The address of who did it; nothing of who is no person.
    pub(super) fn name(&self, actor: &str) -> Option<&str> {
        self.0.get(actor).map(String::as_str)
    }

    /// Whom somebody means by a name: the address, or how it begins.
    fn meant(&self, name: &str) -> Vec<&str> {
        let name = name.to_lowercase();
        let with = |fits: &dyn Fn(&str) -> bool| -> Vec<&str> {
            self.0.iter().filter(|(_, email)| fits(email)).map(|(actor, _)| actor.as_str()).collect()
        };
        let exact = with(&|email| email == name || email.split('@').next() == Some(&name));
        if exact.is_empty() { with(&|email| email.starts_with(&name)) } else { exact }
    }
}

/// What somebody who may read the log asks for of it.
pub(super) struct Asked {
    pub fields: Fields,
    pub known: Known,
    pub filter: AuditFilter,
    /// What is to be said of that.
    pub wrong: &'static str,
}

impl Asked {
    pub(super) async fn of(console: &Console, person: &Person, uri: &Uri) -> Result<Self, Fail> {
        needs(person, Right::Audit)?;
        let (fields, known) = (Fields::of(uri), Known::of(console).await?);
        let (filter, wrong) = filter(&person.user, &known, &fields);
        Ok(Self { fields, known, filter, wrong })
    }
}

/// What a person's fields ask for, as far as they may see it, and what is to be said of that.
fn filter(user: &User, known: &Known, fields: &Fields) -> (AuditFilter, &'static str) {
    let text = |name| fields.some(name).map(str::trim).filter(|text| !text.is_empty());
    let mut wrong = "";
    // Also as the log writes them: `cli`, `key:…`, an id.
    let mut among = |name: &str, as_written: &dyn Fn(&str) -> String| {
        let people = if MACHINES.contains(&name) { Vec::new() } else { known.meant(name) };
        let mut these: Vec<String> = people.into_iter().map(as_written).collect();
        if these.len() > ALIKE {
            these.truncate(ALIKE);
            // How many there are is nobody's to learn who sees but a part.
            wrong = if sees_all(user) {
                "More people's addresses begin so than are looked for at a time: write more of it."
            } else {
                ""
            };
        }
        these.push(name.to_owned());
        these
    };
    let actors = text("actor").map(|name| among(name, &str::to_owned));
    let subjects = text("subject")
        .map(|name| among(name, &|actor| actor.strip_prefix("user:").unwrap_or(actor).to_owned()));
    let filter = AuditFilter {
        actors,
        subjects,
        action: text("action").map(str::to_owned),
        sight: (!sees_all(user)).then(|| (user.tenants.clone(), user.queues.clone())),
        before: fields.some("before").and_then(|n| n.parse().ok()).filter(|n| i64::try_from(*n).is_ok()),
        limit: ROWS + 1,
    };
    (filter, wrong)
}

/// Who does not sees what is on record of their tenants and queues, and nothing of people.
fn sees_all(user: &User) -> bool {
    user.tenants == Tenants::All && user.queues == Queues::All
}

pub(super) async fn audit(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    let Asked { fields, known, filter, wrong } = Asked::of(&console, &person, &uri).await?;
    let mut lines = console.desk.reviews.audit_find(&filter).await?;
    let more = lines.len() > ROWS as usize;
    lines.truncate(ROWS as usize);
    let query = fields.query(&["before", "said"]);
    let last = lines.last().map_or(0, |line| line.sequence);
    let frame = Frame::of(&console, &person, "Audit log").await?;
    let page = Page {
        lines: lines.into_iter().map(|line| row(line, &known)).collect(),
        part: !sees_all(&person.user),
        wrong,
        actor: fields.get("actor").to_owned(),
        subject: fields.get("subject").to_owned(),
        action: fields.get("action").to_owned(),
        older: if more { format!("{query}&before={last}") } else { String::new() },
        query,
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

fn row(line: AuditLine, known: &Known) -> Row {
    Row {
        item: line.subject.parse::<crate::upload::UploadId>().is_ok(),
        sequence: line.sequence,
        at: words::time(line.at),
        name: known.name(&line.actor).unwrap_or_default().to_owned(),
        actor: line.actor,
        action: line.action,
        subject: line.subject,
        detail: line.detail,
    }
}
