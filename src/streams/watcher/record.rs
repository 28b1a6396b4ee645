//! What is put on record of a stream: how it stands, its episode, and that somebody watches it still.

use super::{Lost, Watcher};
use crate::{
    ports::{
        PortError,
        store::Stale,
        streams::{Change, Sign, Unwritten},
    },
    streams::{case::Case, window::State},
};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

impl Watcher {
    /// The state, and the episode as it is now; and an event where the state is another than on record.
    pub(super) async fn write(&mut self, state: State, now: Timestamp) -> Result<(), Lost> {
        let change = Change {
            standing: state.standing,
            because: state.because,
            told: state != self.told,
            scores: self.last.0.clone(),
            sequence: self.last.1.filter(|_| state.because.is_of_frames()),
            sign: self.sign_until(now),
            episode: self.case.as_ref().map(|case| case.episode.clone()),
            at: now,
        };
        if !change.told && change.episode.is_none() {
            return Ok(());
        }
        match self.hub.store.change_stream(&self.watch, &change).await {
            Ok(Ok(())) => {
                (self.written, self.signed) = (Instant::now(), Instant::now());
                self.watch.until = change.sign.until;
                if change.told {
                    self.told = state;
                    self.show(state);
                    self.hub.told(&self.watch.stream, &change);
                }
                if let Some(case) = &mut self.case {
                    (case.dirty, case.unsure) = (false, false);
                    self.watch.stream.episode = case.episode.number;
                }
                self.case.take_if(|case| case.episode.ended_at.is_some());
                // No record names them any more.
                for key in std::mem::take(&mut self.stale) {
                    self.hub.drop_evidence(&key).await;
                }
                Ok(())
            }
            Ok(Err(Unwritten::Stale)) => Err(Lost),
            Ok(Err(Unwritten::Ruled)) => {
                // The next round writes it.
                self.case = self.case.take().map(Case::apart);
                Ok(())
            }
            Err(error) => {
                self.unwritten(&error);
                Ok(())
            }
        }
    }

    pub(super) async fn renew(&mut self, now: Timestamp) -> Result<(), Lost> {
        let sign = self.sign_until(now);
        match self.hub.store.sign_stream(self.live.id, self.watch.fence, &sign).await {
            Ok(Ok(())) => {
                self.watch.until = sign.until;
                self.signed = Instant::now();
            }
            Ok(Err(Stale)) => return Err(Lost),
            Err(error) => self.unwritten(&error),
        }
        // The key may have been changed meanwhile, by any process.
        if let Ok(Some(stream)) = self.hub.store.stream(self.live.id).await {
            self.live.shown.send_if_modified(|shown| {
                let changed = shown.key != stream.key;
                shown.key = stream.key;
                changed
            });
        }
        Ok(())
    }

    fn unwritten(&self, error: &PortError) {
        tracing::warn!(stream.id = %self.live.id, %error, "a stream's state could not be written; it is tried again");
    }

    fn sign_until(&self, now: Timestamp) -> Sign {
        Sign { until: now.checked_add(self.hub.options.term).unwrap_or(now), ..self.sign() }
    }

    pub(super) fn sign(&self) -> Sign {
        let deadline = self.window.rules().deadline;
        let watched_until = self.window.watched_at().and_then(|at| at.checked_add(deadline).ok());
        Sign {
            until: self.watch.until,
            watched_until,
            counts: self.live.counters.now(),
            last: self.live.last(),
        }
    }

    pub(super) fn sign_every(&self) -> Duration {
        (self.hub.options.term / 3).min(self.window.rules().deadline / 3)
    }
}
