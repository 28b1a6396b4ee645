//! `POST /v1/uploads/{id}/reports`: a user of the application finds that an upload should not be there. Several reports
//! are one item in the moderators' queue.

use crate::{
    http::{
        Allowed, Api, Problem, caller, codes,
        extract::{Body, Id},
        problem::ProblemBody,
    },
    ports::reports::{Heard, NewReport},
    upload::{
        State as UploadState,
        report::{Category, LONGEST_NAME, LONGEST_TEXT},
    },
};
use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    category: Category,
    /// What the user says, in at most 2,000 characters.
    #[serde(default)]
    text: String,
    /// The application's own name for the user, opaque to Lazaret, in at most 128 characters: each is heard once an
    /// upload and category.
    reporter: String,
}

/// What became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HeardView {
    /// The upload's.
    id: String,
    /// False where the same was said before, or a report says nothing new beside very many others.
    new: bool,
}

impl HeardView {
    pub(super) fn new(id: impl ToString, heard: Heard) -> Self {
        Self { id: id.to_string(), new: heard == Heard::New }
    }
}

/// A user's report. It raises the severity of the upload's item; a published upload comes into the queue with it, and
/// stays published until somebody decides.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/reports", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    request_body = ReportRequest,
    responses(
        (status = 202, description = "Heard; the same again changes nothing", body = HeardView),
        (status = 400, description = "The body was not understood, or is too long", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `upload`", body = ProblemBody),
        (status = 404, description = "No such upload of this tenant", body = ProblemBody),
        (status = 409, description = "It is not settled yet, or erased", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn report(
    Allowed { caller, .. }: Allowed<caller::Upload>,
    State(api): State<Api>,
    Id(id): Id,
    Body(request): Body<ReportRequest>,
) -> Result<(StatusCode, Json<HeardView>), Problem> {
    let report = NewReport {
        upload: id,
        actor: caller.actor(),
        tenant: caller.tenant,
        category: request.category,
        text: text(&request.text, "text", LONGEST_TEXT)?,
        reporter: name(&request.reporter, "reporter")?,
        at: api.clock.now(),
    };
    match api.store.report(&report).await?.ok_or_else(Problem::no_upload)? {
        Heard::NotNow(state) => Err(not_settled(state)),
        heard => Ok((StatusCode::ACCEPTED, Json(HeardView::new(id, heard)))),
    }
}

fn not_settled(state: UploadState) -> Problem {
    Problem::new(codes::UPLOAD_NOT_SETTLED, format!("the upload is {state}: nobody was shown it"))
}

/// Trimmed; NUL is a character to no database of ours.
pub(super) fn text(given: &str, field: &str, longest: usize) -> Result<String, Problem> {
    let text = given.trim().replace('\0', "\u{FFFD}");
    if text.chars().count() > longest {
        let detail = format!("`{field}` is longer than {longest} characters: cut it");
        return Err(Problem::new(codes::BODY_MALFORMED, detail));
    }
    Ok(text)
}

/// As [`text`], and there must be one.
pub(super) fn name(given: &str, field: &str) -> Result<String, Problem> {
    let name = text(given, field, LONGEST_NAME)?;
    if name.is_empty() {
        let detail = format!("`{field}` is empty: name the user as the application does, by an id");
        return Err(Problem::new(codes::BODY_MALFORMED, detail));
    }
    Ok(name)
}
