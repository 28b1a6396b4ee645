//! RAR, of versions 1.5 to 4 (technote.txt of UnRAR 3.9) and 5 (RAR 5.0 archive format): the chain of blocks. No reader
//! that is kept and free to use is known, so that members are not opened, and an archive is never looked at as a whole.

use super::input::{Input, ReadSeek, Stop, u16_at, u32_at};
use super::log::{Log, looks_like};
use super::{MAX_LISTED, names, through};
use lazaret_report::{Coverage, Finding};
use std::io;

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<(Coverage, Vec<Finding>)> {
    let mut log = Log::default();
    through(file, size, &mut log, read)?;
    log.gap("unreadable", "nothing here opens rar archives");
    Ok(log.finish())
}

fn read(input: &mut Input<'_>, log: &mut Log) -> Result<(), Stop> {
    let is_new = input.is_at(0, b"Rar!\x1a\x07\x01\0")?;
    if !is_new && !input.is_at(0, b"Rar!\x1a\x07\0")? {
        return Err(Stop::Malformed(0, "no archive begins here".into()));
    }
    let mut at = if is_new { 8 } else { 7 };
    for _ in 0..MAX_LISTED {
        let block = if is_new { five(input, at, log) } else { four(input, at, log) }?;
        let end = at.checked_add(block.length).filter(|end| *end <= input.size());
        at = end.ok_or(Stop::Truncated(at))?;
        match block.kind {
            Kind::Known => {}
            Kind::Unknown => {
                log.add("structure.gap", "a block of no kind that is known", at - block.length, block.length);
            }
            Kind::Locked => {
                log.add("structure.encrypted", "the headers are encrypted", at - block.length, block.length);
                return Ok(());
            }
            Kind::Last => break,
        }
        // Writers of the first versions put nothing at the end.
        if at == input.size() && !is_new {
            break;
        }
    }
    if at < input.size() {
        let left = input.size() - at;
        let what = looks_like(&input.some(at, 4096)?);
        log.add("structure.trailing", format!("{left} bytes after the end, {what}"), at, left);
    }
    Ok(())
}

struct Block {
    kind: Kind,
    /// With the data that follow it.
    length: u64,
}

enum Kind {
    Known,
    Unknown,
    /// What follows cannot be read without a password.
    Locked,
    Last,
}

fn four(input: &mut Input<'_>, at: u64, log: &mut Log) -> Result<Block, Stop> {
    let head: [u8; 7] = input.array(at)?;
    let (crc, flags, size) = (u16_at(&head, 0), u16_at(&head, 3), u16_at(&head, 5));
    if size < 7 {
        return Err(Stop::Malformed(at, "a block shorter than its own head".into()));
    }
    let header = input.bytes(at, size.into())?;
    // An old comment is a part of its header, and not of the checksum.
    if flags & 2 == 0 && crc32fast::hash(&header[2..]) as u16 != crc {
        log.malformed(at, "a header whose checksum is wrong");
    }
    let is_file = matches!(head[2], 0x74 | 0x7a);
    let high = if is_file && flags & 0x100 != 0 { u64::from(u32_at(&header, 32)) << 32 } else { 0 };
    let data = if flags & 0x8000 != 0 { high | u64::from(u32_at(&header, 7)) } else { 0 };
    if head[2] == 0x74 {
        let from = if flags & 0x100 != 0 { 40 } else { 32 };
        let name = header.get(from..).unwrap_or_default();
        let name = &name[..name.len().min(u16_at(&header, 26).into())];
        // Behind a zero stands how the name is written in other letters.
        let name = name.split(|byte| *byte == 0 && flags & 0x200 != 0).next().unwrap_or_default();
        member(&String::from_utf8_lossy(name), flags & 4 != 0, log);
    }
    let kind = match head[2] {
        0x73 if flags & 0x80 != 0 => Kind::Locked,
        0x7b => Kind::Last,
        0x73..=0x7a => Kind::Known,
        _ => Kind::Unknown,
    };
    Ok(Block { kind, length: data.saturating_add(size.into()) })
}

fn five(input: &mut Input<'_>, at: u64, log: &mut Log) -> Result<Block, Stop> {
    let broken = || Stop::Malformed(at, "a header that does not end".into());
    let head = input.some(at, 4 + 3)?;
    let mut rest = head.get(4..).ok_or(Stop::Truncated(at))?;
    let size = number(&mut rest).ok_or_else(broken)?;
    let told = head.len() - rest.len();
    let whole = input.bytes(at, told.saturating_add(usize::try_from(size).map_err(|_| broken())?))?;
    if crc32fast::hash(&whole[4..]) != u32_at(&head, 0) {
        log.malformed(at, "a header whose checksum is wrong");
    }
    let mut rest = &whole[told..];
    let mut next = || number(&mut rest).ok_or_else(broken);
    let (kind, flags) = (next()?, next()?);
    let extra = if flags & 1 != 0 { next()? } else { 0 };
    let data = if flags & 2 != 0 { next()? } else { 0 };
    if kind == 2 {
        let name = name_of_five(&mut rest).ok_or_else(broken)?;
        let extra = rest.get(rest.len() - rest.len().min(usize::try_from(extra).unwrap_or(usize::MAX))..);
        let records = records(extra.unwrap_or_default());
        member(&name, records.contains(&1), log);
        if records.contains(&5) {
            log.member("structure.link", &name, "is a link");
        }
    }
    let kind = match kind {
        1..=3 => Kind::Known,
        4 => Kind::Locked,
        5 => Kind::Last,
        _ => Kind::Unknown,
    };
    Ok(Block { kind, length: data.saturating_add(whole.len() as u64) })
}

fn name_of_five(rest: &mut &[u8]) -> Option<String> {
    let flags = number(rest)?;
    // What it becomes, its attributes, a time, a checksum, how it is packed, and by which system.
    let _unpacked_and_attributes = (number(rest)?, number(rest)?);
    let fixed = if flags & 2 != 0 { 4 } else { 0 } + if flags & 4 != 0 { 4 } else { 0 };
    *rest = rest.get(fixed..)?;
    let _packing_and_system = (number(rest)?, number(rest)?);
    let length = usize::try_from(number(rest)?).ok()?;
    let (name, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// The kinds of records in what a header adds to itself.
fn records(mut rest: &[u8]) -> Vec<u64> {
    let mut kinds = Vec::new();
    while let Some(size) = number(&mut rest).and_then(|size| usize::try_from(size).ok()) {
        let Some((mut record, after)) = rest.split_at_checked(size) else { break };
        kinds.extend(number(&mut record));
        rest = after;
    }
    kinds
}

/// Seven bits a byte, the lowest first, as long as the eighth is set.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut sum = 0;
    for place in 0..10 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        sum |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(sum);
        }
    }
    None
}

fn member(name: &str, encrypted: bool, log: &mut Log) {
    names::look(name, log);
    if encrypted {
        log.member("structure.encrypted", name, "is encrypted");
    }
}
