//! The moderators' pages: rendered here, and whole without scripts. What may be done is `review`'s and `access`'s to say;
//! this folder turns forms into asks, and answers into pages.

mod account;
mod again;
mod assets;
mod audit;
mod bulk;
mod cookie;
mod drafts;
mod engines;
mod episode;
mod events;
mod export;
mod facts;
mod fail;
mod fields;
mod film;
mod filter;
mod guard;
mod hand;
mod history;
mod hold;
mod insight;
mod item;
mod media;
mod nearby;
mod oidc;
mod page;
mod pause;
mod plot;
mod policy;
mod queue;
mod rule;
mod shown;
mod sign_in;
mod streams;
mod unsent;
mod users;
mod visitor;
mod voices;
mod words;

use crate::{
    access::{People, oidc::Provider},
    events::Settled,
    http::Readiness,
    ports::{DeadLetters, Drafts, Federation, Insight, Wall},
    review::{Desk, Player, Previews, Tryouts},
    streams::Hub,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    response::Redirect,
    routing::{get, post},
};
use std::{net::IpAddr, sync::Arc};

pub use events::Pulse;

/// What the pages need, handed in by the composition root. Copies share everything.
#[derive(Clone)]
pub struct Console {
    pub people: People,
    /// Who else may say who somebody is.
    pub oidc: Option<Provider>,
    pub federation: Arc<dyn Federation>,
    pub drafts: Arc<dyn Drafts>,
    pub desk: Desk,
    pub previews: Previews,
    pub player: Player,
    pub insight: Arc<dyn Insight>,
    pub tryouts: Tryouts,
    pub health: Arc<dyn Readiness>,
    pub wall: Arc<dyn Wall>,
    /// Of a process that watches streams.
    pub hub: Option<Hub>,
    /// No other process watches any.
    pub alone: bool,
    pub pulse: Pulse,
    /// Says when the process is about to stop.
    pub settled: Settled,
    /// Of the broker, where there is one.
    pub letters: Option<Arc<dyn DeadLetters>>,
    /// The longer edge of what is shown of a held picture, in pixels.
    pub max_edge: u32,
    /// Whose word is taken for who is behind them.
    pub proxies: Arc<[IpAddr]>,
    /// The host that files are served from, which must not be the console's: what somebody uploaded would be of one
    /// origin with it. Absent on loopback.
    pub files_host: Option<String>,
}

/// The largest form, in bytes.
const FORM_BYTES: usize = 64 * 1024;
/// The largest form with a policy in it, which may be three times as long as its text.
const POLICY_BYTES: usize = 4 * crate::upload::policy::MAX_BYTES;

pub fn router(console: Console) -> Router {
    Router::new()
        .route("/console", get(async || Redirect::to("/console/queue")))
        .route("/console/", get(async || Redirect::to("/console/queue")))
        .route("/console/assets/{name}", get(assets::asset))
        .route("/console/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/console/oidc/begin", get(oidc::begin))
        .route("/console/oidc/back", get(oidc::back))
        .route("/console/code", get(sign_in::code_form).post(sign_in::code))
        .route("/console/link/{token}", get(sign_in::link_form).post(sign_in::link))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/queue", get(queue::queue))
        .route("/console/queue/events", get(events::queue))
        .route("/console/next", post(queue::next))
        .route("/console/items/{id}", get(item::item))
        .route("/console/items/{id}/media", get(media::media))
        .route("/console/items/{id}/play", post(film::play))
        .route("/console/items/{id}/film", get(film::film))
        .route("/console/items/{id}/take", post(hold::take))
        .route("/console/items/{id}/extend", post(hold::extend))
        .route("/console/items/{id}/leave", post(hold::leave))
        .route("/console/items/{id}/looks", post(hold::looks))
        .route("/console/items/{id}/skip", post(hold::skip))
        .route("/console/items/{id}/rule", post(rule::rule))
        .route("/console/episodes/{stream}/{number}", get(episode::episode))
        .route("/console/episodes/{stream}/{number}/frames/{n}", get(episode::shot))
        .route("/console/episodes/{stream}/{number}/take", post(episode::take))
        .route("/console/episodes/{stream}/{number}/extend", post(episode::extend))
        .route("/console/episodes/{stream}/{number}/leave", post(episode::leave))
        .route("/console/episodes/{stream}/{number}/looks", post(episode::looks))
        .route("/console/episodes/{stream}/{number}/rule", post(episode::rule))
        .route("/console/episodes/{stream}/{number}/undo", post(episode::undo))
        .route("/console/bulk", post(bulk::preview))
        .route("/console/bulk/decide", post(bulk::rule))
        .route("/console/drafts/{id}", get(drafts::draft))
        .route("/console/drafts/{id}/drop", post(drafts::drop))
        .route("/console/pause", get(pause::pause))
        .route("/console/undo", post(rule::undo))
        .route("/console/streams", get(streams::wall))
        .route("/console/streams/events", get(streams::live))
        .route("/console/streams/looks", post(streams::looks))
        .route("/console/streams/{id}/frame", get(streams::frame))
        .route("/console/streams/{id}/hand", post(hand::rule))
        .route("/console/streams/{id}/undo", post(hand::undo))
        .route("/console/insight", get(insight::insight))
        .route("/console/insight/engines", get(engines::engines))
        .route("/console/insight/dead", post(engines::redrive))
        .route(
            "/console/policy",
            get(policy::show).post(policy::change).layer(DefaultBodyLimit::max(POLICY_BYTES)),
        )
        .route("/console/audit", get(audit::audit))
        .route("/console/audit/export", get(export::export))
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
