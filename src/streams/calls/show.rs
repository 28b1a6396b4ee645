//! `GET /v1/streams/{id}`: how a stream stands, once or as it changes.

use super::{
    admit::{Admitted, By},
    view::StreamView,
};
use crate::{
    http::{Api, Problem, problem::ProblemBody},
    streams::live::Shown,
    upload::StreamId,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;

/// Between two reads of the store, for what another process decides.
const POLL: Duration = Duration::from_secs(1);

/// How a stream stands: one object, or with `Accept: text/event-stream` an event `state` at each change, until it closes.
#[utoipa::path(
    get, path = "/v1/streams/{id}", tag = "streams",
    params(("id" = String, Path, description = "The stream's id")),
    responses(
        (status = 200, description = "As it stands", content(
            (StreamView = "application/json"), (String = "text/event-stream"),
        )),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `stream`", body = ProblemBody),
        (status = 404, description = "No such stream of this tenant", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn show(
    Admitted { stream, by }: Admitted,
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/event-stream") {
        return Ok(Json(StreamView::of(&api, stream)).into_response());
    }
    let follower = Follower { api, id: stream.id, by, last: None, follow: None };
    let events = stream::unfold(follower, |mut follower| async move {
        let view = follower.next().await?;
        let event = Event::default().event("state").json_data(&view).unwrap_or_default();
        Some((Ok::<_, Infallible>(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

struct Follower {
    api: Api,
    id: StreamId,
    by: By,
    last: Option<StreamView>,
    follow: Option<watch::Receiver<Shown>>,
}

impl Follower {
    /// The next time that it stands otherwise. `None` after it was closed, when its follower's key is no good any more, and
    /// when this process is about to stop.
    async fn next(&mut self) -> Option<StreamView> {
        while !self.api.settled.is_closed() && self.last.as_ref().is_none_or(|last| last.open) {
            let live = self.api.streams.hub.as_ref().and_then(|hub| hub.here(self.id));
            self.follow = live.map(|live| live.follow());
            // A store that cannot be read just now says nothing, least of all that all is well.
            let stream = self.api.store.stream(self.id).await.ok().flatten();
            if let Some(stream) = &stream
                && !self.by.is_good(&self.api, &stream.key).await
            {
                return None;
            }
            let view = stream.map(|stream| StreamView::of(&self.api, stream));
            let says = |view: &StreamView| (view.open, view.decision, view.reason, view.pull.clone());
            if let Some(view) = view
                && self.last.as_ref().map(says) != Some(says(&view))
            {
                self.last = Some(view.clone());
                return Some(view);
            }
            let heard = async {
                match &mut self.follow {
                    Some(follow) => drop(follow.changed().await),
                    None => std::future::pending().await,
                }
            };
            // Also where nothing is heard: another process may decide.
            let _ = tokio::time::timeout(POLL, heard).await;
        }
        None
    }
}
