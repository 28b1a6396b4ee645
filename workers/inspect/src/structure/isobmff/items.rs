//! Where the items of a HEIF or AVIF picture lie (ISO/IEC 14496-12 section 8.11.3, the box `iloc`).

use crate::structure::source::{Source, Stop};

/// More pieces than this are no picture.
const PIECES: usize = 1 << 20;

/// Claims every piece: `claimed` are counted from the file's beginning, `inner` from that of the box `idat`. Items made of
/// others have no bytes of their own.
pub(super) fn claim(
    source: &mut Source<'_>,
    end: u64,
    claimed: &mut Vec<(u64, u64)>,
    inner: &mut Vec<(u64, u64)>,
) -> Result<(), Stop> {
    let version = source.byte()?;
    if version > 2 {
        return Err(source.malformed("item locations of an unknown version"));
    }
    source.skip(3)?;
    let [a, b] = source.bytes()?;
    let (offset, length, base) = (a >> 4, a & 15, b >> 4);
    let index = if version == 0 { 0 } else { b & 15 };
    if [offset, length, base, index].iter().any(|bytes| !matches!(bytes, 0 | 4 | 8)) {
        return Err(source.malformed("item locations with numbers of an odd size"));
    }
    let items = number(source, if version < 2 { 2 } else { 4 })?;
    for _ in 0..items {
        // The identifier.
        number(source, if version < 2 { 2 } else { 4 })?;
        let method = if version == 0 { 0 } else { number(source, 2)? & 15 };
        let elsewhere = number(source, 2)? != 0;
        let base = number(source, base)?;
        let pieces = number(source, 2)?;
        if pieces > 1 && index + offset + length == 0 {
            return Err(source.malformed("pieces of items that take no bytes to list"));
        }
        for _ in 0..pieces {
            number(source, index)?;
            let (offset, length) = (number(source, offset)?, number(source, length)?);
            if source.position() > end {
                return Err(source.malformed("item locations longer than their box"));
            }
            // Of another file speaks the box `dref`.
            if method > 1 || elsewhere {
                continue;
            }
            if length == 0 {
                return Err(source.malformed("an item that takes the whole file"));
            }
            let start = base.checked_add(offset);
            let piece = start.and_then(|start| Some((start, start.checked_add(length)?)));
            let Some(piece) = piece.filter(|(_, end)| *end <= source.size()) else {
                return Err(Stop::Truncated(source.size()));
            };
            let claimed = if method == 0 { &mut *claimed } else { &mut *inner };
            if claimed.len() == PIECES {
                return Err(Stop::Partial("limit.parts", format!("more than {PIECES} pieces of items")));
            }
            claimed.push(piece);
        }
        if source.position() > end {
            return Err(source.malformed("item locations longer than their box"));
        }
    }
    Ok(())
}

fn number(source: &mut Source<'_>, bytes: u8) -> Result<u64, Stop> {
    let mut raw = [0; 8];
    source.read(&mut raw[8 - usize::from(bytes)..])?;
    Ok(u64::from_be_bytes(raw))
}
