//! From what a source brings to frames in front of the judge: one child unpacks and decodes, one frame is asked for at a
//! time, when the judge wants one.

use super::{
    edge::Edge,
    piece::{Piece, packing},
    trouble::Trouble,
};
use crate::ports::Clock;
use crate::streams::{Frame, live::Live, order::Order};
use bytes::{Bytes, BytesMut};
use lazaret_sandbox::{Glimpse, GlimpseRequest, Pool, Session};
use rustix::pipe::{PipeFlags, pipe_with};
use std::{fs::File, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::unix::pipe::Sender,
    sync::mpsc,
    time::{Instant, timeout},
};

/// For a child to be free.
const PLACE: Duration = Duration::from_secs(5);
/// For a frame's outcome.
const OUTCOME: Duration = Duration::from_secs(10);
/// However fast the judge is, no more are decoded for it.
const QUICKEST: Duration = Duration::from_millis(40);
/// The longest that a frame is held back for its time to come.
const AHEAD: Duration = Duration::from_secs(2);
/// So far behind its time, the time is taken anew.
const LATE: Duration = Duration::from_millis(500);

/// It ends with what cannot be decoded: another codec on the same track, say, of which nothing told.
pub(super) const SPOILED: &str = "source.spoiled";
/// Too many others are followed: no fault of its own.
pub(super) const NO_PLACE: &str = "source.no_place";

/// Shows frames of one source.
pub(super) struct Screen<'a> {
    pub(super) live: &'a Arc<Live>,
    pub(super) clock: &'a dyn Clock,
    pub(super) children: &'a Pool,
    pub(super) max_pixels: u64,
    /// The shortest pause between two frames.
    pub(super) fastest: Duration,
    /// It may bring more at a time than is shown in that time; frames are held back until theirs has come.
    pub(super) is_ahead: bool,
    /// For the next frame.
    pub(super) patience: Duration,
    /// Called with every frame that came, and with what is not seen beside it.
    pub(super) came: &'a (dyn Fn(Option<String>) + Sync),
    pub(super) order: Order,
}

