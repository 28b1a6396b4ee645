//! `POST /v1/uploads/{id}/appeals`: a user of the application finds that an upload should be there.

use super::report::{HeardView, name, text};
use crate::{
    http::{
        Allowed, Api, Problem, caller, codes,
        extract::{Body, Id},
        problem::ProblemBody,
    },
    ports::reports::{Heard, NewAppeal},
    upload::report::{LONGEST_TEXT, MOST_APPEALS},
};
use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealRequest {
    /// What the user says, in at most 2,000 characters.
    text: String,
    /// The application's own name for the user, opaque to Lazaret, in at most 128 characters.
    appellant: String,
}

/// An appeal against a quarantine. It is decided by somebody else than who decided before; the events `appeal.upheld` and
/// `appeal.rejected` tell how.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/appeals", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    request_body = AppealRequest,
    responses(
        (status = 202, description = "Heard; the same again changes nothing", body = HeardView),
        (status = 400, description = "The body was not understood, or is too long", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `upload`", body = ProblemBody),
        (status = 404, description = "No such upload of this tenant", body = ProblemBody),
        (status = 409, description = "It is not quarantined, is held as evidence, or no other appeal is heard", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn appeal(
    Allowed { caller, .. }: Allowed<caller::Upload>,
    State(api): State<Api>,
    Id(id): Id,
    Body(request): Body<AppealRequest>,
) -> Result<(StatusCode, Json<HeardView>), Problem> {
    let appeal = NewAppeal {
        upload: id,
        actor: caller.actor(),
        tenant: caller.tenant,
        text: text(&request.text, "text", LONGEST_TEXT)?,
        appellant: name(&request.appellant, "appellant")?,
        at: api.clock.now(),
    };
    match api.store.appeal(&appeal).await?.ok_or_else(Problem::no_upload)? {
        Heard::NotNow(state) => {
            let detail = format!("the upload is {state}: there is nothing to appeal against");
            Err(Problem::new(codes::UPLOAD_NOT_QUARANTINED, detail))
        }
        Heard::Sealed => Err(Problem::new(codes::UPLOAD_HELD, "it is kept until the law has dealt with it")),
        Heard::Full => {
            let detail = format!("one waits for its answer, or {MOST_APPEALS} were heard");
            Err(Problem::new(codes::APPEAL_SPENT, detail))
        }
        heard => Ok((StatusCode::ACCEPTED, Json(HeardView::new(id, heard)))),
    }
}
