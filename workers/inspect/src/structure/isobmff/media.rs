//! What the boxes say of sound and pictures, held together at the end.

use super::boxes::Head;
use super::items;
use super::track::Track;
use crate::quote::quoted_bytes;
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};
use crate::structure::trailing;

/// Pieces of media data that are kept.
const PIECES: usize = 4 << 20;

pub(super) struct Media {
    size: u64,
    /// The contents of `mdat` and `imda`.
    data: Vec<(u64, u64)>,
    /// What tracks and items claim of them.
    claimed: Vec<(u64, u64)>,
    track: Option<Track>,
    movies: u32,
    /// A description of items, with where they lie.
    items: bool,
    /// The contents of `idat`, and what items claim of them, counted from their beginning.
    inner: Vec<(u64, u64)>,
    claimed_inside: Vec<(u64, u64)>,
    fragments: bool,
    /// A fragment whose media data has not come yet.
    waiting: bool,
    /// Some track does not give the lengths of its pieces, so that what nobody claims cannot be told.
    vague: bool,
}

impl Media {
    pub(super) fn new(size: u64) -> Self {
        Self {
            size,
            data: Vec::new(),
            claimed: Vec::new(),
            track: None,
            movies: 0,
            items: false,
            inner: Vec::new(),
            claimed_inside: Vec::new(),
            fragments: false,
            waiting: false,
            vague: false,
        }
    }

    /// A box with boxes in it begins.
    pub(super) fn enter(&mut self, head: &Head, at: u64, log: &mut Log) -> Result<(), Stop> {
        match &head.kind {
            b"moov" => {
                self.movies += 1;
                if self.movies == 2 {
                    log.malformed(at, "a second movie header");
                }
            }
            b"trak" if self.track.is_some() => {
                return Err(Stop::Malformed(at, "a track within a track".to_owned()));
            }
            b"trak" => self.track = Some(Track::default()),
            b"moof" => (self.fragments, self.waiting) = (true, true),
            _ => {}
        }
        Ok(())
    }

    /// A box with boxes in it ends.
    pub(super) fn leave(&mut self, kind: &[u8; 4]) -> Result<(), Stop> {
        if kind == b"trak"
            && let Some(track) = self.track.take()
        {
            self.vague |= track.claim(self.size, &mut self.claimed)?;
            self.bounded()?;
        }
        Ok(())
    }

    fn bounded(&self) -> Result<(), Stop> {
        if self.claimed.len() + self.data.len() > PIECES {
            return Err(Stop::Partial("limit.parts", format!("more than {PIECES} pieces of media data")));
        }
        Ok(())
    }

    /// A box without boxes in it; the source stands at its content.
    pub(super) fn leaf(
        &mut self,
        source: &mut Source<'_>,
        head: &Head,
        parent: &[u8; 4],
        log: &mut Log,
    ) -> Result<(), Stop> {
        let at = source.position();
        match (parent, &head.kind) {
            (b"file", b"mdat" | b"imda") => {
                self.data.push((at, head.end));
                self.waiting = false;
                self.bounded()?;
            }
            (b"dref", kind) => {
                let outside = source.peek(4)?.last().is_none_or(|flags| flags & 1 == 0);
                if outside {
                    log.active(at, format!("media data is taken from elsewhere ({})", quoted_bytes(kind)));
                }
            }
            (b"moov", b"cmov") => log.partial("compressed", "the movie header is compressed"),
            (b"moov", b"rmra") => log.active(at, "the movie refers to other movies"),
            (_, b"pssh") | (b"sinf", b"schm") => log.partial("encrypted", "the media data is encrypted"),
            (b"meta", b"iloc") => {
                self.items = true;
                items::claim(source, head.end, &mut self.claimed, &mut self.claimed_inside)?;
                self.bounded()?;
            }
            (b"meta", b"idat") if self.inner.len() < 2 => self.inner.push((at, head.end)),
            (b"stbl", kind) => {
                if let Some(track) = &mut self.track {
                    track.table(source, kind, head.end, log)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether all that is claimed is there, and all media data is claimed.
    pub(super) fn judge(mut self, source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
        if self.movies == 0 && !self.items || self.waiting {
            return Err(Stop::Truncated(self.size));
        }
        // Which of two is meant stands in no list of pieces.
        if let [(start, end)] = self.inner[..] {
            self.data.push((start, end));
            self.claimed.extend(self.claimed_inside.iter().map(|(from, to)| (start + from, start + to)));
        }
        self.claimed.sort_unstable();
        self.data.sort_unstable();
        let within = |(start, end): &(u64, u64)| {
            let i = self.data.partition_point(|(begin, _)| begin <= start);
            i > 0 && *end <= self.data[i - 1].1
        };
        if let Some((start, _)) = self.claimed.iter().find(|piece| !within(piece)) {
            // Of the description's own box it may be told to lie behind the end of the file.
            log.malformed((*start).min(self.size), "media data that does not lie in the media data's box");
        }
        if self.fragments || self.vague {
            return Ok(());
        }
        let mut claimed = self.claimed.iter().copied().peekable();
        for (start, end) in self.data {
            let mut reached = start;
            while let Some((from, to)) = claimed.next_if(|(from, _)| *from < end) {
                if from > reached {
                    source.seek(reached)?;
                    trailing::unclaimed(source, from, log)?;
                }
                reached = reached.max(to.min(end));
            }
            source.seek(reached)?;
            trailing::unclaimed(source, end, log)?;
        }
        Ok(())
    }
}
