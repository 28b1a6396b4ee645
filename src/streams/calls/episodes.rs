//! `GET /v1/streams/{id}/episodes` and the frames that were kept of each: for the tenant that opened the stream, with a key
//! that may read. A frame is shown as a copy that is made of it in the sandbox, for this answer alone.

use super::admit::{Id, no_stream};
use crate::{
    http::{Allowed, Api, Problem, caller, codes, extract::Params, problem::ProblemBody},
    ports::streams::{Episode, EpisodeState, Stream},
    review::{Preview, Previews, preview::Hidden},
    upload::{Because, Standing, TenantId},
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

const PAGE: u32 = 50;
/// The longer edge of a frame that is shown, in pixels.
const EDGE: u32 = 1280;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only episodes below this number: `next` of the page before.
    before: Option<u32>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EpisodeList {
    /// The newest first.
    pub episodes: Vec<EpisodeView>,
    /// The next page's `before`; null on the last page.
    pub next: Option<u32>,
}

/// A time in which a stream did not pass for what was seen on it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EpisodeView {
    pub number: u32,
    /// `open` while it goes on, then `in_review`, and `ruled` once a person has looked.
    pub state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    pub worst: Standing,
    pub reason: Because,
    /// The highest of each label that counts.
    pub scores: BTreeMap<String, f32>,
    pub frames: Vec<FrameView>,
    /// What a person said: `confirmed`, `mistaken` or `unclear`.
    pub ruling: Option<String>,
}

/// A frame that was kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FrameView {
    /// Where to see it, with the same key.
    pub url: String,
    pub sequence: u64,
    #[schema(value_type = String, format = DateTime)]
    pub came_at: Timestamp,
    /// By the publisher's clock.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub captured_at: Option<Timestamp>,
    pub scores: BTreeMap<String, f32>,
}

impl From<Episode> for EpisodeView {
    fn from(episode: Episode) -> Self {
        let (stream, number) = (episode.stream, episode.number);
        let frame = |(n, kept): (usize, crate::ports::streams::Evidence)| FrameView {
            url: format!("/v1/streams/{stream}/episodes/{number}/frames/{n}"),
            sequence: kept.sequence,
            came_at: kept.came_at,
            captured_at: kept.captured_at,
            scores: kept.scores,
        };
        Self {
            number,
            state: EpisodeState::as_str(episode.state),
            began_at: episode.began_at,
            ended_at: episode.ended_at,
            worst: episode.worst,
            reason: episode.because,
            scores: episode.scores,
            frames: episode.evidence.into_iter().enumerate().map(frame).collect(),
            ruling: episode.ruling.map(|ruling| ruling.said),
        }
    }
}

/// A stream of the tenant's.
async fn own(api: &Api, tenant: &TenantId, id: Id) -> Result<Stream, Problem> {
    let stream = api.store.stream(id.0).await?;
    stream.filter(|stream| stream.tenant == *tenant).ok_or_else(no_stream)
}

/// What was seen on a stream.
#[utoipa::path(
    get, path = "/v1/streams/{id}/episodes", tag = "streams",
    params(("id" = String, Path, description = "The stream's id"), Query),
    responses(
        (status = 200, description = "One page", body = EpisodeList),
        (status = 400, description = "The query was not understood", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `read`", body = ProblemBody),
        (status = 404, description = "No such stream of this tenant", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn list(
    Allowed { caller, .. }: Allowed<caller::Read>,
    State(api): State<Api>,
    id: Id,
    Params(query): Params<Query>,
) -> Result<Json<EpisodeList>, Problem> {
    let stream = own(&api, &caller.tenant, id).await?;
    // The store lists a tenant's: this stream's come first below this place, those of others after.
    let below = (stream.id, query.before.unwrap_or(u32::MAX));
    let found = api.store.episodes(&caller.tenant, None, Some(below), PAGE + 1).await?;
    let mut episodes: Vec<EpisodeView> =
        found.into_iter().take_while(|episode| episode.stream == stream.id).map(Into::into).collect();
    let more = episodes.len() > PAGE as usize;
    episodes.truncate(PAGE as usize);
    let next = episodes.last().filter(|_| more).map(|episode| episode.number);
    Ok(Json(EpisodeList { episodes, next }))
}

/// A frame that was kept of an episode: a JPEG or PNG copy, not to be stored.
#[utoipa::path(
    get, path = "/v1/streams/{id}/episodes/{number}/frames/{frame}", tag = "streams",
    params(
        ("id" = String, Path, description = "The stream's id"),
        ("number" = u32, Path, description = "The episode's number"),
        ("frame" = usize, Path, description = "Which of its frames, from 0"),
    ),
    responses(
        (status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `read`", body = ProblemBody),
        (status = 404, description = "No such frame of this tenant's", body = ProblemBody),
        (status = 503, description = "It cannot be shown just now", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn frame(
    Allowed { caller, .. }: Allowed<caller::Read>,
    State(api): State<Api>,
    Path((id, number, frame)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let nothing = || Problem::new(codes::STREAM_UNKNOWN, "the stream has no such frame; see its episodes");
    let id = Id(id.parse().map_err(|_| no_stream())?);
    let stream = own(&api, &caller.tenant, id).await?;
    let (number, frame): (u32, usize) = number.parse().ok().zip(frame.parse().ok()).ok_or_else(nothing)?;
    let episode = api.store.episode(stream.id, number).await?.ok_or_else(nothing)?;
    let kept = episode.evidence.get(frame).ok_or_else(nothing)?;
    let Some(media) = api.streams.pictures.clone() else {
        return Err(Problem::new(codes::UNAVAILABLE, "this process has no decoders"));
    };
    let previews = Previews { blobs: Arc::clone(&api.blobs), media, video: None };
    let Preview { media_type, bytes } =
        previews.held(&kept.key, &kept.media_type, EDGE, None).await.map_err(|hidden| match hidden {
            Hidden::Why(why) => Problem::new(codes::UNAVAILABLE, why),
            Hidden::Port(error) => error.into(),
        })?;
    let shown =
        ["image/jpeg", "image/png", "image/webp", "image/gif"].into_iter().find(|known| *known == media_type);
    let headers = [
        (header::CONTENT_TYPE, shown.unwrap_or("application/octet-stream")),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
        (header::CONTENT_DISPOSITION, "inline"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, bytes).into_response())
}
