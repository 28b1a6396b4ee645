//! The moderators' pages: rendered here, and whole without scripts. What may be done is `review`'s and `access`'s to say;
//! this folder turns forms into asks, and answers into pages.

mod account;
mod assets;
mod audit;
mod bulk;
mod cookie;
mod episode;
mod fail;
mod fields;
mod guard;
mod item;
mod media;
mod page;
mod pause;
mod queue;
mod rule;
mod sign_in;
mod users;
mod visitor;
mod words;

use crate::{
    access::People,
    review::{Desk, Previews},
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    response::Redirect,
    routing::{get, post},
};

/// What the pages need, handed in by the composition root. Copies share everything.
#[derive(Clone)]
pub struct Console {
    pub people: People,
    pub desk: Desk,
    pub previews: Previews,
    /// The longer edge of what is shown of a held picture, in pixels.
    pub max_edge: u32,
    /// The host that files are served from, which must not be the console's: what somebody uploaded would be of one
    /// origin with it. Absent on loopback.
    pub files_host: Option<String>,
}

/// The largest form, in bytes.
const FORM_BYTES: usize = 64 * 1024;

pub fn router(console: Console) -> Router {
    Router::new()
        .route("/console", get(async || Redirect::to("/console/queue")))
        .route("/console/", get(async || Redirect::to("/console/queue")))
        .route("/console/assets/{name}", get(assets::asset))
        .route("/console/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/console/code", get(sign_in::code_form).post(sign_in::code))
        .route("/console/link/{token}", get(sign_in::link_form).post(sign_in::link))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/queue", get(queue::queue))
        .route("/console/next", post(queue::next))
        .route("/console/items/{id}", get(item::item))
        .route("/console/items/{id}/media", get(media::media))
        .route("/console/items/{id}/take", post(item::take))
        .route("/console/items/{id}/extend", post(item::extend))
        .route("/console/items/{id}/leave", post(item::leave))
        .route("/console/items/{id}/skip", post(item::skip))
        .route("/console/items/{id}/rule", post(rule::rule))
        .route("/console/bulk", post(bulk::preview))
        .route("/console/bulk/decide", post(bulk::rule))
        .route("/console/pause", get(pause::pause))
        .route("/console/items/{id}/sheet", get(episode::sheet))
        .route("/console/episodes/{stream}/{number}", get(episode::episode))
        .route("/console/episodes/{stream}/{number}/frames/{n}", get(episode::shot))
        .route("/console/episodes/{stream}/{number}/rule", post(episode::rule))
        .route("/console/undo", post(rule::undo))
        .route("/console/audit", get(audit::audit))
        .route("/console/audit/export", get(audit::export))
        .route("/console/account", get(account::account))
        .route("/console/account/password", get(account::password_form).post(account::password))
        .route("/console/account/totp", get(account::totp_form).post(account::totp))
        .route("/console/account/end", post(account::end))
        .route("/console/users", get(users::users).post(users::add))
        .route("/console/users/{id}", post(users::change))
        .layer(from_fn_with_state(console.clone(), guard::guard))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .with_state(console)
}
