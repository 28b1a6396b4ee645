//! The hand that cuts a stream or clears it, and takes it back. A cut is called out at once, and what it ends is ended: to
//! take it back is to clear the stream, and to take the clearing of a cut back is to cut it again.

use super::{
    Console,
    drafts::sent,
    fail::Fail,
    fields::Fields,
    streams::{back, in_words, of},
    unsent::refused,
    visitor::{Posted, needs},
};
use crate::{
    access::{Person, Right},
    ports::{
        accounts::User,
        store::Stale,
        streams::Stream,
        wall::{Hand, StreamRuling, TAKEN_BACK},
    },
    review::{admit::LONGEST_NOTE, desk::seconds_left, episodes::sees},
    upload::ruling::{Kind, reasons},
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

/// The person's last ruling on a stream, while it can be taken back; and the seconds that are left.
pub(super) async fn undoable(console: &Console, user: &User) -> Result<Option<(StreamRuling, u64)>, Fail> {
    if !sees(user) {
        return Ok(None);
    }
    let (now, undo) = (console.desk.clock.now(), console.desk.rules.undo);
    let last = console.wall.last_hand(&user.id, now - undo).await?;
    Ok(last.filter(|ruling| ruling.undo().is_some()).map(|ruling| {
        let left = seconds_left(ruling.at + undo, now);
        (ruling, left)
    }))
}

pub(super) async fn rule(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    needs(&person, Right::Decide)?;
    let stream = of(&console, &person.user, &id).await?;
    match ruled(&console, &person, &stream, &fields).await {
        Ok(hand) => {
            sent(&console, &person, &fields).await;
            Ok(Redirect::to(&back(&person.user, &fields, hand.as_str())).into_response())
        }
        Err(why) => {
            let form = format!("/console/streams/{}/hand", stream.id);
            Err(refused(&console, &person, &form, &fields, why).await)
        }
    }
}

async fn ruled(console: &Console, person: &Person, stream: &Stream, fields: &Fields) -> Result<Hand, Fail> {
    let wrong = |why: &str| Fail::Said(StatusCode::UNPROCESSABLE_ENTITY, why.to_owned());
    let (hand, reason) = fields.get("choice").split_once(':').ok_or_else(|| wrong("Choose a reason."))?;
    let hand: Hand = hand.parse().map_err(|_| wrong("Choose a reason."))?;
    let kind = match hand {
        Hand::Cut => Kind::Quarantine,
        Hand::Clear => Kind::Approve,
    };
    if !reasons(kind).iter().any(|(code, _)| *code == reason) {
        return Err(wrong("Choose a reason."));
    }
    let note = fields.get("note").trim();
    if note.chars().count() > LONGEST_NOTE {
        return Err(wrong("The note is too long."));
    }
    if note.is_empty() && reason == "other" {
        return Err(wrong("Say in the note what the reason is."));
    }
    // What this person saw of it, when they decided so.
    let last: u32 = fields.get("last").parse().map_err(|_| wrong("Reload the page, and choose again."))?;
    if carried_out(console, person, stream, (hand, reason, note), last).await? {
        return Ok(hand);
    }
    let why = match console.wall.stream_rulings(stream.id, 1).await?.pop() {
        Some(other) if other.number != last => {
            let other = in_words(console, other).await?;
            format!("Nothing was changed. It was ruled on since your page was loaded: {other}.")
        }
        _ => "Nothing was changed: it is over, or it stands so already.".to_owned(),
    };
    Err(Fail::Said(StatusCode::CONFLICT, why))
}

pub(super) async fn undo(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    needs(&person, Right::Decide)?;
    let stream = of(&console, &person.user, &id).await?;
    let last = undoable(&console, &person.user).await?.map(|(ruling, _)| ruling);
    let last =
        last.filter(|ruling| ruling.stream == stream.id && ruling.number.to_string() == fields.get("number"));
    let said = match last.and_then(|last| Some((last.number, last.undo()?))) {
        Some((number, hand))
            if carried_out(&console, &person, &stream, (hand, TAKEN_BACK, ""), number).await? =>
        {
            if hand == Hand::Cut { "cut_again" } else { "cleared_again" }
        }
        _ => "late",
    };
    sent(&console, &person, &fields).await;
    Ok(Redirect::to(&back(&person.user, &fields, said)).into_response())
}

/// False where the stream is not as it was thought to be any more: `last` is the number of the ruling that was.
async fn carried_out(
    console: &Console,
    person: &Person,
    stream: &Stream,
    (hand, reason, note): (Hand, &str, &str),
    last: u32,
) -> Result<bool, Fail> {
    let ruling = StreamRuling {
        stream: stream.id,
        number: 0,
        hand,
        reason: reason.to_owned(),
        note: note.to_owned(),
        by: person.user.id.clone(),
        at: console.desk.clock.now(),
        stood: None,
    };
    let actor = person.actor();
    let deed = console.people.deed(&actor, "stream.ruled");
    if let Err(Stale) = console.wall.rule_stream(&ruling, Some(last), deed).await? {
        return Ok(false);
    }
    if let Some(hub) = &console.hub {
        hub.ruled(stream, hand == Hand::Cut);
    }
    Ok(true)
}
