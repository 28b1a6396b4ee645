//! A decision as it is sent, and its undoing.

use super::{
    Console, drafts::sent, fail::Fail, fields::Fields, filter::Filter, queue::onward, unsent::refused,
    visitor::Posted,
};
use crate::{
    access::{Right, may},
    ports::reviews::Standing,
    review::{Ask, Denied},
    upload::{
        UploadId,
        ruling::{Kind, SEALS},
    },
};
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

/// What a form asks for.
pub(super) fn ask(fields: &Fields) -> Result<Ask, Denied> {
    let (kind, reason) = fields.get("choice").split_once(':').ok_or(Denied::Reason)?;
    let kind: Kind = kind.parse().map_err(|_| Denied::Reason)?;
    Ok(Ask {
        kind,
        reason: reason.to_owned(),
        note: fields.get("note").to_owned(),
        // Gaps count where something is let through.
        overrides: if kind == Kind::Approve { fields.all("override") } else { Vec::new() },
        fence: fields.get("fence").parse().unwrap_or(0),
        batch: None,
    })
}

pub(super) async fn rule(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    let filter = Filter::of(&fields);
    let item = format!("/console/items/{id}");
    let ruled = match ask(&fields) {
        Ok(ask) => console.desk.rule(&person, id, &ask).await,
        Err(denied) => Err(denied.into()),
    };
    let ruling = match ruled {
        Ok(ruling) => ruling,
        Err(why) => return Err(refused(&console, &person, &format!("{item}/rule"), &fields, why).await),
    };
    sent(&console, &person, &fields).await;
    let said = match (ruling.kind, ruling.standing) {
        (Kind::Note, _) => {
            return Ok(Redirect::to(&filter.at(&item, "noted")).into_response());
        }
        (Kind::Escalate, _) => "escalated",
        (_, Standing::Second) => "second",
        _ if ruling.reason == SEALS && console.desk.left(&ruling, &person.user).is_none() => "sealed_at_once",
        _ if ruling.reason == SEALS => "sealed",
        _ => "ruled",
    };
    if fields.get("then") == "next" {
        return onward(&console, &person, &filter, said).await;
    }
    // What they sealed is not there for them any more.
    let gone = ruling.reason == SEALS && !may(person.user.role, Right::Sealed);
    let to = if gone { "/console/queue" } else { item.as_str() };
    Ok(Redirect::to(&filter.at(to, said)).into_response())
}

pub(super) async fn undo(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let filter = Filter::of(&fields);
    if let Some(batch) = fields.some("batch") {
        let undone = console.desk.undo_all(&person, batch).await?;
        sent(&console, &person, &fields).await;
        let said = match undone {
            (0, _) => "late_together",
            (_, 0) => "undone_together",
            _ => "undone_some",
        };
        return Ok(Redirect::to(&filter.at("/console/queue", said)).into_response());
    }
    let id: UploadId = fields.get("upload").parse().map_err(|_| Fail::no_page())?;
    let number = fields.get("number").parse().map_err(|_| Fail::no_page())?;
    let undone = console.desk.undo(&person, id, number).await?;
    sent(&console, &person, &fields).await;
    let said = match undone {
        false => "late",
        true if console.desk.seen(&person.user, id).await?.is_held_by(&person.user) => "undone",
        // It was decided before, and is so again.
        true => "taken_back",
    };
    Ok(Redirect::to(&filter.at(&format!("/console/items/{id}"), said)).into_response())
}
