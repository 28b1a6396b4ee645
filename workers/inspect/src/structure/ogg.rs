//! Ogg, after RFC 3533: page by page with its checksum, every logical stream from its first to its last page.

use super::log::Log;
use super::source::{Source, Stop};
use std::collections::HashMap;

/// More streams at one time than any player takes.
const STREAMS: usize = 256;

const CONTINUED: u8 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    // The number of the last page of each stream that has not ended.
    let mut open: HashMap<u32, u32> = HashMap::new();
    let mut pages = 0_u64;
    while source.remaining() > 0 {
        let at = source.position();
        if !b"OggS".starts_with(&source.peek(4)?) {
            break;
        }
        let page = Page::read(source, log)?;
        pages += 1;
        if page.flags & FIRST != 0 {
            if open.insert(page.stream, page.number).is_some() {
                log.malformed(at, "a stream begins twice");
            }
        } else {
            match open.get_mut(&page.stream) {
                None => log.malformed(at, "a page of a stream that never began"),
                Some(last) if page.number != last.wrapping_add(1) => {
                    log.malformed(at, format!("page {} follows page {last}", page.number));
                    *last = page.number;
                }
                Some(last) => *last = page.number,
            }
        }
        if page.flags & LAST != 0 {
            open.remove(&page.stream);
        }
        if open.len() > STREAMS {
            return Err(Stop::Partial("limit.parts", format!("more than {STREAMS} streams at one time")));
        }
    }
    if pages == 0 {
        return Err(Stop::Malformed(0, "no ogg page".to_owned()));
    }
    if !open.is_empty() {
        return Err(Stop::Truncated(source.position()));
    }
    Ok(())
}

struct Page {
    flags: u8,
    stream: u32,
    number: u32,
}

impl Page {
    /// Reads a page to its end and holds it against its checksum.
    fn read(source: &mut Source<'_>, log: &mut Log) -> Result<Self, Stop> {
        let at = source.position();
        let mut header: [u8; 27] = source.bytes()?;
        if header[4] != 0 {
            return Err(Stop::Malformed(at, format!("a page of version {}", header[4])));
        }
        let word = |i: usize| u32::from_le_bytes([header[i], header[i + 1], header[i + 2], header[i + 3]]);
        let (stream, number, stated) = (word(14), word(18), word(22));
        let flags = header[5];
        if flags & !(CONTINUED | FIRST | LAST) != 0 {
            log.malformed(at, "a page with flags that mean nothing");
        }
        let mut segments = vec![0; usize::from(header[26])];
        source.read(&mut segments)?;
        header[22..26].fill(0);
        let mut sum = checksum(checksum(0, &header), &segments);
        let length = segments.iter().copied().map(u64::from).sum();
        source.pass(length, |bytes| sum = checksum(sum, bytes))?;
        if sum != stated {
            log.malformed(at, "the checksum of a page is wrong");
        }
        Ok(Self { flags, stream, number })
    }
}

/// The CRC of RFC 3533 section 6: polynomial 0x04c11db7, highest bit first, begun at 0, not inverted.
fn checksum(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, b| {
        let [high, ..] = sum.to_be_bytes();
        sum << 8 ^ TABLE[usize::from(high ^ b)]
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut sum = (i as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000_0000 == 0 { sum << 1 } else { sum << 1 ^ 0x04c1_1db7 };
            bit += 1;
        }
        table[i] = sum;
        i += 1;
    }
    table
};
