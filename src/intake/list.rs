//! `GET /v1/uploads`: a tenant's uploads, newest first.

use super::view::UploadSummary;
use crate::{
    http::{Allowed, Api, Problem, caller, codes, extract::Params, problem::ProblemBody},
    ports::store::Page,
    upload::UploadId,
};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only uploads in this state.
    state: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 50 where it is left out.
    limit: Option<u32>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UploadList {
    pub uploads: Vec<UploadSummary>,
    /// The next page's cursor; null on the last page.
    #[schema(value_type = Option<String>)]
    pub next: Option<UploadId>,
}

/// A tenant's uploads, newest first.
#[utoipa::path(
    get, path = "/v1/uploads", tag = "uploads", params(Query),
    responses(
        (status = 200, description = "One page", body = UploadList),
        (status = 400, description = "The query was not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `read`", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn list(
    Allowed { caller, .. }: Allowed<caller::Read>,
    State(api): State<Api>,
    Params(query): Params<Query>,
) -> Result<Json<UploadList>, Problem> {
    let malformed = |detail: String| Problem::new(codes::QUERY_MALFORMED, detail);
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(malformed(format!("`limit` is 1 to {MAX_LIMIT}")));
    }
    let state = query
        .state
        .map(|name| name.parse())
        .transpose()
        .map_err(|e: crate::upload::state::UnknownState| malformed(e.to_string()))?;
    let before = query.cursor.map(|id| id.parse()).transpose();
    let before = before.map_err(|_| malformed("`cursor` is the `next` of the page before".to_owned()))?;
    // One more than asked for tells whether there is another page.
    let page = Page { state, before, limit: limit + 1 };
    let mut uploads = api.store.uploads(&caller.tenant, &page).await?;
    let more = uploads.len() > limit as usize;
    uploads.truncate(limit as usize);
    let next = uploads.last().filter(|_| more).map(|upload| upload.id);
    Ok(Json(UploadList { uploads: uploads.into_iter().map(Into::into).collect(), next }))
}
