//! Matroska and WebM, after RFC 8794 (EBML) and RFC 9559 (Matroska): element by element, down to the blocks, which are
//! not decoded. A segment or cluster may leave its length open, and then ends where something begins that cannot be
//! within it; that whole clusters are missing at the end of such a file, nothing tells.

use super::log::Log;
use super::source::{Source, Stop};
use crate::quote::quoted_bytes;

/// Elements that hold elements, as far as the walk goes into them.
const EBML: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1f43_b675;
const ATTACHED: u64 = 0x61a7;
const MASTERS: &[u64] = &[
    EBML,
    SEGMENT,
    CLUSTER,
    ATTACHED,
    0x114d_9b74, // SeekHead
    0x1549_a966, // Info
    0x1654_ae6b, // Tracks
    0xae,        // TrackEntry
    0x6d80,      // ContentEncodings
    0x6240,      // ContentEncoding
    0x1c53_bb6b, // Cues
    0x1941_a469, // Attachments
    0x1043_a770, // Chapters
    0x45b9,      // EditionEntry
    0xb6,        // ChapterAtom
    0x1254_c367, // Tags
    0xa0,        // BlockGroup
];
/// What stands directly in a segment, and so ends a cluster of open length.
const IN_SEGMENT: &[u64] =
    &[CLUSTER, 0x114d_9b74, 0x1549_a966, 0x1654_ae6b, 0x1c53_bb6b, 0x1941_a469, 0x1043_a770, 0x1254_c367];

/// Levels of elements; chapters within chapters are the deepest.
const DEPTH: usize = 16;
const VOID: u64 = 0xec;
const CRC_32: u64 = 0xbf;

/// An element whose content is being walked.
struct Open {
    id: u64,
    /// Where it ends; `None` where its length is open.
    end: Option<u64>,
}

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let mut open: Vec<Open> = Vec::new();
    let (mut header, mut segments, mut clusters, mut attached) = (false, 0_u32, 0_u64, 0_u64);
    loop {
        let at = source.position();
        if open.pop_if(|o| o.end.is_some_and(|end| at >= end)).is_some() {
            continue;
        }
        if at >= source.size() {
            break;
        }
        // Where the innermost element of known length ends.
        let limit = open.iter().rev().find_map(|o| o.end).unwrap_or(source.size());
        let Some(id) = identifier(source)? else {
            if open.iter().any(|o| o.end.is_some()) || !header {
                return Err(Stop::Malformed(at, "what should be an element is none".to_owned()));
            }
            source.seek(at)?;
            break;
        };
        let ends_cluster = |o: &mut Open| o.id == CLUSTER && o.end.is_none() && IN_SEGMENT.contains(&id);
        open.pop_if(ends_cluster);
        let ends_all = |o: &mut Open| o.end.is_none() && matches!(id, EBML | SEGMENT);
        while open.pop_if(ends_all).is_some() {}
        if open.is_empty() && !matches!(id, EBML | SEGMENT | VOID | CRC_32) {
            if !header {
                return Err(Stop::Malformed(at, "no ebml header".to_owned()));
            }
            source.seek(at)?;
            break;
        }
        let length = length(source)?;
        let end = match length {
            Some(length) => Some(fits(source, at, length, limit)?),
            None if matches!(id, SEGMENT | CLUSTER) => None,
            None => return Err(Stop::Malformed(at, "an element of open length that may not be".to_owned())),
        };
        match id {
            EBML => header = true,
            SEGMENT if !header => return Err(Stop::Malformed(at, "no ebml header".to_owned())),
            SEGMENT => segments += 1,
            CLUSTER => clusters += 1,
            _ => {}
        }
        if MASTERS.contains(&id) {
            if open.len() == DEPTH {
                return Err(Stop::Malformed(at, format!("elements more than {DEPTH} deep")));
            }
            attached += u64::from(id == ATTACHED);
            open.push(Open { id, end });
            continue;
        }
        if let Some(end) = end {
            content(source, id, at, end, log)?;
            source.seek(end)?;
        }
    }
    if segments == 0 || clusters == 0 {
        return Err(Stop::Truncated(source.position()));
    }
    if attached > 0 {
        log.active(0, format!("the film carries {attached} attached files"));
    }
    Ok(())
}

/// Where an element ends.
fn fits(source: &Source<'_>, at: u64, length: u64, limit: u64) -> Result<u64, Stop> {
    match source.position().checked_add(length) {
        Some(end) if end <= limit => Ok(end),
        Some(end) if limit == source.size() && end > limit => Err(Stop::Truncated(limit)),
        _ => Err(Stop::Malformed(at, "an element does not fit the one around it".to_owned())),
    }
}

/// Elements whose content says something that matters here.
fn content(source: &mut Source<'_>, id: u64, at: u64, end: u64, log: &mut Log) -> Result<(), Stop> {
    match id {
        // DocType
        0x4282 => {
            let name = source.peek(usize::try_from(end - source.position()).unwrap_or(usize::MAX).min(64))?;
            if !matches!(name.as_slice().trim_ascii_end(), b"matroska" | b"webm") {
                log.malformed(at, format!("a document of type {}", quoted_bytes(&name)));
            }
        }
        // ChapterSegmentUUID, PrevUUID and NextUUID name segments, which players look for in other files.
        0x6e67 | 0x003c_b923 | 0x003e_b923 => log.active(at, "the film goes on in other files"),
        // ContentEncryption
        0x5035 => log.partial("encrypted", "a track is encrypted"),
        VOID if !is_blank(source, end)? => {
            log.add("structure.gap", "an element that should be void is not", at, end - at);
        }
        _ => {}
    }
    Ok(())
}

/// Void elements are written over with what was there before, so letters alone tell nothing; zeros are sure.
fn is_blank(source: &mut Source<'_>, end: u64) -> Result<bool, Stop> {
    let mut blank = true;
    let length = end - source.position();
    source.pass(length, |bytes| blank &= bytes.iter().all(|b| *b == bytes[0]))?;
    Ok(blank)
}

/// RFC 8794 section 5: one to four bytes, whose marker bit stays in. `None`: no such bytes.
fn identifier(source: &mut Source<'_>) -> Result<Option<u64>, Stop> {
    let first = source.byte()?;
    let more = first.leading_zeros();
    if more > 3 {
        return Ok(None);
    }
    let mut id = u64::from(first);
    for _ in 0..more {
        id = id << 8 | u64::from(source.byte()?);
    }
    Ok(Some(id))
}

/// RFC 8794 section 4: one to eight bytes without the marker bit. `None`: all ones, the length is open.
fn length(source: &mut Source<'_>) -> Result<Option<u64>, Stop> {
    let first = source.byte()?;
    let more = first.leading_zeros();
    if more > 7 {
        return Err(source.malformed("a length of more than eight bytes"));
    }
    let mut length = u64::from(first) & ((1 << (7 - more)) - 1);
    for _ in 0..more {
        length = length << 8 | u64::from(source.byte()?);
    }
    let ones = (1_u64 << (7 * (more + 1))) - 1;
    Ok((length != ones).then_some(length))
}
