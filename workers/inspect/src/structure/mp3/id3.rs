//! ID3v2, after the informal standards 2.2, 2.3 and 2.4 of id3.org: header, frames, padding, footer.

use crate::quote::quoted_bytes;
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};

/// A longer tag is stepped over and said to be so.
const LONGEST: u64 = 32 << 20;

/// Walks the tag that begins here and leaves the source behind it.
pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let at = source.position();
    let header: [u8; 10] = source.bytes()?;
    let (version, flags) = (header[3], header[5]);
    let Some(length) = synchsafe(&header[6..]).filter(|_| matches!(version, 2..=4)) else {
        return Err(Stop::Malformed(at, "a tag whose header makes no sense".to_owned()));
    };
    let footer = if version == 4 && flags & 0x10 != 0 { 10 } else { 0 };
    if length + footer > source.remaining() {
        return Err(Stop::Truncated(source.size()));
    }
    if length > LONGEST {
        log.partial(
            "limit.bytes",
            format!("an id3 tag of {length} bytes, of which {LONGEST} can be looked at"),
        );
        return source.skip(length + footer);
    }
    let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
    source.read(&mut body)?;
    if version < 4 && flags & 0x80 != 0 {
        body = synchronised(&body);
    }
    frames(&body, version, flags & 0x40 != 0 && version > 2, at, log);
    source.skip(footer)
}

/// Every frame of a tag's body; what breaks the rules is noted, for the tag's end is known.
fn frames(body: &[u8], version: u8, extended: bool, at: u64, log: &mut Log) {
    let mut rest = body;
    if extended && let Some(length) = extended_header(rest, version) {
        rest = rest.get(length..).unwrap_or_default();
    }
    let (id, header) = if version == 2 { (3, 6) } else { (4, 10) };
    while rest.first().is_some_and(|b| *b != 0) {
        let Some(head) = rest.get(..header) else { break };
        let size = match version {
            2 => usize::from(head[3]) << 16 | usize::from(head[4]) << 8 | usize::from(head[5]),
            3 => big(&head[4..8]),
            // iTunes writes these as plain numbers, and readers take both.
            _ => match synchsafe(&head[4..8]).and_then(|n| usize::try_from(n).ok()) {
                Some(n) if follows(rest, header + n) => n,
                _ => big(&head[4..8]),
            },
        };
        let named = head[..id].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b' ');
        let content = header.checked_add(size).and_then(|end| rest.get(header..end));
        let Some(content) = content.filter(|_| named) else {
            log.malformed(at, format!("a frame {} that does not fit its id3 tag", quoted_bytes(&head[..id])));
            return;
        };
        judge(&head[..id], content, at, log);
        rest = &rest[header + size..];
    }
    if rest.iter().any(|b| *b != 0) {
        log.add("structure.gap", "the padding of an id3 tag is not zeros", at, 0);
    }
}

fn judge(name: &[u8], content: &[u8], at: u64, log: &mut Log) {
    match name {
        b"GEOB" | b"GEO" => log.active(at, "an id3 tag carries a file"),
        b"APIC" | b"PIC" if content.get(1..4) == Some(b"-->") => {
            log.active(at, "an id3 tag takes its picture from elsewhere");
        }
        b"LINK" | b"LNK" => log.active(at, "an id3 tag takes frames from another file"),
        b"ENCR" => log.partial("encrypted", "an id3 tag holds encrypted frames"),
        _ => {}
    }
}

/// Another frame, padding or the end of the tag stands at `at`.
fn follows(tag: &[u8], at: usize) -> bool {
    match tag.get(at..) {
        Some([]) => true,
        Some(next) => {
            next[0] == 0 || next.iter().take(4).all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        }
        None => false,
    }
}

fn extended_header(body: &[u8], version: u8) -> Option<usize> {
    let length = body.get(..4)?;
    // 2.3 leaves its own four bytes out, 2.4 does not.
    if version == 3 {
        big(length).checked_add(4)
    } else {
        synchsafe(length).and_then(|n| usize::try_from(n).ok())
    }
}

fn big(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b))
}

/// 28 bits in four bytes, none of which has its highest bit set.
fn synchsafe(bytes: &[u8]) -> Option<u64> {
    let bytes = bytes.first_chunk::<4>()?;
    bytes.iter().all(|b| *b < 0x80).then(|| bytes.iter().fold(0, |n, b| n << 7 | u64::from(*b)))
}

/// Undoes unsynchronisation: the zero behind each 0xff goes.
fn synchronised(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut after_ff = false;
    for &b in body {
        if !(after_ff && b == 0) {
            out.push(b);
        }
        after_ff = b == 0xff;
    }
    out
}
