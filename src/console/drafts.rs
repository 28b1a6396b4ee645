//! What somebody sent and is not done: their session was over already, or it was refused. It is kept for an hour, and comes
//! back to the same person alone: filled in where its page has a form for it, and else to be looked over. Nothing is done
//! before they send it again.

use super::{
    Console,
    again::{Chance, chance},
    fail::Fail,
    fields::Fields,
    filter::Filter,
    page::{Frame, render},
    streams::{in_words, of},
    visitor::{Posted, Signed},
};
use crate::{
    access::{Person, Right, may},
    ports::{PortError, drafts::Draft, wall::StreamRuling},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use sha2::{Digest, Sha256};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(3600);
/// Of one person at a time.
const MOST: u32 = 8;
/// Bytes of names and values: the longest policy, and what stands around it.
const LARGEST: usize = crate::upload::policy::MAX_BYTES + 64 * 1024;
/// What belongs to the page that it was sent from.
const OF_THE_PAGE: [&str; 7] = ["csrf", "fence", "proof", "over", "then", "draft", "last"];

/// Of the wall's page that a form leads back to.
const OF_THE_WALL: [&str; 3] = ["tenant", "name", "after"];

/// Forms in which somebody says, writes or takes back something. None holds a secret; whatever else is sent is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// These are filled in on their own page.
    Item,
    Episode,
    Policy,
    Bulk,
    Stream,
    People,
    /// Nothing is written in these.
    Undo,
    Dead,
    Session,
}

