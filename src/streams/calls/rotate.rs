//! `POST /v1/streams/{id}/key`: a new key in the place of the old one.

use super::{
    admit::{Id, no_stream},
    open::fresh_key,
};
use crate::{
    config::units::Span,
    http::{Allowed, Api, Problem, caller, extract::Body, problem::ProblemBody},
};
use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the new one is good.
    #[schema(value_type = Option<String>, example = "12h")]
    expires_in: Option<Span>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rotated {
    /// Shown this once.
    pub key: String,
    #[schema(value_type = String, format = DateTime)]
    pub key_expires_at: Timestamp,
}

/// A new key. The old one opens nothing any more; connections that came with it are closed within seconds.
#[utoipa::path(
    post, path = "/v1/streams/{id}/key", tag = "streams", request_body = Rotation,
    params(("id" = String, Path, description = "The stream's id")),
    responses(
        (status = 200, description = "The new key", body = Rotated),
        (status = 400, description = "Not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `stream`", body = ProblemBody),
        (status = 404, description = "No such open stream of this tenant", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn rotate(
    Allowed { caller, .. }: Allowed<caller::Stream>,
    State(api): State<Api>,
    Id(id): Id,
    Body(rotation): Body<Rotation>,
) -> Result<Json<Rotated>, Problem> {
    let now = api.clock.now();
    let (key, text) = fresh_key(&api, rotation.expires_in, now)?;
    if !api.store.rotate_stream_key(&caller.tenant, id, &key, &caller.actor(), now).await? {
        return Err(no_stream());
    }
    Ok(Json(Rotated { key: text, key_expires_at: key.expires_at }))
}
