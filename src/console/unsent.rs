//! What was written in a form of which nothing was done: it was refused, or its page's time ran out. The page that says so
//! shows it, and leads to where it is sent again; no address holds any of it.

use super::{Console, drafts, fail::Fail, fields::Fields};
use crate::{
    access::{Person, Right, may},
    ports::PortError,
};
use axum::http::StatusCode;

/// What a refusal shows of it.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pub choice: String,
    pub note: String,
    /// Where somebody goes on with it; empty where it is not kept.
    pub at: String,
}

impl Unsent {
    pub(super) fn is_empty(&self) -> bool {
        self.note.is_empty()
    }
}

fn is_written(fields: &Fields) -> bool {
    !fields.get("note").trim().is_empty()
}

/// A decision that was sent to this path, and why it is not done.
pub(super) async fn refused(
    console: &Console,
    person: &Person,
    path: &str,
    fields: &Fields,
    why: impl Into<Fail>,
) -> Fail {
    let why = why.into();
    if !is_written(fields) {
        return why;
    }
    let keeps = match &why {
        // There is no page to go back to; or the store is away.
        Fail::Said(StatusCode::NOT_FOUND, _) | Fail::Port(_) => false,
        _ => may(person.user.role, Right::Decide),
    };
    let mut unsent = Unsent {
        choice: fields.get("choice").replace('_', " ").replace(':', ": "),
        note: fields.get("note").to_owned(),
        at: String::new(),
    };
    if keeps {
        match keep(console, person, path, fields).await {
            Ok(id) => unsent.at = drafts::at_page(&id),
            Err(error) => tracing::warn!(%error, "what was refused is shown, and not kept"),
        }
    }
    match why {
        // That page offers what is kept.
        Fail::SignIn(_) | Fail::To(_) | Fail::Go(_) => why,
        why => Fail::Unsent(Box::new(why), unsent),
    }
}

/// The query with which somebody goes on from a page whose time ran out, to be sent to this path again: codes as they are,
/// and what they wrote by the id under which it is kept.
pub(super) async fn query(
    console: &Console,
    person: &Person,
    path: &str,
    fields: &Fields,
) -> Result<String, PortError> {
    if !is_written(fields) {
        return Ok(fields.query(&["csrf", "fence", "said", "then", "note"]));
    }
    let id = keep(console, person, path, fields).await?;
    let mut rest = fields.without(&["csrf", "fence", "said", "then", "note", "choice", "override", "draft"]);
    rest.push(("draft".to_owned(), id));
    Ok(Fields::from(rest).query(&[]))
}

/// Kept, where there is anything written, to be offered on the pages from now on. Gives its id.
pub(super) async fn for_later(
    console: &Console,
    person: &Person,
    path: &str,
    fields: &Fields,
) -> Option<String> {
    if !is_written(fields) {
        return None;
    }
    let kept = keep(console, person, path, fields).await;
    kept.inspect_err(|error| tracing::warn!(%error, "what could not be done is not kept")).ok()
}

/// In place of the draft that it was before.
async fn keep(console: &Console, person: &Person, path: &str, fields: &Fields) -> Result<String, PortError> {
    let id = drafts::keep(console, &person.user.id, path, drafts::written(fields)).await?;
    drafts::sent(console, person, fields).await;
    Ok(id)
}
