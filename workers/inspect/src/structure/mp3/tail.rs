//! The tags behind the sound: ID3v1, Lyrics3 v2, APEv1 and APEv2. Found backwards from the file's end, as players do,
//! and forwards where one stands behind the sound with more behind it.

use super::id3;
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};

const APE: &[u8] = b"APETAGEX";

/// Where the tags at the end of the file begin; the file's end where there are none. Does not move.
pub(super) fn begin(source: &mut Source<'_>) -> Result<u64, Stop> {
    let here = source.position();
    let mut end = source.size();
    // Each kind once, in whatever order.
    for _ in 0..4 {
        let tag = match id3v1(source, here, end)? {
            Some(begin) => begin,
            None => match lyrics(source, here, end)? {
                Some(begin) => begin,
                None => match ape(source, here, end)? {
                    Some(begin) => begin,
                    None => break,
                },
            },
        };
        end = tag;
    }
    source.seek(here)?;
    Ok(end)
}

/// Steps over a tag that begins here; whether there was one.
pub(super) fn tag_here(source: &mut Source<'_>, log: &mut Log) -> Result<bool, Stop> {
    let head = source.peek(32)?;
    if head.starts_with(b"ID3") {
        id3::walk(source, log)?;
        return Ok(true);
    }
    let length = if head.starts_with(b"TAG") {
        128
    } else if head.starts_with(APE) && head.len() == 32 {
        32 + u64::from(little(&head[12..]))
    } else {
        return Ok(false);
    };
    if length > source.remaining() {
        return Ok(false);
    }
    source.skip(length)?;
    Ok(true)
}

/// `length` bytes before `end`, if they lie behind `here`.
fn before<const N: usize>(
    source: &mut Source<'_>,
    here: u64,
    end: u64,
    back: u64,
) -> Result<Option<[u8; N]>, Stop> {
    let Some(at) = end.checked_sub(back).filter(|at| *at >= here) else { return Ok(None) };
    source.seek(at)?;
    source.bytes().map(Some)
}

fn id3v1(source: &mut Source<'_>, here: u64, end: u64) -> Result<Option<u64>, Stop> {
    Ok(before(source, here, end, 128)?.filter(|name: &[u8; 3]| name == b"TAG").map(|_| end - 128))
}

/// Six digits and `LYRICS200` at the end; the digits count what stands before them.
fn lyrics(source: &mut Source<'_>, here: u64, end: u64) -> Result<Option<u64>, Stop> {
    let Some(foot) = before::<15>(source, here, end, 15)?.filter(|foot| foot.ends_with(b"LYRICS200")) else {
        return Ok(None);
    };
    let length = std::str::from_utf8(&foot[..6]).ok().and_then(|digits| digits.parse::<u64>().ok());
    let Some(length) = length else { return Ok(None) };
    let head = before::<11>(source, here, end, 15 + length)?;
    Ok(head.filter(|head| head == b"LYRICSBEGIN").map(|_| end - 15 - length))
}

/// A footer of 32 bytes gives the length without the header, which APEv1 lacks.
fn ape(source: &mut Source<'_>, here: u64, end: u64) -> Result<Option<u64>, Stop> {
    let Some(foot) = before::<32>(source, here, end, 32)?.filter(|foot| foot.starts_with(APE)) else {
        return Ok(None);
    };
    let flags = little(&foot[20..]);
    let header = if flags >> 31 == 1 { 32 } else { 0 };
    let length = u64::from(little(&foot[12..])) + header;
    Ok(end.checked_sub(length).filter(|begin| length >= 32 && *begin >= here))
}

fn little(bytes: &[u8]) -> u32 {
    bytes.first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b))
}
