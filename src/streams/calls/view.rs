//! A stream as its followers see it.

use crate::{
    http::Api,
    ports::streams::{Counts, Pull, Stream},
    streams::window::State,
    upload::{Because, Standing, StreamId},
};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StreamView {
    #[schema(value_type = String, format = Uuid)]
    pub id: StreamId,
    pub open: bool,
    pub decision: Standing,
    pub reason: Because,
    /// Since it stands so.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    pub counts: Counts,
    /// How it goes with its source, where its frames are fetched.
    pub pull: Option<Pull>,
    pub external_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
}

impl StreamView {
    /// As it stands now: where this process watches it, from there, else by its row.
    pub fn of(api: &Api, stream: Stream) -> Self {
        let live = api.streams.hub.as_ref().and_then(|hub| hub.here(stream.id)).filter(|_| stream.is_open());
        let (state, since, counts) = match live {
            Some(live) => {
                let shown = live.shown();
                (shown.state, shown.since, live.counts())
            }
            None => {
                let (standing, because) = stream.seen_at(api.clock.now());
                (State { standing, because }, stream.since, stream.counts)
            }
        };
        Self {
            id: stream.id,
            open: stream.is_open(),
            decision: state.standing,
            reason: state.because,
            since,
            counts,
            pull: stream.pull,
            external_id: stream.external_id,
            opened_at: stream.opened_at,
            closed_at: stream.closed_at,
        }
    }
}
