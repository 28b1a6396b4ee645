//! A rest: offered to who has looked at much that is hard to look at, and due when it is enough for a day.

use super::{
    Console,
    fail::Fail,
    page::{Frame, render},
    visitor::Signed,
    words,
};
use crate::{ports::care::Exposure, review::care::Rest};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "pause.html")]
struct Page {
    frame: Frame,
    due: bool,
    seen: Vec<SeenRow>,
}

/// What was looked at today, of one level.
pub(super) struct SeenRow {
    pub words: &'static str,
    pub views: u64,
    pub time: String,
}

pub(super) fn seen(exposure: &Exposure) -> Vec<SeenRow> {
    let row = |words, seen: crate::ports::care::Seen| SeenRow {
        words,
        views: seen.views,
        time: words::minutes(seen.seconds),
    };
    vec![
        row("hard (80 and more)", exposure.high),
        row("medium (50 and more)", exposure.medium),
        row("mild", exposure.low),
    ]
}

pub(super) async fn pause(State(console): State<Console>, Signed(person): Signed) -> Result<Response, Fail> {
    let (exposure, rest) = console.desk.rest(&person.user).await?;
    let frame = Frame::of(&console, &person, "Rest").await?;
    let page = Page { frame: frame.clone(), due: matches!(rest, Rest::Due(_)), seen: seen(&exposure) };
    Ok(render(&page, &frame))
}
