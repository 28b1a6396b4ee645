//! TIFF, after TIFF Revision 6.0 (Adobe, 1992) with its supplements 1 and 2, BigTIFF as Adobe and LibTIFF write it, and
//! Exif 3.0 section 4.6 for the directories behind the tags 0x8769, 0x8825 and 0xa005: every directory, every value that
//! stands outside of its directory, every strip and tile. What they hold is not decoded.

use super::extents::Extents;
use super::log::Log;
use super::source::{Source, Stop};
use std::collections::{HashSet, VecDeque};

/// More directories than this are one file's attempt at taking long.
const DIRECTORIES: usize = 4096;
/// Offsets and lengths of strips that are kept for one directory.
const STRIPS: u64 = 1 << 20;
/// Numbers that are read in one file: directories may share a list, and would have it read again and again.
const NUMBERS: u64 = 8 << 20;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let mut walk = Walk {
        layout: Layout::read(source)?,
        parts: Extents::new(source.size()),
        todo: VecDeque::new(),
        read: 0,
    };
    walk.parts.claim(0, source.position() + walk.layout.offset_bytes())?;
    let first = walk.layout.offset(source)?;
    walk.todo.push_back(first);
    let mut seen = HashSet::new();
    let mut strips = 0;
    while let Some(at) = walk.todo.pop_front() {
        if !seen.insert(at) {
            return Err(Stop::Malformed(at, "a directory that leads back to itself".to_owned()));
        }
        if seen.len() > DIRECTORIES {
            return Err(Stop::Partial("limit.parts", format!("more than {DIRECTORIES} directories")));
        }
        strips += walk.directory(source, at, log)?;
    }
    if strips == 0 {
        return Err(Stop::Malformed(first, "no directory holds a picture".to_owned()));
    }
    walk.parts.settle(source, log)
}

/// How numbers are written.
#[derive(Clone, Copy)]
struct Layout {
    big_endian: bool,
    big_tiff: bool,
}

impl Layout {
    fn read(source: &mut Source<'_>) -> Result<Self, Stop> {
        let order: [u8; 2] = source.bytes()?;
        if !matches!(&order, b"II" | b"MM") {
            return Err(Stop::Malformed(0, "no tiff header".to_owned()));
        }
        let mut layout = Self { big_endian: &order == b"MM", big_tiff: false };
        match layout.number(source, 2)? {
            42 => {}
            43 if layout.number(source, 2)? == 8 && layout.number(source, 2)? == 0 => layout.big_tiff = true,
            _ => return Err(Stop::Malformed(2, "no tiff header".to_owned())),
        }
        Ok(layout)
    }

    fn number(self, source: &mut Source<'_>, bytes: usize) -> Result<u64, Stop> {
        let mut raw = [0; 8];
        source.read(&mut raw[..bytes])?;
        Ok(self.decode(&raw[..bytes]))
    }

    fn decode(self, raw: &[u8]) -> u64 {
        let add = |n: u64, b: &u8| n << 8 | u64::from(*b);
        if self.big_endian { raw.iter().fold(0, add) } else { raw.iter().rev().fold(0, add) }
    }

    fn offset_bytes(self) -> u64 {
        if self.big_tiff { 8 } else { 4 }
    }

    fn offset(self, source: &mut Source<'_>) -> Result<u64, Stop> {
        self.number(source, if self.big_tiff { 8 } else { 4 })
    }
}

/// One entry of a directory.
struct Entry {
    tag: u64,
    /// Bytes of one number.
    width: usize,
    count: u64,
    /// Where its numbers stand.
    at: u64,
}

struct Walk {
    layout: Layout,
    parts: Extents,
    todo: VecDeque<u64>,
    /// Numbers read so far.
    read: u64,
}

