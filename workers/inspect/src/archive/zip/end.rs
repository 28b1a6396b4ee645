//! The end of a ZIP archive, where its directory is found (APPNOTE 4.3.14 to 4.3.16).

use super::super::input::{Input, Stop, u16_at, u32_at, u64_at};
use super::super::log::{Log, looks_like};

/// Where the directory lies, and what lies behind it.
#[derive(Debug)]
pub(super) struct End {
    pub(super) directory: u64,
    pub(super) directory_end: u64,
    /// Members that the end says there are.
    pub(super) members: u64,
    /// What must be added to every offset that the archive writes down: bytes that somebody put before it.
    pub(super) shift: u64,
    /// Bytes of the ends themselves, in pairs of start and end.
    pub(super) extents: Vec<(u64, u64)>,
}

const LENGTH: u64 = 22;

/// Finds the end as readers do: backwards from the end of the file.
pub(super) fn find(input: &mut Input<'_>, log: &mut Log) -> Result<End, Stop> {
    let size = input.size();
    let from = size.saturating_sub(LENGTH + u64::from(u16::MAX));
    let tail = input.some(from, usize::try_from(size - from).unwrap_or(usize::MAX))?;
    let fits = |at: &usize| {
        tail.get(*at..at + LENGTH as usize)
            .is_some_and(|r| at + r.len() + usize::from(u16_at(r, 20)) <= tail.len())
    };
    let Some(at) = memchr::memmem::rfind_iter(&tail, b"PK\x05\x06").find(fits) else {
        return Err(Stop::Truncated(size));
    };
    let record = &tail[at..at + LENGTH as usize];
    let position = from + at as u64;
    let comment_end = position + LENGTH + u64::from(u16_at(record, 20));
    comment(&tail[at + LENGTH as usize..(comment_end - from) as usize], position + LENGTH, log);
    let mut end = Declared::of(record);
    let mut extents = vec![(position, comment_end)];
    let mut behind = position;
    if let Some((at, wide)) = wide(input, position, log)? {
        let saturated = end.members == 0xffff || end.length == 0xffff_ffff || end.offset == 0xffff_ffff;
        if !saturated && (end.members, end.length, end.offset) != (wide.members, wide.length, wide.offset) {
            log.add("structure.hidden", "two ends that tell of different directories", at, position - at);
            log.gap("hidden", "two ends tell of different directories");
        }
        (end, behind) = (wide, at);
        extents.push((at, position));
    }
    if end.disks {
        log.malformed(position, "a part of an archive of several disks");
        log.gap("multi_disk", "the archive goes on in other files");
    }
    let (directory, shift) = place(input, &end, behind, log)?;
    Ok(End { directory, directory_end: directory + end.length, members: end.members, shift, extents })
}

/// A comment is a text, and a good place for something that is none.
pub(super) fn comment(comment: &[u8], at: u64, log: &mut Log) {
    const MARKUP: [&[u8]; 4] = [b"<?php", b"<script", b"<html", b"<!doctype"];
    let lower = comment.to_ascii_lowercase();
    if MARKUP.iter().any(|tag| memchr::memmem::find(&lower, tag).is_some()) {
        log.add("structure.embedded", "a comment that a browser or php would run", at, comment.len() as u64);
    } else if comment.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
        let what = looks_like(comment);
        log.add("structure.trailing", format!("a comment that is no text, {what}"), at, comment.len() as u64);
    }
}

struct Declared {
    members: u64,
    length: u64,
    offset: u64,
    disks: bool,
}

impl Declared {
    fn of(r: &[u8]) -> Self {
        let disks = u16_at(r, 4) != 0 && u16_at(r, 4) != 0xffff
            || u16_at(r, 6) != 0 && u16_at(r, 6) != 0xffff
            || u16_at(r, 8) != u16_at(r, 10);
        Self {
            members: u16_at(r, 10).into(),
            length: u32_at(r, 12).into(),
            offset: u32_at(r, 16).into(),
            disks,
        }
    }
}

/// The end of a zip64 archive before the end at `position`, with where it begins.
fn wide(input: &mut Input<'_>, position: u64, log: &mut Log) -> Result<Option<(u64, Declared)>, Stop> {
    let Some(at) = position.checked_sub(20) else { return Ok(None) };
    let locator: [u8; 20] = input.array(at)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    let told = u64_at(&locator, 8);
    // Behind bytes that somebody put before the archive, the record stands where it must: before its locator.
    let near = at.checked_sub(56);
    let place =
        [Some(told), near].into_iter().flatten().find(|p| input.is_at(*p, b"PK\x06\x06").unwrap_or(false));
    let Some(place) = place else {
        return Err(Stop::Malformed(at, "a locator of a zip64 end that is not there".into()));
    };
    let r: [u8; 56] = input.array(place)?;
    let length = u64_at(&r, 4).saturating_add(12);
    if place.checked_add(length) != Some(at) {
        log.malformed(place, "a zip64 end of the wrong length");
    }
    let disks = u32_at(&r, 16) != 0 || u32_at(&r, 20) != 0 || u64_at(&r, 24) != u64_at(&r, 32);
    let disks = disks || u32_at(&locator, 16) > 1;
    let wide = Declared { members: u64_at(&r, 32), length: u64_at(&r, 40), offset: u64_at(&r, 48), disks };
    Ok(Some((place, wide)))
}

/// Where the directory begins: where the end says, or right before the end, as readers of archives with something put
/// before them take it.
fn place(input: &mut Input<'_>, end: &Declared, behind: u64, log: &mut Log) -> Result<(u64, u64), Stop> {
    let near = behind.checked_sub(end.length);
    let told = end.offset.checked_add(end.length).filter(|e| *e <= behind).map(|_| end.offset);
    let is_directory = |input: &mut Input<'_>, at: u64| -> Result<bool, Stop> {
        Ok(end.length == 0 || input.is_at(at, b"PK\x01\x02")?)
    };
    let (near, told) = match (near, told) {
        (Some(near), Some(told)) if near == told => return Ok((told, 0)),
        (Some(near), told) => (Some(near).filter(|_| is_directory(input, near).unwrap_or(false)), told),
        (None, told) => (None, told),
    };
    let told = match told {
        Some(told) if is_directory(input, told)? => Some(told),
        _ => None,
    };
    match (told, near) {
        (Some(told), Some(near)) if end.length > 0 => {
            log.add(
                "structure.hidden",
                "two directories, and readers take one or the other",
                told,
                near - told,
            );
            log.gap("hidden", "there are two directories");
            Ok((told, 0))
        }
        (Some(told), _) => Ok((told, 0)),
        (None, Some(near)) => Ok((near, near - end.offset.min(near))),
        (None, None) => Err(Stop::Malformed(behind, "no directory where the end says".into())),
    }
}
