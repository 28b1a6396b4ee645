//! `POST /v1/uploads/by-reference`: hand over a file that lies in a bucket of one's own.

use super::{
    accept::{self, Door},
    create::{Created, answer, idempotency_key},
    direct::check_names,
};
use crate::{
    http::{Allowed, Api, Problem, caller, codes, extract::Body, problem::ProblemBody},
    ports::{sources::ObjectRef, store::NewUpload},
    upload::{UploadId, filename},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Referred {
    source: Source,
    /// Kept as metadata only.
    filename: Option<String>,
    media_type: Option<String>,
    /// The sender's own id: one upload a tenant has it, and a repeat gets that one.
    external_id: Option<String>,
    /// The application's own name for whoever of its users sent it, 1 to 255 bytes.
    uploader: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `s3://bucket/key`; nothing in it is decoded.
    url: String,
    version_id: Option<String>,
}

/// Hand over a file in a bucket of yours. It is fetched before this answers; 202 means that the copy is durable.
#[utoipa::path(
    post, path = "/v1/uploads/by-reference", tag = "uploads",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters; a repeat gets the first upload's id")),
    request_body = Referred,
    responses(
        (status = 202, description = "Accepted; or a repeat, with `Idempotent-Replay: true`", body = Created,
            headers(("Location" = String, description = "Where to follow it"))),
        (status = 400, description = "Empty, or not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `upload`, or the object is not in a place of this tenant", body = ProblemBody),
        (status = 413, description = "Too large", body = ProblemBody),
        (status = 422, description = "There is no such object, or a used Idempotency-Key or external_id", body = ProblemBody),
        (status = 501, description = "No buckets are read here", body = ProblemBody),
        (status = 503, description = "Try again later", body = ProblemBody),
        (status = 507, description = "No room left", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn by_reference(
    Allowed { caller, .. }: Allowed<caller::Upload>,
    State(api): State<Api>,
    headers: HeaderMap,
    Body(said): Body<Referred>,
) -> Result<Response, Problem> {
    let fetching = api.remote.fetching.clone().ok_or_else(|| {
        Problem::new(codes::SOURCE_UNAVAILABLE, "no buckets are read here; send the file to POST /v1/uploads")
    })?;
    let idempotency_key = idempotency_key(&headers)?;
    check_names(said.media_type.as_deref(), said.external_id.as_deref(), said.uploader.as_deref())?;
    let object = ObjectRef::from_url(&said.source.url, said.source.version_id)
        .ok_or_else(|| Problem::new(codes::BODY_MALFORMED, "write `source.url` as s3://bucket/key"))?;
    let spooled = fetching.fetch(&caller.tenant, &object, None, None).await?;
    if spooled.size == 0 {
        return Err(Problem::new(codes::UPLOAD_EMPTY, "the object holds no bytes"));
    }
    let (at, mut random) = (api.clock.now(), [0; 10]);
    api.random.fill(&mut random)?;
    let new = NewUpload {
        id: UploadId::new(at, &random),
        actor: caller.actor(),
        tenant: caller.tenant,
        filename: said.filename.map(|name| filename::kept(&name).to_owned()),
        declared: said.media_type,
        size: spooled.size,
        sha256: crate::hex(&spooled.hashes.sha256),
        idempotency_key,
        external_id: said.external_id,
        uploader: said.uploader,
        at,
    };
    Ok(answer(accept::accept(Door::from(&api), new, spooled).await?))
}
