//! An item in somebody's hand: taken, kept, given back or passed on.

use super::{
    Console,
    fail::Fail,
    filter::Filter,
    unsent::{self, refused},
    visitor::{Posted, UnaskedPost},
};
use crate::{ports::care::Subject, upload::UploadId};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

fn parse(id: &str) -> Result<UploadId, Fail> {
    id.parse().map_err(|_| Fail::no_page())
}

pub(super) async fn take(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let id = parse(&id)?;
    let form = format!("/console/items/{id}/rule");
    let said = match console.desk.take(&person, id).await {
        Ok(Some(_)) => "",
        Ok(None) => "taken",
        Err(why) => return Err(refused(&console, &person, &form, &fields, why).await),
    };
    let query = unsent::query(&console, &person, &form, &fields).await?;
    Ok(Redirect::to(&format!("/console/items/{id}?said={said}&{query}")).into_response())
}

/// Asked by the page's script while it is open.
pub(super) async fn extend(
    State(console): State<Console>,
    Path(id): Path<String>,
    UnaskedPost { person, fields }: UnaskedPost,
) -> Result<StatusCode, Fail> {
    let fence = fields.get("fence").parse().unwrap_or(0);
    let kept = console.desk.extend(&person, parse(&id)?, fence).await?;
    Ok(if kept { StatusCode::NO_CONTENT } else { StatusCode::CONFLICT })
}

/// Asked by the page's script of an item that is only looked at.
pub(super) async fn looks(
    State(console): State<Console>,
    Path(id): Path<String>,
    UnaskedPost { person, .. }: UnaskedPost,
) -> Result<StatusCode, Fail> {
    console.desk.still_looks(&person, Subject::Upload(parse(&id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn leave(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let fence = fields.get("fence").parse().unwrap_or(0);
    console.desk.put_back(&person, parse(&id)?, fence, None).await?;
    Ok(Redirect::to(&Filter::of(&fields).at("/console/queue", "left")).into_response())
}

/// Why somebody skips an item, and how its history says so.
const SKIPS: [(&str, &str); 3] =
    [("not_now", "not now"), ("language", "does not read this language"), ("conflict", "knows who is in it")];

pub(super) fn why_skipped(code: &str) -> &'static str {
    SKIPS.iter().find(|(known, _)| *known == code).map_or("for another reason", |(_, words)| words)
}

pub(super) async fn skip(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let (id, fence) = (parse(&id)?, fields.get("fence").parse().unwrap_or(0));
    let (why, _) = SKIPS.into_iter().find(|(why, _)| *why == fields.get("why")).unwrap_or(SKIPS[0]);
    console.desk.put_back(&person, id, fence, Some(why)).await?;
    super::queue::past(&console, &person, &Filter::of(&fields), "skipped", Some(id)).await
}
