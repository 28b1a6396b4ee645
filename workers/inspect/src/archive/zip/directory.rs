//! The directory of a ZIP archive (APPNOTE 4.3.12), and what its entries and local headers have in common.

use super::super::MAX_LISTED;
use super::super::input::{Input, Stop, u16_at, u32_at, u64_at};
use super::super::log::Log;
use super::end::End;

/// An entry of the directory, as it is written.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) head: Head,
    /// Of the local header.
    pub(super) offset: u64,
    pub(super) link: bool,
    /// Something else than fields stands where they should.
    pub(super) odd: bool,
}

/// What stands in an entry and again in its local header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
}

impl Head {
    /// Sizes and checksum follow the data.
    pub(super) fn is_streamed(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Traditional or strong encryption, an encrypted directory, or AES (method 99).
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & (1 | 1 << 6 | 1 << 13) != 0 || self.method == 99
    }
}

const LENGTH: usize = 46;

pub(super) fn read(input: &mut Input<'_>, end: &End, log: &mut Log) -> Result<Vec<Entry>, Stop> {
    let mut entries = Vec::new();
    let mut at = end.directory;
    while at < end.directory_end {
        if entries.len() == MAX_LISTED {
            log.gap("limit.members", format!("{} members are listed", end.members));
            return Ok(entries);
        }
        if !input.is_at(at, b"PK\x01\x02")? {
            if input.is_at(at, b"PK\x05\x05")? {
                break;
            }
            return Err(Stop::Malformed(at, "no entry where the directory goes on".into()));
        }
        let r: [u8; LENGTH] = input.array(at)?;
        let [name, extra, comment] = [28, 30, 32].map(|i| usize::from(u16_at(&r, i)));
        let names = input.bytes(at + LENGTH as u64, name + extra)?;
        let (name, extra) = names.split_at(name);
        let mut head = Head {
            flags: u16_at(&r, 8),
            method: u16_at(&r, 10),
            crc: u32_at(&r, 16),
            packed: u32_at(&r, 20).into(),
            size: u32_at(&r, 24).into(),
        };
        let mut offset = u64::from(u32_at(&r, 42));
        widen(extra, [&mut head.size, &mut head.packed, &mut offset]);
        if let Some(other) = other_name(extra).filter(|other| *other != name) {
            let shown = String::from_utf8_lossy(other).into_owned();
            log.member("structure.hidden", &shown, "is listed under two names");
        }
        if u16_at(&r, 34) != 0 && u16_at(&r, 34) != 0xffff {
            log.gap("multi_disk", "a member lies on another disk");
        }
        // A mode (inode(7)) of a link. On which systems it counts, every reader has its own list.
        let link = u32_at(&r, 38) >> 28 == 0o12;
        let behind = at + (LENGTH + names.len()) as u64;
        if behind + comment as u64 <= input.size() {
            super::end::comment(&input.bytes(behind, comment)?, behind, log);
        }
        let Some(offset) = offset.checked_add(end.shift) else {
            return Err(Stop::Malformed(at, "an offset beyond all bounds".into()));
        };
        entries.push(Entry { name: name.to_vec(), head, offset, link, odd: is_odd(extra) });
        at += (LENGTH + names.len() + comment) as u64;
    }
    if at > end.directory_end && !entries.is_empty() {
        log.malformed(at, "a directory that is longer than it says");
    }
    if entries.len() as u64 != end.members {
        let detail = format!("the end tells of {} members, the directory of {}", end.members, entries.len());
        log.add("structure.hidden", &detail, end.directory, 0);
        log.gap("hidden", detail);
    }
    Ok(entries)
}

/// Longest field that nobody asks about: times, owners, names in other encodings, checksums.
const FIELD: usize = 512;

/// Whether extra fields (APPNOTE 4.5.1) hold more than fields, or one that is long and no padding.
pub(super) fn is_odd(extra: &[u8]) -> bool {
    let mut rest = extra;
    while rest.len() >= 4 {
        let length = usize::from(u16_at(rest, 2));
        let Some(content) = rest.get(4..4 + length) else { break };
        if length > FIELD && content[4..].iter().any(|byte| *byte != 0) {
            return true;
        }
        rest = &rest[4 + length..];
    }
    rest.iter().any(|byte| *byte != 0)
}

/// Takes 64-bit values from the extra field 1 where the 32-bit ones are at their maximum, in APPNOTE 4.5.3's order.
pub(super) fn widen(extra: &[u8], values: [&mut u64; 3]) {
    let Some(mut wide) = field(extra, 1) else { return };
    for value in values {
        if *value == u64::from(u32::MAX) && wide.len() >= 8 {
            *value = u64_at(wide, 0);
            wide = &wide[8..];
        }
    }
}

/// The Unicode name of Info-ZIP's extra field 0x7075, behind a version and a checksum.
fn other_name(extra: &[u8]) -> Option<&[u8]> {
    field(extra, 0x7075)?.get(5..)
}

fn field(extra: &[u8], id: u16) -> Option<&[u8]> {
    let mut rest = extra;
    while rest.len() >= 4 {
        let length = usize::from(u16_at(rest, 2));
        let content = rest.get(4..4 + length)?;
        if u16_at(rest, 0) == id {
            return Some(content);
        }
        rest = &rest[4 + length..];
    }
    None
}
