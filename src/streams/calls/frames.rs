//! `POST /v1/streams/{id}/frames`: one frame.

use super::admit::{Admitted, here};
use crate::{
    http::{Api, Problem, codes, problem::ProblemBody},
    streams::{Frame, Outcome, frame::HEADER},
};
use axum::{
    Json,
    extract::{Request, State},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::time::Duration;
use tokio::sync::mpsc;

/// For the whole body, and for the frame's turn: what takes longer is no live frame.
const PATIENCE: Duration = Duration::from_secs(10);

/// Send one frame: a JPEG, PNG or WebP picture, bare or behind the header of frames. The answer says what became of it.
#[utoipa::path(
    post, path = "/v1/streams/{id}/frames", tag = "streams",
    params(("id" = String, Path, description = "The stream's id")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "What became of it, and how the stream stands", body = Outcome),
        (status = 400, description = "No frame", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `stream`", body = ProblemBody),
        (status = 404, description = "No such stream of this tenant", body = ProblemBody),
        (status = 409, description = "Closed, or watched by another process", body = ProblemBody),
        (status = 413, description = "Too large", body = ProblemBody),
        (status = 501, description = "No frames are taken here", body = ProblemBody),
        (status = 503, description = "Try again later", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn post(
    Admitted { stream, .. }: Admitted,
    State(api): State<Api>,
    request: Request,
) -> Result<Json<Outcome>, Problem> {
    let live = here(&api, &stream).await?;
    let came = api.clock.now();
    let limit = api.streams.max_frame + HEADER;
    let body = Limited::new(request.into_body(), limit).collect();
    let bytes = match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            live.spoiled();
            return Err(Problem::new(codes::FRAME_TOO_LARGE, format!("at most {limit} bytes are taken")));
        }
        Ok(Err(_)) | Err(_) => {
            live.spoiled();
            return Err(Problem::new(codes::FRAME_MALFORMED, "the body broke off, or came too slowly"));
        }
    };
    let frame = Frame::read(bytes).map_err(|error| {
        live.spoiled();
        Problem::new(codes::FRAME_MALFORMED, error.to_string())
    })?;
    let (reply, mut outcome) = mpsc::unbounded_channel();
    live.post(frame, came, reply);
    match tokio::time::timeout(PATIENCE, outcome.recv()).await {
        Ok(Some(outcome)) => Ok(Json(outcome)),
        // It was left to another process, or there is too much to do.
        Ok(None) | Err(_) => {
            Err(Problem::new(codes::UNAVAILABLE, "the frame was not judged; send the next one"))
        }
    }
}
