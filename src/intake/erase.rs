//! `DELETE /v1/uploads/{id}`: erase an upload. The record that it was there stays; its name and bytes go.

use crate::{
    http::{Allowed, Api, Problem, caller, codes, extract::Id, problem::ProblemBody},
    ports::{
        self,
        blobs::{Blobs, Zone},
    },
    upload::{State as UploadState, UploadId},
};
use axum::{extract::State, http::StatusCode};

/// More scans than any upload has.
const SHEETS: usize = 200;

/// Erase an upload. It is out of reach when this returns; erasing again changes nothing.
#[utoipa::path(
    delete, path = "/v1/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    responses(
        (status = 204, description = "Erased"),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `erase`", body = ProblemBody),
        (status = 404, description = "No such upload of this tenant", body = ProblemBody),
        (status = 409, description = "It is sealed as evidence", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn erase(
    Allowed { caller, .. }: Allowed<caller::Erase>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    match api.store.erase(&caller.tenant, id, &caller.actor(), api.clock.now()).await? {
        Some(published) => {
            api.settled.notify(id);
            api.kept.forget(id);
            let held = (Zone::Held, id.to_string());
            for (zone, key) in
                std::iter::once(held).chain(published.into_iter().map(|key| (Zone::Published, key)))
            {
                // The row says erased, so nothing can be reached; what stays on disk is for the sweeper.
                if let Err(error) = api.blobs.remove(zone, &key).await {
                    tracing::warn!(upload.id = %id, %error, "erased bytes stay until the next sweep");
                }
            }
            if let Err(error) = forget_sheets(&*api.blobs, id).await {
                tracing::warn!(upload.id = %id, %error, "erased contact sheets stay until the next sweep");
            }
            if let Some(direct) = &api.remote.direct
                && let Err(error) = direct.forget(id).await
            {
                tracing::warn!(upload.id = %id, %error, "what was put for it stays until the next sweep");
            }
        }
        None => match api.store.upload(&caller.tenant, id).await? {
            None => return Err(Problem::no_upload()),
            Some(upload) if upload.state != UploadState::Erased => {
                let detail = "a moderator sealed it as evidence; it is kept until the law has dealt with it";
                return Err(Problem::new(codes::UPLOAD_HELD, detail));
            }
            Some(_) => {}
        },
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Of films: they lie beside the upload in the held zone.
async fn forget_sheets(blobs: &dyn Blobs, id: UploadId) -> ports::Result<()> {
    let of_upload = format!("{id}/");
    let keys = blobs.list(Zone::Held, &of_upload, SHEETS).await?;
    for key in keys.iter().take_while(|key| key.starts_with(&of_upload)) {
        blobs.remove(Zone::Held, key).await?;
    }
    Ok(())
}