impl Form {
    fn at(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix("/console/")?.split('/').collect();
        Some(match parts[..] {
            ["items", _, "rule"] => Self::Item,
            ["episodes", _, _, "rule"] => Self::Episode,
            ["policy"] => Self::Policy,
            ["bulk"] | ["bulk", "decide"] => Self::Bulk,
            ["streams", _, "hand"] => Self::Stream,
            ["users"] | ["users", _] => Self::People,
            ["undo"] | ["streams", _, "undo"] | ["episodes", _, _, "undo"] => Self::Undo,
            ["insight", "dead"] => Self::Dead,
            ["account", "end"] => Self::Session,
            _ => return None,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Item => "a decision or a note on an item",
            Self::Episode => "a decision on an episode",
            Self::Policy => "a change of a policy",
            Self::Bulk => "one decision on many items",
            Self::Stream => "a stream to be cut or cleared by hand",
            Self::People => "a change of an account",
            Self::Undo => "a decision to be taken back",
            Self::Dead => "dead letters to be sent back",
            Self::Session => "a session to be ended",
        }
    }

    /// Without what belongs to the page alone. Which word on an episode is taken back is told by its fence.
    fn written(self, fields: &Fields) -> Vec<(String, String)> {
        let mut written = written(fields);
        if self == Self::Undo
            && let Some(fence) = fields.some("fence")
        {
            written.push(("fence".to_owned(), fence.to_owned()));
        }
        written
    }

    /// What of it is for people to read.
    fn shown(self, fields: &Fields) -> Vec<(String, String)> {
        match self {
            Self::Stream => fields.without(&OF_THE_WALL),
            Self::Undo | Self::Dead | Self::Session => Vec::new(),
            _ => fields.without(&[]),
        }
    }
}

/// What tells whose page a form came from. It is stored, and nobody makes the token of it.
fn hash(token: &str) -> String {
    crate::hex(&Sha256::digest(token))
}

/// Forms of this session are its person's from now on.
pub(super) async fn know(console: &Console, person: &Person) -> Result<(), PortError> {
    let (csrf, now) = (super::page::csrf(person), console.people.clock.now());
    console.drafts.know_forms(&hash(&csrf), &person.session.hash, &person.user.id, now).await
}

/// A form that no session of now sent: it is kept for whoever's page it is from. `now` is who is signed in.
pub(super) async fn kept(
    console: &Console,
    path: &str,
    fields: &Fields,
    now: Option<&Person>,
) -> Result<Fail, PortError> {
    let instead = || match now {
        Some(_) => Fail::stale_form(),
        None => Fail::SignIn(place(path)),
    };
    let Some(form) = Form::at(path) else { return Ok(instead()) };
    // Nobody but our own page knows a token that is known here, so nobody else plants anything.
    let Some(writer) = console.drafts.whose_form(&hash(fields.get("csrf"))).await? else {
        return Ok(instead());
    };
    let user = console.people.accounts.user(&writer).await?;
    if user.is_none_or(|user| user.disabled_at.is_some()) {
        return Ok(instead());
    }
    let written = form.written(fields);
    let bytes: usize = written.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > LARGEST {
        let why = format!(
            "Your session is over, and this was too large to be kept: {}, of {} KiB. Nothing of it was done. Go back in your \
             browser to copy it, sign in, and send it again.",
            form.words(),
            bytes / 1024
        );
        return Ok(Fail::Said(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    let id = keep(console, &writer, path, written).await?;
    Ok(match now {
        Some(person) if person.user.id != writer => Fail::Said(
            StatusCode::FORBIDDEN,
            "This form is from another person's session. Nothing of it was done; it is kept for them for an hour.".into(),
        ),
        Some(_) => Fail::Go(at_page(&id)),
        None => Fail::SignIn(at_page(&id)),
    })
}

/// Without what belongs to the page alone.
pub(super) fn written(fields: &Fields) -> Vec<(String, String)> {
    fields.without(&OF_THE_PAGE)
}

/// Gives its id.
pub(super) async fn keep(
    console: &Console,
    person: &str,
    path: &str,
    fields: Vec<(String, String)>,
) -> Result<String, PortError> {
    let mut id = [0; 16];
    console.people.random.fill(&mut id)?;
    let (id, at) = (crate::hex(&id), console.people.clock.now());
    let (person, path) = (person.to_owned(), path.to_owned());
    let draft = Draft { id: id.clone(), person, path, fields, at, until: at + LIFE };
    console.drafts.keep(&draft, MOST).await?;
    Ok(id)
}

/// Where to go on instead, with nothing of what was written.
fn place(path: &str) -> String {
    let of_one = path.starts_with("/console/items/") || path.starts_with("/console/episodes/");
    match path.rsplit_once('/') {
        Some((one, _)) if of_one => one.to_owned(),
        _ => "/console".to_owned(),
    }
}

pub(super) fn at_page(id: &str) -> String {
    format!("/console/drafts/{id}")
}

/// A form that was written before, for its page to fill in.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// Empty where there is none.
    pub id: String,
    pub fields: Fields,
}

impl Written {
    /// What the query names, of this person and for this path.
    pub(super) async fn of(
        console: &Console,
        person: &Person,
        query: &Fields,
        path: &str,
    ) -> Result<Self, Fail> {
        let Some(id) = query.some("draft") else { return Ok(Self::default()) };
        let draft = console.drafts.draft(&person.user.id, id, console.people.clock.now()).await?;
        let draft = draft.filter(|draft| draft.path == path);
        Ok(draft
            .map_or_else(Self::default, |draft| Self { id: draft.id, fields: Fields::from(draft.fields) }))
    }

    pub(super) fn is_some(&self) -> bool {
        !self.id.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.get(name)
    }
}

/// It was sent again, and done: nothing is kept of it any more.
pub(super) async fn sent(console: &Console, person: &Person, fields: &Fields) {
    let Some(id) = fields.some("draft") else { return };
    if let Err(error) = console.drafts.drop_draft(&person.user.id, id).await {
        tracing::warn!(%error, "a draft that was sent stays until its hour is over");
    }
}

#[derive(Template)]
#[template(path = "draft.html")]
struct Page {
    frame: Frame,
    id: String,
    what: &'static str,
    /// Of which account or stream; empty where the fields say it.
    about: String,
    /// Why it cannot be done any more; empty where it can.
    over: &'static str,
    action: String,
    press: &'static str,
    shown: Vec<(String, String)>,
    /// The number of the last ruling on the stream; empty where it is about none.
    last: String,
    fields: Vec<(String, String)>,
}

fn gone() -> Fail {
    let why = "Nothing is kept here for you. What is sent when a session is over, or is refused, is kept for an hour, for the \
               person who wrote it, until it is sent again.";
    Fail::Said(StatusCode::NOT_FOUND, why.into())
}

pub(super) async fn draft(
    State(console): State<Console>,
    Signed(person): Signed,
    Path(id): Path<String>,
) -> Result<Response, Fail> {
    let draft = console.drafts.draft(&person.user.id, &id, console.people.clock.now()).await?;
    let draft = draft.ok_or_else(gone)?;
    let form = Form::at(&draft.path).ok_or_else(gone)?;
    let fields = Fields::from(draft.fields.clone());
    let filter = Filter::of(&fields);
    let (action, press) = match form {
        Form::Item | Form::Episode => {
            let at = filter.at(draft.path.trim_end_matches("/rule"), "");
            return Ok(Redirect::to(&with(&at, &id)).into_response());
        }
        Form::Policy => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("tenant", fields.get("tenant"))
                .finish();
            return Ok(Redirect::to(&with(&format!("{}?{query}", draft.path), &id)).into_response());
        }
        // What would happen is looked at afresh.
        Form::Bulk => ("/console/bulk".to_owned(), "Look at what would happen"),
        Form::Stream | Form::People => (draft.path, "Send it now"),
        Form::Undo => (draft.path, "Take it back now"),
        Form::Dead => (draft.path, "Send them back now"),
        Form::Session => (draft.path, "End it now"),
    };
    let Chance { mut about, over } = match form {
        Form::Undo | Form::Dead | Form::Session => chance(&console, &person, &action, &fields).await?,
        _ => Chance { about: about(&console, &person, &action).await?, over: "" },
    };
    let mut last = String::new();
    if form == Form::Stream {
        let ruled = ruled(&console, &person, &about).await?;
        last = ruled.as_ref().map_or(0, |ruled| ruled.number).to_string();
        if let Some(ruled) = ruled {
            let words = in_words(&console, ruled).await?;
            about = format!("{about} ({words})");
        }
    }
    let frame = Frame::of(&console, &person, "Not done yet").await?;
    let page = Page {
        frame: frame.clone(),
        id,
        what: form.words(),
        about,
        over,
        action,
        press,
        shown: form.shown(&fields),
        last,
        fields: draft.fields,
    };
    Ok(render(&page, &frame))
}

/// The last ruling on a stream, where it is this person's to see.
async fn ruled(console: &Console, person: &Person, stream: &str) -> Result<Option<StreamRuling>, Fail> {
    match of(console, &person.user, stream).await {
        Ok(stream) => Ok(console.wall.stream_rulings(stream.id, 1).await?.pop()),
        Err(Fail::Said(..)) => Ok(None),
        Err(why) => Err(why),
    }
}

/// What stands in the address alone.
async fn about(console: &Console, person: &Person, action: &str) -> Result<String, Fail> {
    if let Some(stream) = action.strip_prefix("/console/streams/") {
        return Ok(stream.trim_end_matches("/hand").to_owned());
    }
    let Some(id) = action.strip_prefix("/console/users/") else { return Ok(String::new()) };
    if !may(person.user.role, Right::Accounts) {
        return Ok(id.to_owned());
    }
    let user = console.people.accounts.user(id).await?;
    Ok(user.map_or_else(|| id.to_owned(), |user| user.email))
}

fn with(path: &str, id: &str) -> String {
    format!("{path}{}draft={id}", if path.contains('?') { '&' } else { '?' })
}

pub(super) async fn drop(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, .. }: Posted,
) -> Result<Response, Fail> {
    console.drafts.drop_draft(&person.user.id, &id).await?;
    Ok(Redirect::to("/console/queue?said=dropped").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_with_secrets_and_what_pages_send_by_themselves_are_not_kept() {
        for kept in [
            "/console/items/1/rule",
            "/console/episodes/1/2/rule",
            "/console/bulk",
            "/console/bulk/decide",
            "/console/policy",
            "/console/streams/1/hand",
            "/console/users",
            "/console/users/1",
            "/console/undo",
            "/console/streams/1/undo",
            "/console/episodes/1/2/undo",
            "/console/insight/dead",
            "/console/account/end",
        ] {
            assert!(Form::at(kept).is_some(), "{kept}");
        }
        for other in [
            "/console/sign-in",
            "/console/code",
            "/console/link/x",
            "/console/account/password",
            "/console/account/totp",
            "/console/items/1/extend",
            "/console/items/1/leave",
            "/console/items/1/looks",
            "/console/users/1/x",
            "/v1/uploads",
        ] {
            assert_eq!(Form::at(other), None, "{other}");
        }
    }

    #[test]
    fn a_word_on_an_episode_that_is_taken_back_keeps_the_fence_that_tells_which() {
        let fields = Fields::parse(b"csrf=x&fence=7&tenant=acme&after=warn.1");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let (tenant, after) = (pair("tenant", "acme"), pair("after", "warn.1"));
        assert_eq!(Form::Item.written(&fields), [tenant.clone(), after.clone()]);
        assert_eq!(Form::Undo.written(&fields), [tenant, after, pair("fence", "7")]);
        // Nobody reads where a form leads back to.
        assert_eq!(Form::Stream.shown(&fields), [pair("csrf", "x"), pair("fence", "7")]);
        assert!(Form::Undo.shown(&fields).is_empty());
    }
}
