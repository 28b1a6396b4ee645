//! ISO base media files, after ISO/IEC 14496-12 (boxes, sample tables, items), 14496-14 (MP4), 23008-12 (HEIF), the
//! AVIF specification and Apple's QuickTime File Format: every box on the first level, every box of the tables that say
//! where sound and pictures lie, and whether those lie in the file's media data.
//!
//! Not seen: what stands in boxes that nobody knows, in `free` and in `udta`; bytes of media data between the samples of
//! a fragmented file; that whole fragments are missing at the end of one.

mod boxes;
mod items;
mod media;
mod track;

use super::log::Log;
use super::source::{Source, Stop};
use crate::quote::quoted_bytes;
use boxes::Head;
use media::Media;

/// Levels of boxes; the deepest that the specifications have is nine.
const DEPTH: usize = 16;
/// A long film in small fragments has a million.
const BOXES: u64 = 8 << 20;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let mut media = Media::new(source.size());
    let mut open = vec![(source.size(), *b"file")];
    let mut count = 0_u64;
    while let Some(&(end, parent)) = open.last() {
        let at = source.position();
        let top = open.len() == 1;
        if at >= end {
            media.leave(&parent)?;
            open.pop();
            continue;
        }
        if top && !boxes::on_first_level(&source.peek(8)?) {
            break;
        }
        if !top && end - at < 8 {
            // QuickTime ends some lists with a zero of 32 bits.
            boxes::filler(source, end, log)?;
            continue;
        }
        count += 1;
        if count > BOXES {
            return Err(Stop::Partial("limit.parts", format!("more than {BOXES} boxes")));
        }
        let head = Head::read(source, end, top)?;
        match inner(source, &head)? {
            Some(skip) if open.len() < DEPTH => {
                if skip > head.end - source.position() {
                    return Err(Stop::Malformed(at, format!("box {} too short", quoted_bytes(&head.kind))));
                }
                source.skip(skip)?;
                media.enter(&head, at, log)?;
                open.push((head.end, head.kind));
            }
            Some(_) => return Err(Stop::Malformed(at, format!("boxes more than {DEPTH} deep"))),
            None => {
                media.leaf(source, &head, &parent, log)?;
                source.seek(head.end)?;
            }
        }
    }
    if count == 0 {
        return Err(Stop::Malformed(0, "no box at the beginning".to_owned()));
    }
    let end = source.position();
    media.judge(source, log)?;
    source.seek(end)
}

/// How many bytes of a box stand before the boxes within it; `None` where there are none that we look at.
fn inner(source: &mut Source<'_>, head: &Head) -> Result<Option<u64>, Stop> {
    Ok(match &head.kind {
        b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"dinf" | b"edts" | b"mvex" | b"moof" | b"traf"
        | b"mfra" | b"iprp" | b"ipco" | b"sinf" | b"schi" | b"rinf" | b"gmhd" => Some(0),
        // Version, flags and the number of entries.
        b"dref" => Some(8),
        b"ipro" => Some(6),
        // QuickTime's own kind of `meta` has no version and flags.
        b"meta" => Some(if source.peek(8)?.ends_with(b"hdlr") { 0 } else { 4 }),
        _ => None,
    })
}
