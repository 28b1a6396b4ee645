//! `GET /f/{upload}/{rendition}?exp&kid&sig`: a published rendition to whoever has its URL.
//!
//! Refusals are one and the same answer, byte for byte: a tampered URL, an expired one, and one whose upload is not
//! published any more. Copies in caches are private and revalidated each time, so that a takedown shows at once.

use super::{
    body,
    conditional::{self, Answer},
    disposition::disposition,
    signer::Target,
};
use crate::{
    http::{Api, Problem, codes, problem::Fault, problem::ProblemBody},
    ports::{Kind, PortError, blobs::Zone, store::PublishedRendition},
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use std::{fs::File, ops::Range, sync::Arc, time::Instant};

/// As it stands in the routes and in the metrics.
pub const ROUTE: &str = "/f/{upload}/{rendition}";

/// Sent with every answer that has to do with an object. Other sites may show what they have a URL for.
const FIXED: [(HeaderName, HeaderValue); 5] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// A published rendition. The URL is made by `POST /v1/uploads/{id}/urls` and is good as it is, or not at all.
#[utoipa::path(
    get, path = "/f/{upload}/{rendition}", tag = "delivery",
    params(
        ("upload" = String, Path, description = "The upload's id"),
        ("rendition" = String, Path, description = "`original`, `watermarked` or `thumbnail`"),
        ("exp" = i64, Query, description = "Unix seconds"),
        ("kid" = String, Query, description = "Which key signed it"),
        ("sig" = String, Query, description = "The signature; always last"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of a copy that is there"),
        ("If-Range" = Option<String>, Header, description = "The ETag of a copy to go on with"),
    ),
    responses(
        (status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "A range of them", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The copy that is there is good"),
        (status = 403, description = "This URL does not work; it is not said why", body = ProblemBody),
        (status = 416, description = "There are no such bytes"),
    ),
)]
pub async fn serve(State(api): State<Arc<Api>>, request: Request) -> Response {
    let started = Instant::now();
    let (request, _no_body) = request.into_parts();
    let mut response = match answer(&api, &request).await {
        Ok(Some(response)) => response,
        Ok(None) => refusal(),
        Err(problem) => problem.into_response(),
    };
    let status = response.status().as_u16();
    if let Some(Fault(error)) = response.extensions_mut().remove::<Fault>() {
        tracing::error!(route = ROUTE, status, %error, "a published object could not be served");
    }
    api.metrics.answered(&request.method, ROUTE, status, started.elapsed());
    response
}

/// The one refusal.
pub fn refusal() -> Response {
    let detail = "the link was changed, has expired, or what it led to is gone; ask for a new one";
    let no_store = HeaderValue::from_static("private, no-store");
    Problem::new(codes::LINK_REFUSED, detail).with(header::CACHE_CONTROL, no_store).into_response()
}

async fn answer(api: &Api, request: &Parts) -> Result<Option<Response>, Problem> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Ok(None);
    }
    let target = request.uri.path_and_query().map_or("", |target| target.as_str());
    let Some(target) = api.signer.verify(target.as_bytes(), api.clock.now()) else { return Ok(None) };
    // Asked each time: whether it is published now is the store's to say, not the URL's.
    let Some(published) = api.store.published(target.upload, target.rendition).await? else {
        return Ok(None);
    };
    let (size, head) = (published.rendition.size, head(target, &published));
    let etag = format!("\"{}\"", published.rendition.sha256);
    let range = match conditional::answer(&request.headers, &etag, size) {
        Answer::NotModified => return Ok(Some(bare(StatusCode::NOT_MODIFIED, head))),
        Answer::Unsatisfiable => return Ok(Some(unsatisfiable(head, size))),
        Answer::All => None,
        Answer::Part(range) => Some(range),
    };
    let Some(file) = open(api, target, &published).await? else { return Ok(None) };
    let sent = if request.method == Method::HEAD { None } else { Some(file) };
    full(api, sent, head, range, size).await.map(Some)
}

/// The object's file. That it is gone although it is published is a fault, unless it was just taken down.
async fn open(api: &Api, target: Target, published: &PublishedRendition) -> Result<Option<File>, Problem> {
    let rendition = &published.rendition;
    let fault =
        |what: &str| Problem::internal(PortError::new(Kind::Fail, format!("{}: {what}", rendition.key)));
    match api.blobs.open(Zone::Published, &rendition.key).await? {
        Some(file) => {
            let size = file.metadata().map_err(|error| Problem::from(PortError::from(error)))?.len();
            if size == rendition.size {
                Ok(Some(file))
            } else {
                Err(fault("the object has not the size it should"))
            }
        }
        None if api.store.published(target.upload, target.rendition).await?.is_none() => Ok(None),
        None => Err(fault("the object is published and not there")),
    }
}

async fn full(
    api: &Api,
    file: Option<File>,
    head: HeaderMap,
    range: Option<Range<u64>>,
    size: u64,
) -> Result<Response, Problem> {
    let part = range.clone().unwrap_or(0..size);
    let length = part.end - part.start;
    let body = match file {
        None => Body::empty(),
        Some(file) => {
            api.metrics.sent(length);
            body::body(file, part.clone()).await.map_err(|error| Problem::from(PortError::from(error)))?
        }
    };
    let mut response = Response::new(body);
    *response.headers_mut() = head;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if range.is_some() {
        headers.insert(header::CONTENT_RANGE, text(format!("bytes {}-{}/{size}", part.start, part.end - 1)));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// What every answer about this object carries.
fn head(target: Target, published: &PublishedRendition) -> HeaderMap {
    let PublishedRendition { rendition, filename } = published;
    let mut headers = HeaderMap::with_capacity(16);
    headers.extend(FIXED);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, text(format!("\"{}\"", rendition.sha256)));
    let media_type = HeaderValue::from_str(&rendition.media_type);
    let media_type = media_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    let disposition =
        disposition(target.upload, target.rendition, &rendition.media_type, filename.as_deref());
    headers.insert(header::CONTENT_DISPOSITION, text(disposition));
    headers
}

fn bare(status: StatusCode, head: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = head;
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.headers_mut().remove(header::CONTENT_DISPOSITION);
    response
}

fn unsatisfiable(head: HeaderMap, size: u64) -> Response {
    let mut response = bare(StatusCode::RANGE_NOT_SATISFIABLE, head);
    response.headers_mut().insert(header::CONTENT_RANGE, text(format!("bytes */{size}")));
    response
}

/// A value that was made of visible ASCII; should it ever not be, the header is empty rather than hostile.
fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""))
}
