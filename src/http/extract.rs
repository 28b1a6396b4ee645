//! Parts of a request, whose faults are problems too.

use super::{Problem, codes};
use crate::upload::UploadId;
use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

/// The query string.
pub struct Params<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|rejection| Problem::new(codes::QUERY_MALFORMED, rejection.body_text()))
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Json::from_request(request, state)
            .await
            .map(|Json(body)| Self(body))
            .map_err(|rejection| Problem::new(codes::BODY_MALFORMED, rejection.body_text()))
    }
}

/// The `{id}` of the path. What is no id is an upload that does not exist.
pub struct Id(pub UploadId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id: Option<Path<String>> = Path::from_request_parts(parts, state).await.ok();
        id.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(Problem::no_upload)
    }
}