impl Walk {
    /// One directory and all that its entries claim; gives how many strips and tiles that is.
    fn directory(&mut self, source: &mut Source<'_>, at: u64, log: &mut Log) -> Result<u64, Stop> {
        source.seek(at)?;
        let (count_bytes, entry_bytes) = if self.layout.big_tiff { (8, 20) } else { (2, 12) };
        let count = self.layout.number(source, count_bytes)?;
        if count == 0 || count > 1 << 16 {
            return Err(Stop::Malformed(at, format!("a directory of {count} entries")));
        }
        let length = count_bytes as u64 + count * entry_bytes;
        self.parts.claim(at, length + self.layout.offset_bytes())?;
        let mut picture = Picture::default();
        for i in 0..count {
            let entry_at = at + count_bytes as u64 + i * entry_bytes;
            source.seek(entry_at)?;
            if let Some(entry) = self.entry(source, entry_at, log)? {
                self.follow(source, &entry, &mut picture)?;
            }
        }
        source.seek(at + length)?;
        let next = self.layout.offset(source)?;
        if next != 0 {
            self.todo.push_back(next);
        }
        picture.claim(at, &mut self.parts)
    }

    /// Reads an entry and claims its value where that stands elsewhere.
    fn entry(&mut self, source: &mut Source<'_>, at: u64, log: &mut Log) -> Result<Option<Entry>, Stop> {
        let tag = self.layout.number(source, 2)?;
        let kind = self.layout.number(source, 2)?;
        let count = self.layout.offset(source)?;
        let inline = source.position();
        let width = match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => {
                log.malformed(at, format!("tag {tag} is of the unknown kind {kind}"));
                return Ok(None);
            }
        };
        let Some(bytes) = count.checked_mul(width) else {
            return Err(Stop::Malformed(at, format!("tag {tag} is too long for any file")));
        };
        let mut value = inline;
        if bytes > self.layout.offset_bytes() {
            value = self.layout.offset(source)?;
            self.parts.claim(value, bytes)?;
        }
        Ok(Some(Entry { tag, width: usize::try_from(width).unwrap_or(1), count, at: value }))
    }

    fn numbers(&mut self, source: &mut Source<'_>, entry: &Entry) -> Result<Vec<u64>, Stop> {
        self.read = self.read.saturating_add(entry.count);
        if entry.count > STRIPS || self.read > NUMBERS {
            return Err(Stop::Partial(
                "limit.parts",
                format!("tag {} lists {} numbers", entry.tag, entry.count),
            ));
        }
        source.seek(entry.at)?;
        (0..entry.count).map(|_| self.layout.number(source, entry.width)).collect()
    }

    fn follow(&mut self, source: &mut Source<'_>, entry: &Entry, picture: &mut Picture) -> Result<(), Stop> {
        match entry.tag {
            273 => picture.strips.0 = self.numbers(source, entry)?,
            279 => picture.strips.1 = self.numbers(source, entry)?,
            324 => picture.tiles.0 = self.numbers(source, entry)?,
            325 => picture.tiles.1 = self.numbers(source, entry)?,
            513 => picture.thumbnail.0 = self.numbers(source, entry)?,
            514 => picture.thumbnail.1 = self.numbers(source, entry)?,
            // SubIFDs, and the directories of Exif, GPS and interoperability.
            330 | 34665 | 34853 | 40965 => {
                let more = self.numbers(source, entry)?;
                if self.todo.len() + more.len() > DIRECTORIES {
                    return Err(Stop::Partial("limit.parts", format!("more than {DIRECTORIES} directories")));
                }
                self.todo.extend(more);
            }
            // The tables of the old way to put JPEG into TIFF have no length.
            519..=521 => {
                return Err(Stop::Partial("unsupported", "jpeg tables in the old style".to_owned()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Offsets and lengths that stand in different tags.
#[derive(Default)]
struct Picture {
    strips: (Vec<u64>, Vec<u64>),
    tiles: (Vec<u64>, Vec<u64>),
    thumbnail: (Vec<u64>, Vec<u64>),
}

impl Picture {
    fn claim(self, at: u64, parts: &mut Extents) -> Result<u64, Stop> {
        let mut strips = 0;
        for (what, (offsets, lengths)) in
            [("strips", self.strips), ("tiles", self.tiles), ("thumbnails", self.thumbnail)]
        {
            if offsets.len() != lengths.len() {
                let why = format!("{} {what}, and the lengths of {}", offsets.len(), lengths.len());
                return Err(Stop::Malformed(at, why));
            }
            for (offset, length) in offsets.into_iter().zip(lengths) {
                parts.claim(offset, length)?;
                strips += 1;
            }
        }
        Ok(strips)
    }
}
