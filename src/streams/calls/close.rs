//! `DELETE /v1/streams/{id}`: it is over. Its record stays, and what was kept of it for a moderator.

use super::admit::{Id, no_stream};
use crate::http::{Allowed, Api, Problem, caller, problem::ProblemBody};
use axum::{extract::State, http::StatusCode};

/// Close a stream. Closing again changes nothing.
#[utoipa::path(
    delete, path = "/v1/streams/{id}", tag = "streams",
    params(("id" = String, Path, description = "The stream's id")),
    responses(
        (status = 204, description = "Closed"),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `stream`", body = ProblemBody),
        (status = 404, description = "No such stream of this tenant", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn close(
    Allowed { caller, .. }: Allowed<caller::Stream>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let known = api.store.stream(id).await?.filter(|stream| stream.tenant == caller.tenant);
    if known.is_none() {
        return Err(no_stream());
    }
    if api.store.close_stream(&caller.tenant, id, &caller.actor(), api.clock.now()).await?
        && let Some(hub) = &api.streams.hub
    {
        hub.close(id);
    }
    Ok(StatusCode::NO_CONTENT)
}
