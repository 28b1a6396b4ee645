//! Which bytes of a file its container claims, for formats whose parts lie anywhere: what two parts share, and what no
//! part claims.

use super::log::Log;
use super::source::{Source, Stop};
use super::trailing;

/// More parts than this are not kept: a picture of a gigapixel has fewer tiles.
const MOST: usize = 1 << 20;

pub(super) struct Extents {
    /// Beginning and end of each part, both within the file.
    parts: Vec<(u64, u64)>,
    size: u64,
}

impl Extents {
    /// For a file of `size` bytes.
    pub(super) fn new(size: u64) -> Self {
        Self { parts: Vec::new(), size }
    }

    /// Claims `length` bytes from `start` on, all of which must be there.
    pub(super) fn claim(&mut self, start: u64, length: u64) -> Result<(), Stop> {
        let end = start.checked_add(length).filter(|end| *end <= self.size);
        let Some(end) = end else { return Err(Stop::Truncated(self.size)) };
        if length == 0 {
            return Ok(());
        }
        if self.parts.len() == MOST {
            return Err(Stop::Partial("limit.parts", format!("more than {MOST} parts in one container")));
        }
        self.parts.push((start, end));
        Ok(())
    }

    /// Notes what overlaps and what nobody claims, and leaves the source behind the last part. Two parts that are the
    /// very same bytes are no overlap: writers store equal strips once.
    pub(super) fn settle(mut self, source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
        self.parts.sort_unstable();
        self.parts.dedup();
        let mut reached = 0;
        for (start, end) in self.parts {
            if start < reached {
                log.malformed(start, "two parts of the container share bytes");
            } else {
                source.seek(reached)?;
                trailing::unclaimed(source, start, log)?;
            }
            reached = reached.max(end);
        }
        source.seek(reached)
    }
}
