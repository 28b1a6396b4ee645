//! 7z (7zFormat.txt of the LZMA SDK): the two headers that hold the rest together. What the second one lists is most
//! often compressed, so that members are the unpacker's.

use super::input::{Input, ReadSeek, Stop, u32_at, u64_at};
use super::log::{Log, looks_like};
use super::through;
use lazaret_report::{Coverage, Finding};
use std::io;

const HEADER: u64 = 32;
/// Longest list of members that is read: some hundred bytes for each of [`super::MAX_LISTED`].
const LONGEST: u64 = 64 << 20;

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<(Coverage, Vec<Finding>)> {
    let mut log = Log::default();
    through(file, size, &mut log, read)?;
    Ok(log.finish())
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
