//! Delivery by the store itself, where the operator says so: the viewer is sent on with a URL of the store's.
//!
//! That URL is weaker than ours: it stays good until it expires, 60 s at most, whatever happens to the upload meanwhile,
//! and the store sends neither `nosniff` nor a Content-Security-Policy with the bytes. Whether the upload is published
//! is still asked for each redirect, and none is kept by caches.

use crate::{
    http::{Api, Problem},
    ports::{Kind, PortError, blobs::AnswerHeaders, store::PublishedRendition},
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// `None` where the bytes go through here. `head` is what a whole answer would carry.
pub(super) async fn redirect(
    api: &Api,
    published: &PublishedRendition,
    head: &HeaderMap,
) -> Result<Option<Response>, Problem> {
    let Some(term) = api.remote.redirect else { return Ok(None) };
    let text = |name| head.get(&name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let answer = AnswerHeaders {
        content_type: text(header::CONTENT_TYPE),
        content_disposition: text(header::CONTENT_DISPOSITION),
    };
    let Some(url) = api.blobs.presign_get(&published.rendition.key, term, &answer).await? else {
        return Ok(None);
    };
    let location = HeaderValue::try_from(url)
        .map_err(|e| PortError::new(Kind::Fail, "a signed URL that no header holds").because(e))?;
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok(Some((StatusCode::FOUND, headers).into_response()))
}
