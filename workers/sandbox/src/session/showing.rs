//! Frames of a film, as they come out of a child.

use super::{Exchange, colours, unexpected};
use crate::film::{Film, FilmRequest, Shot};
use crate::protocol::{FromChild, ShotHead, ToChild};
use crate::trouble::Trouble;
use tokio::sync::mpsc;

impl Exchange<'_> {
    /// Frames come in the order of their index, then target, none comes twice, and time does not run backwards.
    pub(super) async fn film(
        &mut self,
        request: &FilmRequest,
        shots: mpsc::Sender<Shot>,
    ) -> Result<Film, Trouble> {
        let mut blob = Vec::new();
        let mut last: Option<ShotHead> = None;
        let mut seen = 0;
        let mut told = false;
        loop {
            let (head, length) = match self.hear().await? {
                (FromChild::Shot(head), length) => (head, length),
                (FromChild::Film(film), 0) => return Ok(film),
                other => return Err(unexpected(other)),
            };
            let target = request.targets.get(head.target);
            let is_next = last.is_none_or(|last| {
                (last.index, last.target) < (head.index, head.target) && last.at_ms <= head.at_ms
            });
            if last.is_none_or(|last| last.index != head.index) {
                seen += 1;
            }
            if target.is_none_or(|target| length != target.values() * 4)
                || seen > request.max_frames
                || !is_next
            {
                return Err(Trouble::Protocol(format!("a frame that was not asked for: {head:?}")));
            }
            last = Some(head);
            self.lease.process.blob(&mut blob, length, &mut self.wall).await?;
            let pixels = colours(&blob)?;
            let ShotHead { index, at_ms, taken, target } = head;
            let gone = shots.send(Shot { index, at_ms, taken, target, pixels }).await.is_err();
            if gone && !told {
                told = true;
                self.lease.process.remark(&ToChild::Enough);
            }
        }
    }
}
