//! The episode that goes on, and the frames that are kept of it.

use super::Watcher;
use crate::{
    ports::{
        Kind, PortError,
        blobs::Zone,
        streams::{EpisodeState, Evidence},
    },
    streams::{
        case::{Case, Keep},
        hub::Shared,
        rules::Grade,
    },
    upload::{Because, Standing},
};
use bytes::Bytes;
use jiff::Timestamp;
use std::{io::Write, time::Duration};
use tokio::time::Instant;

/// The frames before an episode that are kept once it begins.
const BEFORE: usize = 3;
/// And how long before.
const LED: Duration = Duration::from_secs(60);
/// For one frame to be kept, at most: nothing is decided meanwhile.
const KEEPING: Duration = Duration::from_secs(5);

/// A frame that may have to be kept.
pub(super) struct Seen {
    pub(super) since: Instant,
    pub(super) grade: Grade,
    pub(super) bytes: Bytes,
    pub(super) evidence: Evidence,
}

impl Watcher {
    /// One of the frames before an episode, if there will be one.
    pub(super) fn may_keep(&mut self, seen: Seen) {
        self.seen = true;
        self.before.push_back(seen);
        if self.before.len() > BEFORE {
            self.before.pop_front();
        }
    }

    /// What was seen makes an episode; that nobody looks does not, nor what an episode that is over left behind. One that is
    /// open still is gone on with, by whoever takes the watch. Nothing is written here.
    pub(super) async fn begin_case(&mut self, now: Timestamp) {
        let content = self.window.content();
        self.before.retain(|seen| seen.since.elapsed() <= LED);
        // What was cut by hand is on record as a ruling.
        let is_over = content.standing == Standing::Pass || content.because == Because::Person;
        let begins = self.seen && !is_over;
        if self.case.is_none() && (begins || self.unasked) {
            let stream = &self.watch.stream;
            let last = match stream.episode {
                0 => Ok(None),
                number => self.hub.store.episode(stream.id, number).await,
            };
            match last {
                Ok(last) => {
                    (self.unasked, self.waits) = (false, false);
                    let goes_on = last.as_ref().is_some_and(|last| last.state == EpisodeState::Open);
                    if begins || goes_on {
                        let of = (stream.id, &stream.tenant, stream.episode);
                        self.case = Some(Case::begin(of, last, content, now, self.hub.options.evidence));
                    }
                }
                // The decision is written all the same, and the episode when it can be.
                Err(error) => {
                    if !std::mem::replace(&mut self.waits, true) {
                        tracing::warn!(stream.id = %stream.id, %error, "an episode has to wait");
                    }
                }
            }
        }
        if is_over {
            self.close_case();
        } else if let Some(case) = &mut self.case {
            case.stands(content);
        }
    }

    /// Writes the frames of an episode that goes on, so that its record can name them; were there any?
    pub(super) async fn keep_frames(&mut self) -> bool {
        let mut any = false;
        let (id, fence) = (self.live.id, self.watch.fence);
        let takes = |case: &&mut Case| case.episode.ended_at.is_none() && !case.unsure;
        while let Some(case) = self.case.as_mut().filter(takes)
            && let Some(mut seen) = self.before.pop_front()
        {
            self.kept += 1;
            let key = format!("{id}/{}-{fence}-{}", case.episode.number, self.kept);
            seen.evidence.key.clone_from(&key);
            let keep = case.saw(seen.grade, seen.evidence);
            if keep == Keep::No {
                continue;
            }
            if let Err(error) = self.hub.keep(&key, &seen.bytes).await {
                tracing::warn!(stream.id = %id, %error, "a frame could not be kept");
                case.unkept(&key, keep);
                // The others have their turn in the next round.
                break;
            }
            any = true;
            if let Keep::Instead(old) = keep {
                self.stale.push(old.key);
            }
        }
        any
    }

    pub(super) fn close_case(&mut self) {
        self.seen = false;
        if let Some(case) = &mut self.case
            && case.episode.ended_at.is_none()
        {
            case.end(self.hub.clock.now());
        }
    }
}

impl Shared {
    /// Makes a frame durable where nothing is delivered from.
    pub(in crate::streams) async fn keep(&self, key: &str, bytes: &Bytes) -> Result<(), PortError> {
        let time = KEEPING.min(self.options.term / 3);
        let kept = tokio::time::timeout(time, self.put(key, bytes)).await;
        kept.unwrap_or_else(|_| Err(PortError::new(Kind::Retry, "the blob store takes too long")))
    }

    async fn put(&self, key: &str, bytes: &Bytes) -> Result<(), PortError> {
        let mut spool = self.blobs.spool().await?;
        let bytes = bytes.clone();
        let written = tokio::task::spawn_blocking(move || spool.write_all(&bytes).map(|()| spool)).await;
        let spool = written.map_err(std::io::Error::other)??;
        self.blobs.put(Zone::Held, key, &spool).await
    }

    pub(super) async fn drop_evidence(&self, key: &str) {
        if let Err(error) = self.blobs.remove(Zone::Held, key).await {
            tracing::warn!(evidence.key = key, %error, "a frame stays until the next sweep");
        }
    }
}
