//! `POST /v1/uploads`: hand over one file.

use super::{
    accept::{self, Door, Receipt},
    external,
    receive::{self, Head},
};
use crate::{
    http::{Allowed, Api, Problem, caller, codes, extract::Params, problem::ProblemBody},
    ports::store::NewUpload,
    upload::{State as UploadState, UploadId, filename},
};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

const KEY_CHARS: usize = 255;
const REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// The file's name, kept as metadata only. A form's part may name it too; this one counts.
    filename: Option<String>,
    /// Bytes that the sender means to send; 422 where others came.
    size: Option<u64>,
    /// The sender's own id for the upload, 1 to 255 characters: one upload a tenant has it, and a repeat gets that one.
    external_id: Option<String>,
    /// The application's own name for whoever of its users sent the file, 1 to 255 bytes, opaque to Lazaret: moderators
    /// see what came from the same one before. A form's field may name it too; this one counts.
    uploader: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Created {
    #[schema(value_type = String, format = Uuid)]
    pub id: UploadId,
    pub state: UploadState,
}

/// Hand over one file: as the raw body, or as the one file of a multipart form. 202 means that it is durable.
#[utoipa::path(
    post, path = "/v1/uploads", tag = "uploads", params(
        Query,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters; a repeat gets the first upload's id"),
        ("Content-Digest" = Option<String>, Header, description = "RFC 9530, sha-256 or sha-512, over the body; a part of a form may carry its own"),
    ),
    request_body(content(
        (Vec<u8> = "application/octet-stream"),
        (Form = "multipart/form-data"),
    )),
    responses(
        (status = 202, description = "Accepted; or a repeat, with `Idempotent-Replay: true`", body = Created,
            headers(("Location" = String, description = "Where to follow it"))),
        (status = 400, description = "Empty, incomplete or not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `upload`", body = ProblemBody),
        (status = 413, description = "Too large", body = ProblemBody),
        (status = 422, description = "Not the size or digest that was said, or a used Idempotency-Key or external_id", body = ProblemBody),
        (status = 503, description = "Try again later", body = ProblemBody),
        (status = 507, description = "No room left", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn create(
    Allowed { caller, .. }: Allowed<caller::Upload>,
    State(api): State<Api>,
    Params(query): Params<Query>,
    request: Request,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency_key(request.headers())?;
    let external_id = query.external_id;
    if external_id.as_deref().is_some_and(|id| !external::is_legal(id)) {
        return Err(Problem::new(codes::QUERY_MALFORMED, format!("`external_id` is {}", external::EXPECTED)));
    }
    check_uploader(query.uploader.as_deref(), codes::QUERY_MALFORMED)?;
    let head = Head::read(request.headers())?;
    head.admit(&api).await?;
    let received = receive::receive(&api, head, request).await?;
    let size = received.spooled.size;
    if size == 0 {
        return Err(Problem::new(
            codes::UPLOAD_EMPTY,
            "send the file's bytes as the body, or as a file of a form",
        ));
    }
    if let Some(said) = query.size.filter(|said| *said != size) {
        return Err(Problem::new(
            codes::SIZE_MISMATCH,
            format!("{said} bytes were announced and {size} came"),
        ));
    }
    let (at, mut random) = (api.clock.now(), [0; 10]);
    api.random.fill(&mut random)?;
    let new = NewUpload {
        external_id,
        uploader: query.uploader.or(received.uploader),
        id: UploadId::new(at, &random),
        actor: caller.actor(),
        tenant: caller.tenant,
        filename: query.filename.or(received.filename).map(|name| filename::kept(&name).to_owned()),
        declared: received.declared,
        size,
        sha256: crate::hex(&received.spooled.hashes.sha256),
        idempotency_key,
        at,
    };
    Ok(answer(accept::accept(Door::from(&api), new, received.spooled).await?))
}

/// The body of the form, for the API's description.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes a body that is never built here")]
pub struct Form {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    uploader: Option<String>,
}

pub(super) fn check_uploader(name: Option<&str>, code: codes::Code) -> Result<(), Problem> {
    if name.is_none_or(external::is_uploader) {
        return Ok(());
    }
    Err(Problem::new(code, format!("`uploader` is {}", external::UPLOADER)))
}

pub(super) fn answer(receipt: Receipt) -> Response {
    let mut response =
        (StatusCode::ACCEPTED, Json(Created { id: receipt.id, state: receipt.state })).into_response();
    // An id is hex digits and hyphens, which any header may hold.
    if let Ok(location) = HeaderValue::try_from(format!("/v1/uploads/{}", receipt.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if receipt.replay { replayed(response) } else { response }
}

/// A repeat's answer says so.
pub(super) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAY, HeaderValue::from_static("true"));
    response
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all("idempotency-key").iter();
    let Some(first) = all.next() else { return Ok(None) };
    let bytes = first.as_bytes();
    let fits = (1..=KEY_CHARS).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match first.to_str() {
        Ok(key) if fits && all.next().is_none() => Ok(Some(key.to_owned())),
        _ => Err(Problem::new(
            codes::HEADER_MALFORMED,
            "send one Idempotency-Key of 1 to 255 visible ASCII characters",
        )),
    }
}
