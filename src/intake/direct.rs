//! `POST /v1/uploads/direct` and `…/{id}/complete`: the sender puts the file into the bucket by itself.
//!
//! What lies below `incoming/` is the sender's to change for as long as its URL is good, and is trusted for nothing:
//! completing reads it once, hashes it, and holds that copy.

use super::{
    create::{Created, check_uploader, idempotency_key, replayed},
    external,
    source::{FetchError, spooled},
};
use crate::{
    events::Settled,
    http::{
        Allowed, Api, Problem, caller, codes,
        extract::{Body, Id},
        problem::ProblemBody,
    },
    ports::{
        self, Direct, Kind, PortError, Store,
        blobs::Zone,
        store::{Accepted, NewUpload, Upload},
    },
    upload::{State as UploadState, UploadId, filename},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// S3 takes no more in one PUT, in bytes.
const LARGEST_PUT: u64 = 5 << 30;
/// The longest media type that is kept.
const DECLARED_BYTES: usize = 255;
/// For a PUT that began while its URL was good to end, and its sender to say so.
const GRACE: Duration = Duration::from_secs(15 * 60);
/// The longest that completing takes.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Nothing that could still be completed is swept: longer than [`LONGEST`], and clocks may differ.
const LATE: Duration = Duration::from_secs(3600);
/// What is left below `incoming/` goes so long after nobody can put anything there.
const LEFTOVERS: Duration = Duration::from_secs(24 * 3600);
const BATCH: u32 = 100;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// Kept as metadata only.
    filename: Option<String>,
    media_type: Option<String>,
    /// Bytes; the URL takes exactly so many.
    size: u64,
    /// The sender's own id: one upload a tenant has it, and a repeat gets that one.
    external_id: Option<String>,
    /// The application's own name for whoever of its users sent it, 1 to 255 bytes.
    uploader: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Awaited {
    #[schema(value_type = String, format = Uuid)]
    id: UploadId,
    state: UploadState,
    /// PUT the bytes there. Missing in a repeat whose upload is not awaited any more.
    url: Option<String>,
    /// To be sent with the PUT, as they are.
    headers: BTreeMap<String, String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Announce a file that you put into the store by yourself. It is an upload once it is completed.
#[utoipa::path(
    post, path = "/v1/uploads/direct", tag = "uploads",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters; a repeat gets the first upload's id and a new URL")),
    request_body = Announced,
    responses(
        (status = 201, description = "Awaited; or a repeat, with `Idempotent-Replay: true`", body = Awaited),
        (status = 400, description = "Empty, or not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `upload`", body = ProblemBody),
        (status = 409, description = "A repeat whose time is over", body = ProblemBody),
        (status = 413, description = "Too large", body = ProblemBody),
        (status = 422, description = "A used Idempotency-Key or external_id", body = ProblemBody),
        (status = 501, description = "The bytes are kept in a folder here: send them to `POST /v1/uploads`", body = ProblemBody),
        (status = 503, description = "Try again later", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn announce(
    Allowed { caller, .. }: Allowed<caller::Upload>,
    State(api): State<Api>,
    headers: HeaderMap,
    Body(said): Body<Announced>,
) -> Result<Response, Problem> {
    let direct = direct(&api)?;
    let idempotency_key = idempotency_key(&headers)?;
    said.check(api.limits.max_upload_bytes)?;
    let (now, mut random) = (api.clock.now(), [0; 10]);
    api.random.fill(&mut random)?;
    let new = NewUpload {
        id: UploadId::new(now, &random),
        actor: caller.actor(),
        tenant: caller.tenant,
        filename: said.filename.map(|name| filename::kept(&name).to_owned()),
        declared: said.media_type,
        size: said.size,
        sha256: String::new(),
        idempotency_key,
        external_id: said.external_id,
        uploader: said.uploader,
        at: now,
    };
    let term = api.remote.direct_term;
    let first = match api.store.expect(&new, now + term + GRACE).await? {
        Accepted::New => None,
        Accepted::Repeat(first) => Some(first),
        Accepted::Conflict(_) => {
            let detail =
                "this key or external_id stands for an upload of another size or name; choose a new one";
            return Err(Problem::new(codes::IDEMPOTENCY_CONFLICT, detail));
        }
    };
    let is_repeat = first.is_some();
    let (id, state, begun) = first
        .map_or((new.id, UploadState::Awaiting, now), |first| (first.id, first.state, first.accepted_at));
    let mut awaited = Awaited { id, state, url: None, headers: BTreeMap::new(), expires_at: None };
    if state == UploadState::Awaiting {
        let expires_at = begun + term;
        let left = Duration::try_from(expires_at - now).ok().filter(|left| *left >= Duration::from_secs(1));
        let left = left.ok_or_else(|| not_awaited("the time for it is over; announce a new one"))?;
        let signed = direct.presign_put(id, new.size, left).await?;
        awaited.url = Some(signed.url);
        awaited.headers = signed.headers.into_iter().collect();
        awaited.expires_at = Some(expires_at);
    }
    let response = (StatusCode::CREATED, Json(awaited)).into_response();
    Ok(if is_repeat { replayed(response) } else { response })
}

impl Announced {
    fn check(&self, max: u64) -> Result<(), Problem> {
        if self.size == 0 {
            return Err(Problem::new(codes::UPLOAD_EMPTY, "`size` is the number of bytes that will be put"));
        }
        let max = max.min(LARGEST_PUT);
        if self.size > max {
            return Err(Problem::new(codes::UPLOAD_TOO_LARGE, format!("at most {max} bytes are taken")));
        }
        check_names(self.media_type.as_deref(), self.external_id.as_deref(), self.uploader.as_deref())
    }
}

/// What a sender says of its file in JSON.
pub(super) fn check_names(
    media_type: Option<&str>,
    external_id: Option<&str>,
    uploader: Option<&str>,
) -> Result<(), Problem> {
    if media_type.is_some_and(|t| t.len() > DECLARED_BYTES || t.contains(char::is_control)) {
        let detail = format!("`media_type` is up to {DECLARED_BYTES} characters such as image/jpeg");
        return Err(Problem::new(codes::BODY_MALFORMED, detail));
    }
    if external_id.is_some_and(|id| !external::is_legal(id)) {
        return Err(Problem::new(codes::BODY_MALFORMED, format!("`external_id` is {}", external::EXPECTED)));
    }
    check_uploader(uploader, codes::BODY_MALFORMED)
}

/// The file is there. 202 means that it is durable; saying it again changes nothing.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/complete", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    responses(
        (status = 202, description = "Accepted, now or before", body = Created),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `upload`", body = ProblemBody),
        (status = 404, description = "No such upload of this tenant", body = ProblemBody),
        (status = 409, description = "Nothing was put yet, or it is not awaited any more", body = ProblemBody),
        (status = 422, description = "Not the size that was announced", body = ProblemBody),
        (status = 501, description = "The bytes are kept in a folder here", body = ProblemBody),
        (status = 503, description = "Try again later", body = ProblemBody),
        (status = 507, description = "No room left", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn complete(
    Allowed { caller, .. }: Allowed<caller::Upload>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let direct = direct(&api)?;
    let upload = api.store.upload(&caller.tenant, id).await?.ok_or_else(Problem::no_upload)?;
    let state = match came(&upload)? {
        Some(state) => state,
        None => {
            if api.clock.now() > upload.accepted_at + api.remote.direct_term + GRACE {
                return Err(not_awaited("the time for it is over; announce a new one"));
            }
            // Runs to its end even where the caller is gone meanwhile.
            let work = tokio::spawn(tokio::time::timeout(LONGEST, take(api, direct, upload, caller.actor())));
            let lost = |why: &str| PortError::new(Kind::Retry, why);
            let ended = work.await.map_err(|e| lost("completing was cut short").because(e))?;
            ended.map_err(|e| lost("completing took too long").because(e))??
        }
    };
    Ok((StatusCode::ACCEPTED, Json(Created { id, state })).into_response())
}

/// What the upload is since its bytes came; `None` where they are awaited.
fn came(upload: &Upload) -> Result<Option<UploadState>, Problem> {
    match upload.state {
        UploadState::Awaiting => Ok(None),
        UploadState::Erased => Err(not_awaited("it was erased; announce a new one")),
        state => Ok(Some(state)),
    }
}

async fn take(
    api: Api,
    direct: Arc<dyn Direct>,
    upload: Upload,
    actor: String,
) -> Result<UploadState, Problem> {
    let (id, tenant, held) = (upload.id, &upload.tenant, upload.id.to_string());
    let Some(object) = direct.incoming(id).await? else {
        // Unless another call has just completed it.
        let now = api.store.upload(tenant, id).await?.ok_or_else(Problem::no_upload)?;
        let detail = "nothing was put to its URL yet; put the bytes first";
        return came(&now)?.ok_or_else(|| Problem::new(codes::UPLOAD_NOT_PUT, detail));
    };
    if object.size != upload.size {
        let detail = format!("{} bytes were announced and {} were put", upload.size, object.size);
        return Err(Problem::new(codes::SIZE_MISMATCH, detail));
    }
    let bytes = spooled(&*api.blobs, object, api.limits.max_upload_bytes, api.limits.reserve_bytes).await?;
    api.blobs.put(Zone::Held, &held, &bytes.file).await?;
    let sha256 = crate::hex(&bytes.hashes.sha256);
    let completed = api.store.complete(tenant, id, bytes.size, &sha256, &actor, api.clock.now()).await?;
    let Some(received) = completed else {
        let now = api.store.upload(tenant, id).await?.ok_or_else(Problem::no_upload)?;
        if now.state == UploadState::Erased {
            api.blobs.remove(Zone::Held, &held).await?;
        }
        return came(&now)?.ok_or_else(|| PortError::new(Kind::Retry, "the upload changed meanwhile").into());
    };
    api.queue.wake();
    api.settled.outbox().notify_one();
    api.metrics.accepted(bytes.size);
    if let Err(error) = direct.forget(id).await {
        tracing::warn!(upload.id = %id, %error, "what was put stays below incoming/ until the next sweep");
    }
    Ok(received.state)
}

/// Erases awaited uploads whose time is over, and what was put for them or left behind; returns how many it erased.
/// To be called every few minutes, by any number of processes. `term` is how long a URL is good.
pub async fn sweep(
    store: &dyn Store,
    direct: &dyn Direct,
    settled: &Settled,
    now: Timestamp,
    term: Duration,
) -> ports::Result<u64> {
    let mut erased = 0;
    loop {
        let overdue = store.overdue(now - LATE, BATCH).await?;
        for (tenant, id) in &overdue {
            if store.erase(tenant, *id, "sweeper", now).await?.is_some() {
                erased += 1;
                settled.notify(*id);
            }
            direct.forget(*id).await?;
        }
        if overdue.len() < BATCH as usize {
            break;
        }
    }
    // Put again after it was completed, or erased while it was put.
    direct.forget_before(now - term - GRACE - LATE - LEFTOVERS).await?;
    Ok(erased)
}

fn direct(api: &Api) -> Result<Arc<dyn Direct>, Problem> {
    api.remote.direct.clone().ok_or_else(|| {
        let detail = "the bytes are kept in a folder here; send the file to POST /v1/uploads";
        Problem::new(codes::DIRECT_UNAVAILABLE, detail)
    })
}

fn not_awaited(detail: &str) -> Problem {
    Problem::new(codes::UPLOAD_NOT_AWAITED, detail)
}

impl From<FetchError> for Problem {
    fn from(error: FetchError) -> Self {
        let detail = error.to_string();
        match error {
            FetchError::Forbidden => Self::new(codes::SOURCE_FORBIDDEN, "name an object of your own places"),
            FetchError::Missing => Self::new(codes::SOURCE_MISSING, detail),
            FetchError::TooLarge { .. } => Self::new(codes::UPLOAD_TOO_LARGE, detail),
            FetchError::Mismatch(_) => Self::new(codes::SIZE_MISMATCH, detail),
            FetchError::Port(error) => error.into(),
        }
    }
}
