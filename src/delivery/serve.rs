//! `GET /f/{upload}/{rendition}?exp&kid&sig`: a published rendition to whoever has its URL.
//!
//! Refusals are one and the same answer, byte for byte: a tampered URL, an expired one, and one whose upload is not
//! published any more. Copies in caches are private and revalidated each time, so that a takedown shows at once.

use super::{
    body,
    conditional::{self, Answer},
    disposition::disposition,
    kept::{self, Object},
    redirect,
    signer::Target,
};
use crate::{
    http::{Api, Problem, codes, problem::Fault, problem::ProblemBody},
    ports::{
        self, Kind, PortError,
        blobs::{Reading, Zone},
        store::PublishedRendition,
    },
};
use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{TryStreamExt, stream::BoxStream};
use sha2::{Digest, Sha256};
use std::{fs::File, ops::Range, sync::Arc, time::Instant};

/// As it stands in the routes and in the metrics.
pub const ROUTE: &str = "/f/{upload}/{rendition}";

/// Is this path delivery's to answer? Everything below `/f` is a good URL or the one refusal, so it is not matched more
/// closely than that before it is believed.
pub fn is_for(path: &str) -> bool {
    path.strip_prefix("/f").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

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
        (status = 302, description = "Where the store gives it out by itself: its URL there, good for a minute at most"),
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
    if !response.headers().contains_key(header::CONTENT_LENGTH)
        && let Some(length) = response.body().size_hint().exact()
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    api.metrics.delivered(&request.method, ROUTE, status, started.elapsed());
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
        api.kept.forget(target.upload);
        return Ok(None);
    };
    let size = published.rendition.size;
    let kept = api.kept.get(target.upload, &published);
    let head = kept.as_ref().map_or_else(|| head(target, &published), |object| object.head.clone());
    let range = match conditional::answer(&request.headers, etag(&head), size) {
        Answer::NotModified => return Ok(Some(bare(StatusCode::NOT_MODIFIED, head))),
        Answer::Unsatisfiable => return Ok(Some(unsatisfiable(head, size))),
        Answer::All => None,
        Answer::Part(range) => Some(range),
    };
    let is_head = request.method == Method::HEAD;
    if !is_head && let Some(elsewhere) = redirect::redirect(api, &published, &head).await? {
        return Ok(Some(elsewhere));
    }
    // Of a large object no more is read than is sent.
    let part = match &range {
        _ if size <= kept::LARGEST => 0..size,
        _ if is_head => 0..0,
        Some(part) => part.clone(),
        None => 0..size,
    };
    let content = match kept {
        Some(object) => Content::Memory(object.bytes.clone()),
        None => match read(api, target, &published, part).await? {
            None => return Ok(None),
            Some(reading) if size <= kept::LARGEST => {
                Content::Memory(keep(api, target, published, &head, reading).await?)
            }
            Some(Reading::File(file)) => Content::File(file),
            Some(Reading::Stream { bytes, .. }) => Content::Stream(bytes),
        },
    };
    let sent = if is_head { None } else { Some(content) };
    full(api, sent, head, range, size).await.map(Some)
}

enum Content {
    Memory(Bytes),
    File(File),
    /// The very part that is to be sent.
    Stream(BoxStream<'static, ports::Result<Bytes>>),
}

/// The object's bytes. That it is gone although it is published is a fault, unless it was just taken down.
async fn read(
    api: &Api,
    target: Target,
    published: &PublishedRendition,
    part: Range<u64>,
) -> Result<Option<Reading>, Problem> {
    let rendition = &published.rendition;
    match api.blobs.read(Zone::Published, &rendition.key, part).await? {
        Some(reading) => {
            let size = match &reading {
                Reading::File(file) => {
                    file.metadata().map_err(|error| Problem::from(PortError::from(error)))?.len()
                }
                Reading::Stream { size, .. } => *size,
            };
            if size == rendition.size {
                Ok(Some(reading))
            } else {
                Err(fault(published, "the object has not the size it should"))
            }
        }
        None if api.store.published(target.upload, target.rendition).await?.is_none() => Ok(None),
        None => Err(fault(published, "the object is published and not there")),
    }
}

fn fault(published: &PublishedRendition, what: &str) -> Problem {
    Problem::internal(PortError::new(Kind::Fail, format!("{}: {what}", published.rendition.key)))
}

/// The bytes of a small object, from now on in memory: none but those that its verdict names.
async fn keep(
    api: &Api,
    target: Target,
    published: PublishedRendition,
    head: &HeaderMap,
    reading: Reading,
) -> Result<Bytes, Problem> {
    let bytes = match reading {
        Reading::File(file) => {
            let read = body::whole(file, published.rendition.size).await;
            read.map_err(|error| Problem::from(PortError::from(error)))?
        }
        Reading::Stream { bytes, .. } => bytes.try_collect::<Vec<_>>().await?.concat().into(),
    };
    if crate::hex(&Sha256::digest(&bytes)) != published.rendition.sha256 {
        return Err(fault(&published, "the object has not the bytes it should"));
    }
    let object = Object { published, head: head.clone(), bytes: bytes.clone() };
    api.kept.insert(target.upload, Arc::new(object));
    Ok(bytes)
}

async fn full(
    api: &Api,
    content: Option<Content>,
    mut head: HeaderMap,
    range: Option<Range<u64>>,
    size: u64,
) -> Result<Response, Problem> {
    let part = range.clone().unwrap_or(0..size);
    let length = part.end - part.start;
    if content.is_some() {
        api.metrics.sent(length);
    }
    let body = match content {
        None => Body::empty(),
        // No larger than `LARGEST`, and the part lies within.
        Some(Content::Memory(bytes)) => Body::from(bytes.slice(part.start as usize..part.end as usize)),
        Some(Content::Stream(bytes)) => Body::from_stream(bytes),
        Some(Content::File(file)) => {
            body::body(file, part.clone()).await.map_err(|error| Problem::from(PortError::from(error)))?
        }
    };
    let mut status = StatusCode::OK;
    if range.is_some() {
        status = StatusCode::PARTIAL_CONTENT;
        head.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        head.insert(header::CONTENT_RANGE, text(format!("bytes {}-{}/{size}", part.start, part.end - 1)));
    }
    Ok(response(status, head, body))
}

/// What a whole answer about this object carries.
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
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(rendition.size));
    headers
}

fn etag(head: &HeaderMap) -> &str {
    head.get(header::ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default()
}

fn response(status: StatusCode, head: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = head;
    response
}

fn bare(status: StatusCode, mut head: HeaderMap) -> Response {
    for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_DISPOSITION] {
        head.remove(name);
    }
    response(status, head, Body::empty())
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
