//! `POST /v1/streams`: open a live stream.

use crate::{
    config::units::Span,
    http::{Allowed, Api, Problem, caller, codes, extract::Body, problem::ProblemBody},
    ports::streams::NewStream,
    streams::{
        Tuning, key,
        pull::{self, BadSource},
    },
    upload::StreamId,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest `external_id`, in characters.
const EXTERNAL: usize = 255;

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Your own id for it; events and the kill hook name it. 1 to 255 characters.
    external_id: Option<String>,
    /// Rules of its own; what is left out is the tenant's.
    #[schema(value_type = Option<Tuning>)]
    tuning: Option<serde_json::Value>,
    /// How long its key is good.
    #[schema(value_type = Option<String>, example = "12h")]
    key_expires_in: Option<Span>,
    /// Frames come through the broker, too, as `stream.frame.<id>`.
    #[serde(default)]
    queue: bool,
    /// A URL to pull frames from: `http:` or `https:` (an HLS playlist, or MPEG-TS, FLV, fragmented MP4 or WebM as one
    /// long answer), `rtmp:`, `rtmps:`, `rtsp:` or `rtsps:`, or `srt:` with a port and, where need be, `streamid`,
    /// `passphrase`, `pbkeylen` and `latency`. It never shows again.
    source: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Opened {
    #[schema(value_type = String, format = Uuid)]
    pub id: StreamId,
    /// May send frames to this stream and follow it. Shown this once.
    pub key: String,
    #[schema(value_type = String, format = DateTime)]
    pub key_expires_at: Timestamp,
    /// Where frames go: a WebSocket, or one frame a call.
    pub frames: String,
    /// The queue that takes its frames, if there is one.
    pub queue: Option<String>,
}

/// Open a live stream. It is `warn`, `unwatched`, until its first frame is judged.
#[utoipa::path(
    post, path = "/v1/streams", tag = "streams", request_body = Opening,
    responses(
        (status = 201, description = "Open", body = Opened,
            headers(("Location" = String, description = "Where to follow it"))),
        (status = 400, description = "Not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `stream`, or the source's address is private", body = ProblemBody),
        (status = 429, description = "The tenant has as many open streams as it may", body = ProblemBody),
        (status = 501, description = "There is no broker here, or the source cannot be pulled", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn open(
    Allowed { caller, .. }: Allowed<caller::Stream>,
    State(api): State<Api>,
    Body(opening): Body<Opening>,
) -> Result<Response, Problem> {
    let malformed = |why: String| Problem::new(codes::BODY_MALFORMED, why);
    let external =
        |id: &String| (1..=EXTERNAL).contains(&id.chars().count()) && !id.contains(char::is_control);
    if opening.external_id.as_ref().is_some_and(|id| !external(id)) {
        let why = format!("`external_id` is 1 to {EXTERNAL} characters, none of them a control character");
        return Err(malformed(why));
    }
    if let Some(source) = &opening.source {
        let (_, speech) = api.streams.pull.check(source).map_err(no_source)?;
        // Of what processes with the role `streams` alone have, others cannot tell.
        if let Some(hub) = &api.streams.hub {
            hub.can_pull(speech).map_err(no_source)?;
        }
    }
    if opening.queue && !api.streams.queues {
        return Err(Problem::new(
            codes::STREAM_NO_QUEUE,
            "set queue.url to a broker, or send frames over HTTP",
        ));
    }
    let tuning = opening.tuning.unwrap_or_else(|| serde_json::json!({}));
    let understood: Tuning =
        serde_json::from_value(tuning.clone()).map_err(|e| malformed(format!("`tuning`: {e}")))?;
    api.streams
        .book
        .rules(&caller.tenant, &understood)
        .map_err(|why| malformed(format!("`tuning`: {why}")))?;
    let (now, mut random) = (api.clock.now(), [0; 10]);
    api.random.fill(&mut random)?;
    let (key, text) = fresh_key(&api, opening.key_expires_in, now)?;
    let id = StreamId::new(now, &random);
    let source = opening.source.map(|url| pull::sealed::seal(api.streams.vault.as_deref(), id, url));
    let new = NewStream {
        id,
        actor: caller.actor(),
        tenant: caller.tenant,
        external_id: opening.external_id,
        tuning: tuning.to_string(),
        queued: opening.queue,
        source: source.transpose()?,
        key,
        at: now,
    };
    if !api.store.open_stream(&new, api.streams.max_open).await? {
        let why = format!("close some of yours: at most {} are open at a time", api.streams.max_open);
        return Err(Problem::new(codes::STREAM_TOO_MANY, why));
    }
    let place = format!("/v1/streams/{}", new.id);
    let opened = Opened {
        id: new.id,
        key: text,
        key_expires_at: new.key.expires_at,
        frames: format!("{place}/frames"),
        queue: new.queued.then(|| crate::streams::queue(new.id)),
    };
    let mut response = (StatusCode::CREATED, Json(opened)).into_response();
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// A key, and its text.
pub(super) fn fresh_key(
    api: &Api,
    expires_in: Option<Span>,
    now: Timestamp,
) -> Result<(crate::ports::streams::StreamKey, String), Problem> {
    let term = expires_in.map_or(api.streams.key_expires, |span| span.0);
    let far = || Problem::new(codes::BODY_MALFORMED, "a key that ends so far away never would: say less");
    let until = now.checked_add(term).map_err(|_| far())?;
    Ok(key::mint(&*api.random, until)?)
}

fn no_source(bad: BadSource) -> Problem {
    let code = match bad {
        BadSource::Url | BadSource::Srt(_) => codes::BODY_MALFORMED,
        BadSource::Scheme(_) | BadSource::Mute(_) => codes::STREAM_NO_SOURCE,
        BadSource::Private => codes::STREAM_SOURCE_FORBIDDEN,
    };
    Problem::new(code, bad.to_string())
}
