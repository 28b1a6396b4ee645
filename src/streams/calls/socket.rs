//! `GET /v1/streams/{id}/frames`: a WebSocket. Frames in, each a binary message; out, JSON in text messages:
//! `{"type":"frame",…}` for a frame that was judged, came late or failed, `{"type":"state",…}` at each change of the
//! decision, `{"type":"error","why":…}` for what is no frame. Skipped frames show in `counts`.

use super::admit::{Admitted, By, here};
use crate::{
    http::{Api, Problem, problem::ProblemBody},
    streams::{
        Frame, Live, Outcome,
        frame::HEADER,
        order::Order,
        outcome::{Became, Reply},
        window::State as StreamState,
    },
    upload::{Because, Standing},
};
use axum::{
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
    },
    response::Response,
};
use serde::Serialize;
use std::{error::Error, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{self, error::CapacityError};

/// For one message to a sender that does not read.
const PATIENCE: Duration = Duration::from_secs(10);
/// RFC 6455, 7.4.1: the service restarts, or another process watches the stream now.
const ELSEWHERE: u16 = 1012;
/// RFC 6455, 7.4.1: a message is too large.
const TOO_LARGE: u16 = 1009;
/// What is so much too large is read to its end, so that who sent it hears why it was in vain.
const BEYOND: usize = 1 << 20;
/// How long a connection is left open on which something larger came, which nobody reads: it is reset when it is dropped.
const LINGER: Duration = Duration::from_secs(2);
/// Of our own: the key is no good any more.
const KEY: u16 = 4401;
const NO_GOOD: &str = "the key is no good any more";
/// How often it is asked whether the key is good still: nobody tells of one that was revoked, or that ended.
const ASK: Duration = Duration::from_secs(1);

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said<'a> {
    Frame(&'a Outcome),
    State { decision: Standing, reason: Because, since: String },
    Error { why: String },
}

/// Send frames over a WebSocket.
#[utoipa::path(
    get, path = "/v1/streams/{id}/frames", tag = "streams",
    params(("id" = String, Path, description = "The stream's id")),
    responses(
        (status = 101, description = "A WebSocket: frames in, as binary messages; decisions out, as JSON"),
        (status = 400, description = "No WebSocket was asked for"),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key has no scope `stream`", body = ProblemBody),
        (status = 404, description = "No such stream of this tenant", body = ProblemBody),
        (status = 409, description = "Closed, or watched by another process", body = ProblemBody),
        (status = 501, description = "No frames are taken here", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub async fn socket(
    Admitted { stream, by }: Admitted,
    State(api): State<Api>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let live = here(&api, &stream).await?;
    let most = api.streams.max_frame + HEADER;
    let read = most.saturating_add(BEYOND);
    let upgrade = upgrade.max_message_size(read).max_frame_size(read);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let (reply, outcomes) = mpsc::unbounded_channel();
        let connection = Connection { socket, live, by, api, order: Order::default(), reply };
        // How it ended only its two ends care about.
        let _ = connection.serve(outcomes).await;
    }))
}

struct Connection {
    socket: WebSocket,
    live: Arc<Live>,
    by: By,
    api: Api,
    order: Order,
    reply: Reply,
}

/// The other end is gone, or does not read.
struct Gone;

impl Connection {
    async fn serve(mut self, mut outcomes: mpsc::UnboundedReceiver<Outcome>) -> Result<(), Gone> {
        let (mut follow, over) = (self.live.follow(), self.live.over());
        let mut shown = self.live.shown().state;
        self.state(shown).await?;
        let mut ask = tokio::time::interval(ASK);
        loop {
            // Frames come last, or answers to them would pile up.
            tokio::select! {
                biased;
                () = over.cancelled() => {
                    return self.end(ELSEWHERE, "the stream is closed, or watched elsewhere").await;
                }
                Some(outcome) = outcomes.recv() => {
                    if outcome.outcome != Became::Skipped {
                        self.say(&Said::Frame(&outcome)).await?;
                    }
                }
                _ = ask.tick() => {
                    let key = self.live.shown().key;
                    if !self.by.is_good(&self.api, &key).await {
                        return self.end(KEY, NO_GOOD).await;
                    }
                }
                changed = follow.changed() => {
                    if changed.is_err() || !self.may_send() {
                        return self.end(KEY, NO_GOOD).await;
                    }
                    let state = self.live.shown().state;
                    if std::mem::replace(&mut shown, state) != state {
                        self.state(state).await?;
                    }
                }
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        if !self.may_send() {
                            return self.end(KEY, NO_GOOD).await;
                        }
                        if bytes.len() > self.most() {
                            self.too_large().await?;
                            return self.part().await;
                        }
                        self.frame(bytes).await?;
                    }
                    Some(Ok(Message::Text(_))) => self.error("frames are binary messages".to_owned()).await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) => return self.part().await,
                    Some(Err(error)) if is_too_large(&error) => {
                        self.too_large().await?;
                        tokio::time::sleep(LINGER).await;
                        return Ok(());
                    }
                    Some(Err(_)) | None => return Ok(()),
                }
            }
        }
    }

    async fn frame(&mut self, bytes: Bytes) -> Result<(), Gone> {
        match Frame::read(bytes) {
            Ok(frame) => {
                self.live.offer(frame, &mut self.order, self.api.clock.now(), self.reply.clone());
                Ok(())
            }
            Err(error) => {
                self.live.spoiled();
                self.error(error.to_string()).await
            }
        }
    }

    /// The most bytes that are a frame.
    fn most(&self) -> usize {
        self.api.streams.max_frame + HEADER
    }

    async fn too_large(&mut self) -> Result<(), Gone> {
        if self.may_send() {
            self.live.spoiled();
        }
        self.close(TOO_LARGE, format!("at most {} bytes are taken", self.most())).await
    }

    fn may_send(&self) -> bool {
        self.by.opens(&self.live.shown().key, self.api.clock.now())
    }

    async fn error(&mut self, why: String) -> Result<(), Gone> {
        self.say(&Said::Error { why }).await
    }

    async fn state(&mut self, state: StreamState) -> Result<(), Gone> {
        let since = self.live.shown().since.to_string();
        self.say(&Said::State { decision: state.standing, reason: state.because, since }).await
    }

    async fn say(&mut self, said: &Said<'_>) -> Result<(), Gone> {
        let text = serde_json::to_string(said).map_err(|_| Gone)?;
        self.send(Message::Text(text.into())).await
    }

    async fn end(mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        self.close(code, reason).await?;
        self.part().await
    }

    async fn close(&mut self, code: u16, reason: impl Into<Utf8Bytes>) -> Result<(), Gone> {
        self.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await
    }

    /// Reads on until both ends have said that they close: a connection that is dropped with frames unread is reset, and
    /// the other end may never see why.
    async fn part(&mut self) -> Result<(), Gone> {
        let socket = &mut self.socket;
        let rest = async move { while let Some(Ok(_)) = socket.recv().await {} };
        tokio::time::timeout(PATIENCE, rest).await.map_err(|_| Gone)
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match tokio::time::timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

/// More than is read came.
fn is_too_large(error: &axum::Error) -> bool {
    let error = error.source().and_then(|error| error.downcast_ref::<tungstenite::Error>());
    matches!(error, Some(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. })))
}
