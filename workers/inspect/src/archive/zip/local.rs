//! The headers that stand before members (APPNOTE 4.3.7), held against the directory.

use super::super::input::{Input, Stop, u16_at, u32_at, u64_at};
use super::super::log::Log;
use super::directory::{Entry, Head, is_odd, widen};
use crate::quote::quoted_bytes;

const LENGTH: u64 = 30;

/// A local header, as it is written.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) name: Vec<u8>,
    pub(super) head: Head,
    /// Where the member's data begin.
    pub(super) data: u64,
    /// Something else than fields stands where they should.
    pub(super) odd: bool,
}

/// The header at `at`, or `None` where there is none.
pub(super) fn read(input: &mut Input<'_>, at: u64) -> Result<Option<Local>, Stop> {
    if !input.is_at(at, b"PK\x03\x04")? {
        return Ok(None);
    }
    let r: [u8; LENGTH as usize] = input.array(at)?;
    let [name, extra] = [26, 28].map(|i| usize::from(u16_at(&r, i)));
    let names = input.bytes(at + LENGTH, name + extra)?;
    let (name, extra) = names.split_at(name);
    let mut head = Head {
        flags: u16_at(&r, 6),
        method: u16_at(&r, 8),
        crc: u32_at(&r, 14),
        packed: u32_at(&r, 18).into(),
        size: u32_at(&r, 22).into(),
    };
    widen(extra, [&mut head.size, &mut head.packed, &mut 0]);
    let data = at + LENGTH + names.len() as u64;
    Ok(Some(Local { name: name.to_vec(), head, data, odd: is_odd(extra) }))
}

/// What the directory and the local header say differently: what one reader sees and another does not.
pub(super) fn compare(entry: &Entry, local: &Local) -> Option<&'static str> {
    let (a, b) = (&entry.head, &local.head);
    // A member whose sizes follow its data has zeros here, unless its writer went back to fill them in.
    let untold = |n: u64| b.is_streamed() && matches!(n, 0 | 0xffff_ffff);
    let same_sizes = (untold(b.packed) || a.packed == b.packed) && (untold(b.size) || a.size == b.size);
    let masked = a.flags & 1 << 13 != 0;
    if masked {
        None
    } else if entry.name != local.name {
        Some("has two names")
    } else if a.method != b.method {
        Some("has two methods of compression")
    } else if a.is_encrypted() != b.is_encrypted() {
        Some("is encrypted for one reader and not for another")
    } else if !same_sizes {
        Some("has two sizes")
    } else if !b.is_streamed() && a.crc != b.crc {
        Some("has two checksums")
    } else {
        None
    }
}

/// A member whose length follows it: who reads from front to back takes the first thing in it that looks like its end
/// for its end. Of what is compressed that is only a descriptor that tells the truth of its place, for archives lie within
/// archives as they are.
pub(super) fn ends_within(input: &mut Input<'_>, head: &Head, local: &Local) -> Result<bool, Stop> {
    if !local.head.is_streamed() || head.packed == 0 {
        return Ok(false);
    }
    let end = local.data.saturating_add(head.packed).min(input.size());
    if head.method != 0 {
        return descriptor_within(input, local.data, end);
    }
    for record in [b"PK\x07\x08", b"PK\x03\x04", b"PK\x01\x02"] {
        if input.find(record, local.data, end)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looked at together, and how much of it again with the next.
const PIECE: usize = 32 * 1024;
const OVERLAP: usize = 64;

/// Whether between `from` and `to` stands a descriptor, behind its own mark or before that of another record, that tells
/// as many packed bytes as stand before it.
fn descriptor_within(input: &mut Input<'_>, from: u64, to: u64) -> Result<bool, Stop> {
    let mut at = from;
    while at < to {
        let piece = input.bytes(at, usize::try_from(to - at).unwrap_or(PIECE).min(PIECE))?;
        // A checksum stands at `begin`, then in `width` bytes the length of what ends at `end`.
        let is_true = |begin: Option<usize>, end: Option<usize>, width: usize| {
            let (Some(begin), Some(end)) = (begin, end) else { return false };
            let told = piece.get(begin + 4..begin + 4 + width).map(|told| match width {
                4 => u32_at(told, 0).into(),
                _ => u64_at(told, 0),
            });
            let length = at + end as u64 - from;
            length > 0 && told == Some(length)
        };
        let ends = |mark: usize| match piece[mark + 2..] {
            [7, 8, ..] => [4, 8].iter().any(|width| is_true(Some(mark + 4), Some(mark), *width)),
            [3, 4, ..] | [1, 2, ..] => [4, 8].iter().any(|width| {
                let begin = mark.checked_sub(4 + 2 * width);
                is_true(begin, begin, *width)
            }),
            _ => false,
        };
        if memchr::memmem::find_iter(&piece, b"PK").any(ends) {
            return Ok(true);
        }
        if piece.len() < PIECE {
            break;
        }
        at += (PIECE - OVERLAP) as u64;
    }
    Ok(false)
}

/// Where a member ends: behind its data, and the descriptor (APPNOTE 4.3.9) that may follow them.
pub(super) fn end_of(
    input: &mut Input<'_>,
    head: &Head,
    data: u64,
    streamed: bool,
    log: &mut Log,
) -> Result<u64, Stop> {
    let end = data.checked_add(head.packed).filter(|end| *end <= input.size());
    let Some(end) = end else { return Err(Stop::Truncated(data)) };
    if !streamed {
        return Ok(end);
    }
    let after = input.some(end, 24)?;
    // With or without a signature, with sizes of 4 or 8 bytes: the one that says what the directory says.
    for signature in [4, 0] {
        if signature == 4 && !after.starts_with(b"PK\x07\x08") {
            continue;
        }
        let told = after.get(signature..).unwrap_or_default();
        let wide = (told.len() >= 20).then(|| (u64_at(told, 4), u64_at(told, 12)));
        let narrow = (told.len() >= 12).then(|| (u64::from(u32_at(told, 4)), u64::from(u32_at(told, 8))));
        for (sizes, length) in [(narrow, 12), (wide, 20)] {
            if u32_at(told, 0) == head.crc && sizes == Some((head.packed, head.size)) {
                return Ok(end + signature as u64 + length);
            }
        }
    }
    let shown = quoted_bytes(&after[..after.len().min(4)]);
    log.malformed(end, format!("no descriptor behind a member that must have one, but {shown}"));
    Ok(end)
}
