//! 7z (7zFormat.txt of the LZMA SDK): the two headers that hold the rest together. What the second one lists is most
//! often compressed, so that members are the unpacker's, and with them which bytes belong to any.

use super::input::{Input, ReadSeek, Stop, u32_at, u64_at};
use super::log::{Log, looks_like};
use super::through;
use lazaret_report::{Coverage, Finding};
use std::io;

const HEADER: u64 = 32;
/// Longest list of members that is read: some hundred bytes for each of [`super::MAX_LISTED`].
const LONGEST: u64 = 64 << 20;
/// Longest description of a list that is packed, as far as it is read.
const DESCRIPTION: usize = 256;

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<(Coverage, Vec<Finding>)> {
    let mut log = Log::default();
    through(file, size, &mut log, read)?;
    Ok(log.finish())
}

/// What lies between the first header and the second, as far as the second says: how many bytes, and in which of them the
/// list of members lies where that is packed too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    pub length: u64,
    pub list: Option<Stream>,
}

/// A stream that is packed, and what unpacks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Counted from behind the first header.
    pub begin: u64,
    pub length: u64,
    pub method: Vec<u8>,
    pub properties: Vec<u8>,
    /// What it becomes.
    pub unpacked: u64,
}

/// `None` for what is no archive, or one whose list is packed in another way than by one coder from one stream, of which
/// nobody knows what readers make.
///
/// # Errors
/// Only what reading gives.
pub fn packed(file: &mut dyn ReadSeek, size: u64) -> io::Result<Option<Packed>> {
    match frame(&mut Input::new(file, size)) {
        Ok(packed) => Ok(packed),
        Err(Stop::Io(e)) => Err(e),
        Err(_) => Ok(None),
    }
}

fn frame(input: &mut Input<'_>) -> Result<Option<Packed>, Stop> {
    let header: [u8; HEADER as usize] = input.array(0)?;
    let length = u64_at(&header, 12);
    let list = input.some(HEADER.saturating_add(length), DESCRIPTION)?;
    let Some(mut rest) = list.strip_prefix(&[0x17]) else { return Ok(Some(Packed { length, list: None })) };
    Ok(stream(&mut rest).map(|list| Packed { length, list: Some(list) }))
}

/// `kPackInfo`, a place, how many streams, `kSize` and sizes; `kUnpackInfo`, folders, their coders, and sizes again.
fn stream(rest: &mut &[u8]) -> Option<Stream> {
    begins(rest, &[6])?;
    let begin = number(rest)?;
    begins(rest, &[1, 9])?;
    let length = number(rest)?;
    begins(rest, &[0, 7, 0x0b, 1, 0, 1])?;
    let flags = bytes(rest, 1)?[0];
    // Of one stream in and one out.
    if flags & 0xd0 != 0 {
        return None;
    }
    let method = bytes(rest, (flags & 15).into())?.to_vec();
    let properties = match flags & 0x20 {
        0 => 0,
        _ => usize::try_from(number(rest)?).ok()?,
    };
    let properties = bytes(rest, properties)?.to_vec();
    begins(rest, &[0x0c])?;
    Some(Stream { begin, length, method, properties, unpacked: number(rest)? })
}

fn begins(rest: &mut &[u8], with: &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(with)?;
    Some(())
}

fn bytes<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(bytes)
}

/// The format's own numbers: as many bytes follow the first as that has high bits set.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let (first, bytes) = rest.split_first()?;
    let count = first.leading_ones() as usize;
    let (low, after) = bytes.split_at_checked(count)?;
    *rest = after;
    let high = if count < 7 { u64::from(*first) & (0x7f >> count) } else { 0 };
    let low = low.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Some(low | high.checked_shl(8 * count as u32).unwrap_or(0))
}

fn read(input: &mut Input<'_>, log: &mut Log) -> Result<(), Stop> {
    let header: [u8; HEADER as usize] = input.array(0)?;
    if !header.starts_with(b"7z\xbc\xaf\x27\x1c") {
        return Err(Stop::Malformed(0, "no archive begins here".into()));
    }
    if crc32fast::hash(&header[12..]) != u32_at(&header, 8) {
        return Err(Stop::Malformed(8, "the first header's checksum is wrong".into()));
    }
    let (offset, length) = (u64_at(&header, 12), u64_at(&header, 20));
    let start = offset.checked_add(HEADER);
    let end = start.and_then(|start| start.checked_add(length)).filter(|end| *end <= input.size());
    let (Some(start), Some(end)) = (start, end) else { return Err(Stop::Truncated(input.size())) };
    if length > LONGEST {
        log.gap("limit.members", format!("a list of members of {length} bytes"));
        return Ok(());
    }
    let list = input.bytes(start, usize::try_from(length).unwrap_or(usize::MAX))?;
    if crc32fast::hash(&list) != u32_at(&header, 28) {
        return Err(Stop::Malformed(start, "the second header's checksum is wrong".into()));
    }
    if end < input.size() {
        let (at, left) = (end, input.size() - end);
        let what = looks_like(&input.some(at, 4096)?);
        log.add("structure.trailing", format!("{left} bytes after the end, {what}"), at, left);
    }
    Ok(())
}
