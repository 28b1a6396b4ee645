//! `POST /v1/uploads/{id}/urls`: a signed URL for one rendition.

use crate::{
    http::{
        Allowed, Api, Problem, caller, codes, duration,
        extract::{Body, Id},
        problem::ProblemBody,
    },
    upload::{State as UploadState, rendition::RenditionName},
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UrlRequest {
    /// `original` where it is left out.
    #[serde(default = "original")]
    rendition: String,
    /// From now: seconds as a number, or `"10m"`, `"2h"`, `"7d"`.
    expires_in: Option<ExpiresIn>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ExpiresIn {
    Seconds(u64),
    Text(String),
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SignedUrl {
    pub url: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

fn original() -> String {
    RenditionName::Original.to_string()
}

/// A URL that shows one rendition to whoever has it, until it expires or the upload is published no more.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/urls", tag = "delivery",
    params(("id" = String, Path, description = "The upload's id")),
    request_body = UrlRequest,
    responses(
        (status = 201, description = "Made", body = SignedUrl),
        (status = 400, description = "The body was not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `mint`", body = ProblemBody),
        (status = 404, description = "No such upload of this tenant, or it has no such rendition", body = ProblemBody),
        (status = 409, description = "It is not published", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn mint(
    Allowed { caller, .. }: Allowed<caller::Mint>,
    State(api): State<Api>,
    Id(id): Id,
    Body(request): Body<UrlRequest>,
) -> Result<(StatusCode, Json<SignedUrl>), Problem> {
    let age = age(&api, request.expires_in.as_ref())?;
    let upload = api.store.upload(&caller.tenant, id).await?.ok_or_else(Problem::no_upload)?;
    if upload.state != UploadState::Published {
        return Err(Problem::new(codes::UPLOAD_NOT_PUBLISHED, format!("the upload is {}", upload.state)));
    }
    let unknown = || Problem::new(codes::RENDITION_UNKNOWN, "the upload's `renditions` say which it has");
    let rendition: RenditionName = request.rendition.parse().map_err(|_| unknown())?;
    if api.store.published(id, rendition).await?.is_none() {
        return Err(unknown());
    }
    let expires_at = whole_second(api.clock.now() + age);
    let url = api.signer.mint(id, rendition, expires_at);
    Ok((StatusCode::CREATED, Json(SignedUrl { url, expires_at })))
}

fn age(api: &Api, asked: Option<&ExpiresIn>) -> Result<Duration, Problem> {
    let age = match asked {
        None => Some(api.limits.default_url_age),
        Some(ExpiresIn::Seconds(seconds)) => Some(Duration::from_secs(*seconds)),
        Some(ExpiresIn::Text(text)) => duration::parse(text),
    };
    let max = api.limits.max_url_age;
    age.filter(|age| (Duration::from_secs(1)..=max).contains(age)).ok_or_else(|| {
        let detail =
            format!("`expires_in` is a number of seconds or like \"10m\", from 1 s to {} s", max.as_secs());
        Problem::new(codes::BODY_MALFORMED, detail)
    })
}

/// URLs count in whole seconds; what is told is what holds.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
