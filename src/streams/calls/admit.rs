//! Who may do something with a stream: its tenant, by an API key, or who has its own key.

use crate::{
    access::{self, Scope},
    http::{Api, Problem, caller, codes},
    ports::streams::{Stream, StreamKey},
    streams::{Hub, Live, key::Presented},
    upload::StreamId,
};
use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderValue, header, request::Parts},
};
use jiff::Timestamp;
use std::sync::Arc;

/// The `{id}` of the path.
pub struct Id(pub StreamId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id: Option<Path<String>> = Path::from_request_parts(parts, state).await.ok();
        id.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(no_stream)
    }
}

/// The stream of the path, to somebody who may send to it and follow it.
pub struct Admitted {
    pub stream: Stream,
    pub by: By,
}

/// The key by which somebody was admitted. Connections outlive what was true when they began, so it is asked again.
#[derive(Debug, Clone)]
pub enum By {
    /// The stream's own.
    Stream(Presented),
    /// The id of a tenant's API key.
    Tenant(String),
}

impl By {
    /// As far as the stream itself can say.
    pub fn opens(&self, key: &StreamKey, now: Timestamp) -> bool {
        match self {
            Self::Stream(presented) => presented.opens(key, now),
            Self::Tenant(_) => true,
        }
    }

    /// The same, and whether an API key was revoked. A store that cannot be read just now revokes nothing.
    pub async fn is_good(&self, api: &Api, key: &StreamKey) -> bool {
        match self {
            Self::Stream(_) => self.opens(key, api.clock.now()),
            Self::Tenant(id) => match api.store.key(id).await {
                Ok(key) => key.is_some_and(|key| key.revoked_at.is_none()),
                Err(_) => true,
            },
        }
    }
}

impl FromRequestParts<Api> for Admitted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let text = caller::bearer(parts).unwrap_or_default().to_owned();
        let id = Id::from_request_parts(parts, api).await;
        if let Some(key) = Presented::parse(&text) {
            // That there is no such stream is not told to a key that opens none.
            let stream = match id {
                Ok(Id(id)) => api.store.stream(id).await?,
                Err(_) => None,
            };
            let stream = stream.filter(|stream| key.opens(&stream.key, api.clock.now()));
            return stream.map(|stream| Self { stream, by: By::Stream(key) }).ok_or_else(caller::refused);
        }
        let caller = access::authenticate(&*api.store, &text).await?.ok_or_else(caller::refused)?;
        if !caller.scopes.contains(Scope::Stream) {
            return Err(caller::scope_missing(Scope::Stream));
        }
        let stream = api.store.stream(id?.0).await?.filter(|stream| stream.tenant == caller.tenant);
        Ok(Self { stream: stream.ok_or_else(no_stream)?, by: By::Tenant(caller.key) })
    }
}

/// The one answer for streams that do not exist, that are another's, and for what is no id at all.
pub fn no_stream() -> Problem {
    Problem::new(codes::STREAM_UNKNOWN, "check the id; a stream shows only to the tenant that opened it")
}

pub fn closed() -> Problem {
    Problem::new(codes::STREAM_CLOSED, "open another one")
}

/// The stream, watched by this process.
pub async fn here(api: &Api, stream: &Stream) -> Result<Arc<Live>, Problem> {
    if !stream.is_open() {
        return Err(closed());
    }
    match hub(api)?.live(stream.id).await? {
        Some(live) => Ok(live),
        None => Err(Problem::new(
            codes::STREAM_ELSEWHERE,
            "send to the process that has it, or to any in a few seconds if that one is gone",
        )
        .with(header::RETRY_AFTER, HeaderValue::from_static("2"))),
    }
}

fn hub(api: &Api) -> Result<&Hub, Problem> {
    api.streams.hub.as_ref().ok_or_else(|| {
        Problem::new(codes::STREAMS_UNAVAILABLE, "send frames to a process with the role `streams`")
    })
}
