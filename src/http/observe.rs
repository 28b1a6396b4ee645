//! The boundary that every API call crosses: it gets an id, is counted and timed, and is logged where it failed.

use super::{Api, problem::Fault};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub async fn observe(State(api): State<Api>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers(), &api);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let mut response = next.run(request).await;
    let (took, status) = (started.elapsed(), response.status());
    api.metrics.answered(&method, route, status.as_u16(), took);
    let elapsed_ms = took.as_secs_f64() * 1e3;
    let (status, shown) = (status.as_u16(), id.to_str().unwrap_or_default());
    match response.extensions_mut().remove::<Fault>() {
        Some(Fault(error)) if status == 500 => {
            tracing::error!(http.request_id = shown, %method, route, status, elapsed_ms, %error, "request failed");
        }
        Some(Fault(error)) => {
            tracing::warn!(http.request_id = shown, %method, route, status, elapsed_ms, %error, "request put off");
        }
        None => {
            tracing::debug!(http.request_id = shown, %method, route, status, elapsed_ms, "request answered");
        }
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The caller's own, where it is fit for a log line, or a new one.
fn request_id(headers: &HeaderMap, api: &Api) -> HeaderValue {
    let fit = |id: &&HeaderValue| {
        (1..=64).contains(&id.len())
            && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    headers.get(REQUEST_ID).filter(fit).cloned().unwrap_or_else(|| {
        let mut bytes = [0; 12];
        let id = api.random.fill(&mut bytes).ok().map(|()| crate::hex(&bytes));
        id.and_then(|id| HeaderValue::try_from(id).ok()).unwrap_or(HeaderValue::from_static("none"))
    })
}
