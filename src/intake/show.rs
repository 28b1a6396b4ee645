//! `GET /v1/uploads/{id}`: how an upload stands. With `?wait=` the answer waits until it is settled.

use super::view::UploadView;
use crate::{
    http::{
        Allowed, Api, Problem, caller, codes, duration,
        extract::{Id, Params},
        problem::ProblemBody,
    },
    ports::{self, store::Upload},
    upload::{State as UploadState, TenantId, UploadId},
};
use axum::{Json, extract::State};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Wait so long for the upload to settle: `30s`, `500ms`, or seconds. More than the service allows is cut.
    wait: Option<String>,
}

/// How an upload stands, and its verdict.
#[utoipa::path(
    get, path = "/v1/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id"), Query),
    responses(
        (status = 200, description = "As it stands", body = UploadView),
        (status = 400, description = "`wait` was not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `read`", body = ProblemBody),
        (status = 404, description = "No such upload of this tenant", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn show(
    Allowed { caller, .. }: Allowed<caller::Read>,
    State(api): State<Api>,
    Id(id): Id,
    Params(query): Params<Query>,
) -> Result<Json<UploadView>, Problem> {
    let understood = query.wait.as_deref().map_or(Some(Duration::ZERO), duration::parse);
    let wait = understood.ok_or_else(|| {
        Problem::new(codes::QUERY_MALFORMED, "write `wait` as `30s`, `500ms` or a number of seconds")
    })?;
    let upload = settled(&api, &caller.tenant, id, wait.min(api.limits.max_wait)).await?;
    let upload = upload.ok_or_else(Problem::no_upload)?;
    // The verdict is read after the state: it may be newer, never older.
    let verdict = if upload.state.is_settled() { api.store.verdict(id).await? } else { None };
    let published = upload.state == UploadState::Published;
    let renditions = if published { api.store.renditions(id).await? } else { Vec::new() };
    Ok(Json(UploadView::new(upload, verdict, renditions)))
}

/// The upload once it is settled, or as it stands when the time is up.
async fn settled(
    api: &Api,
    tenant: &TenantId,
    id: UploadId,
    wait: Duration,
) -> ports::Result<Option<Upload>> {
    let first = api.store.upload(tenant, id).await?;
    let open = |upload: &Option<Upload>| upload.as_ref().is_some_and(|upload| !upload.state.is_settled());
    if wait.is_zero() || !open(&first) {
        return Ok(first);
    }
    let (deadline, listener) = (Instant::now() + wait, api.settled.listen(id));
    loop {
        // Listen before reading, so that what settles in between is heard.
        let heard = listener.heard();
        let upload = api.store.upload(tenant, id).await?;
        let now = Instant::now();
        if !open(&upload) || now >= deadline || api.settled.is_closed() {
            return Ok(upload);
        }
        // Another process may settle it, and this one not hear of it.
        let _ = timeout_at(deadline.min(now + api.limits.wait_poll), heard).await;
    }
}
