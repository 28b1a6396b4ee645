//! Frames of a source that goes on, one at a time.

use super::{Exchange, unexpected};
use crate::child::CHUNK;
use crate::glimpse::Glimpsed;
use crate::protocol::FromChild;
use crate::trouble::Trouble;

impl Exchange<'_> {
    pub(super) async fn glimpse(&mut self) -> Result<(Glimpsed, Vec<u8>), Trouble> {
        let (mut picture, mut chunk) = (Vec::new(), Vec::new());
        loop {
            match self.hear().await? {
                (FromChild::Chunk, length @ 1..=CHUNK) => {
                    if (picture.len() + length) as u64 > self.lease.pool.config.max_output_bytes {
                        return Err(Trouble::OutputLimit);
                    }
                    self.lease.process.blob(&mut chunk, length, &mut self.wall).await?;
                    picture.extend_from_slice(&chunk);
                }
                (FromChild::Glimpse(seen), 0)
                    if seen.frame.map_or(0, |frame| frame.bytes) == picture.len() as u64 =>
                {
                    return Ok((seen, picture));
                }
                other => return Err(unexpected(other)),
            }
        }
    }
}