impl Screen<'_> {
    /// Until the source brings nothing more.
    pub(super) async fn show(&mut self, pieces: &mut mpsc::Receiver<Piece>) -> Result<(), Trouble> {
        let mut last = Ok(());
        while let Some(first) = begins(pieces).await? {
            last = self.reel(first, pieces).await;
            if last.as_ref().is_err_and(|trouble| trouble.code != SPOILED) {
                return last;
            }
        }
        last
    }

    /// Until the next cut.
    async fn reel(&mut self, first: Bytes, pieces: &mut mpsc::Receiver<Piece>) -> Result<(), Trouble> {
        let Some(media_type) = packing(&first).transpose()? else {
            return Err(Trouble::new("source.format", "it ends before it says what it is"));
        };
        let lost = |e: std::io::Error| Trouble::new("source.child", format!("there is no pipe: {e}"));
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| lost(e.into()))?;
        let mut writer = Sender::from_owned_fd(writer).map_err(lost)?;
        let reader = File::from(reader);
        let session = match timeout(PLACE, self.children.open(&reader, 0, media_type)).await {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return Err(Trouble::new("source.child", error.to_string())),
            Err(_) => {
                let why = "this process follows as many sources as it may; see streams.pulls";
                return Err(Trouble::new(NO_PLACE, why));
            }
        };
        // Only the child reads it from now on.
        drop(reader);
        let edge = Edge::default();
        let pour = async {
            let mut next = Some(first);
            while let Some(bytes) = next {
                if writer.write_all(&bytes).await.is_err() {
                    // The child is gone; why, it is asked.
                    break;
                }
                if pieces.is_empty() {
                    edge.reached();
                }
                next = match pieces.recv().await {
                    Some(Piece::Bytes(bytes)) => Some(bytes),
                    Some(Piece::Cut) | None => None,
                };
                edge.left(Instant::now());
            }
            drop(writer);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            shown = self.glimpses(session, &edge) => shown,
            () = pour => Ok(()),
        }
    }

    async fn glimpses(&mut self, mut session: Session, edge: &Edge) -> Result<(), Trouble> {
        let mut anchor: Option<(Instant, u64)> = None;
        loop {
            let mut pause = self.live.asked_pause().max(self.fastest).max(QUICKEST);
            // One that may bring more than its time is behind on purpose.
            let leap = edge.leap(Instant::now());
            if !self.is_ahead && !leap.is_zero() {
                // The newest is judged: what nobody was quick enough for is left out, and counted.
                pause += leap;
                self.live.skipped();
            }
            let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            let request = GlimpseRequest { pause_ms, max_pixels: self.max_pixels };
            let (seen, picture) = match timeout(self.patience, session.glimpse(&request)).await {
                Ok(Ok(seen)) => seen,
                Ok(Err(trouble)) => return Err(unseen(&trouble)),
                Err(_) => {
                    let why = "what comes holds no frames that can be decoded";
                    return Err(Trouble::new("source.no_frames", why));
                }
            };
            self.live.spoiled_by(seen.damaged);
            self.live.passed_over(seen.passed_over);
            self.live.hold_more(seen.unseen.iter().map(|unseen| unseen.kind.into()).collect());
            let Some(glimpse) = seen.frame else {
                let why = format!("the last {} frames and packets could not be decoded", seen.damaged);
                return if seen.damaged == 0 { Ok(()) } else { Err(Trouble::new(SPOILED, why)) };
            };
            let unseen: Vec<_> = seen.unseen.into_iter().map(|unseen| unseen.what).collect();
            (self.came)((!unseen.is_empty()).then(|| unseen.join("; ")));
            if self.is_ahead {
                hold(&glimpse, &mut anchor).await;
            }
            let Ok(frame) = Frame::read(picture.into()) else {
                self.live.spoiled();
                continue;
            };
            let (reply, mut outcome) = mpsc::unbounded_channel();
            let (now, behind) =
                (self.clock.now(), if self.is_ahead { Duration::ZERO } else { edge.behind(Instant::now()) });
            // Not newer than it is: an old picture says nothing of what viewers see by now.
            let came = now.checked_sub(behind).unwrap_or(now);
            self.live.offer(frame, &mut self.order, came, reply);
            // The next one is decoded once this one was judged.
            let _ = timeout(OUTCOME, outcome.recv()).await;
        }
    }
}

/// Waits until the frame's time has come.
async fn hold(glimpse: &Glimpse, anchor: &mut Option<(Instant, u64)>) {
    let now = Instant::now();
    let (since, from) = *anchor.get_or_insert((now, glimpse.at_ms));
    let due = since + Duration::from_millis(glimpse.at_ms.saturating_sub(from));
    if due > now {
        tokio::time::sleep_until(due.min(now + AHEAD)).await;
    } else if now - due > LATE {
        *anchor = Some((now, glimpse.at_ms));
    }
}

/// As many bytes as it takes to tell what it is.
async fn begins(pieces: &mut mpsc::Receiver<Piece>) -> Result<Option<Bytes>, Trouble> {
    let mut first = BytesMut::new();
    while packing(&first).is_none() {
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => first.extend_from_slice(&bytes),
            Some(Piece::Cut) => first.clear(),
            None if first.is_empty() => return Ok(None),
            None => return Err(Trouble::new("source.format", "it ends before it says what it is")),
        }
    }
    Ok(Some(first.freeze()))
}

/// A child that gave up, or that was ended.
fn unseen(trouble: &lazaret_sandbox::Trouble) -> Trouble {
    let why = trouble.coverage();
    let why = match why {
        lazaret_sandbox::Coverage::Partial(why) | lazaret_sandbox::Coverage::Failed(why) => why,
        lazaret_sandbox::Coverage::Complete => return Trouble::new("source.corrupt", trouble.to_string()),
    };
    let code = match why.code.as_str() {
        "source.no_video" => "source.no_video",
        "source.tracks" => "source.tracks",
        "source.format" | "video.unsupported" => "source.format",
        "limit.pixels" => "source.pixels",
        _ => "source.corrupt",
    };
    Trouble::new(code, why.detail)
}
