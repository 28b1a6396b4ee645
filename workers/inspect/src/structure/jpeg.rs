//! JPEG, after ITU-T T.81 Annex B: marker segments and entropy-coded data, from SOI to EOI, then the further pictures
//! that a multi-picture index lists.

use super::log::Log;
use super::mpf::{self, Listed};
use super::source::{Source, Stop};
use super::trailing;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP2: u8 = 0xe2;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let mut listed = picture(source, log)?;
    listed.sort_unstable_by_key(|l| l.offset);
    for Listed { offset, length } in listed {
        // An index that survived an edit points past the end or into the first picture: then nothing is there to
        // walk, and whatever follows is seen as trailing.
        let end = offset.saturating_add(length).min(source.size());
        if offset < source.position() || offset >= source.size() {
            continue;
        }
        let here = source.position();
        source.seek(offset)?;
        let is_jpeg = source.peek(3)? == [0xff, SOI, 0xff];
        source.seek(here)?;
        if !is_jpeg {
            continue;
        }
        trailing::gap(source, offset, log)?;
        picture(source, log)?;
        if source.position() < end {
            trailing::gap(source, end, log)?;
        }
    }
    Ok(())
}

/// One picture, from SOI to EOI; gives what its multi-picture index lists.
fn picture(source: &mut Source<'_>, log: &mut Log) -> Result<Vec<Listed>, Stop> {
    if source.bytes::<2>()? != [0xff, SOI] {
        return Err(source.malformed("no start of image"));
    }
    let mut listed = Vec::new();
    let (mut frames, mut scans) = (0_u32, 0_u32);
    let mut pending = None;
    loop {
        let marker = match pending.take() {
            Some(marker) => marker,
            None => next_marker(source, log)?,
        };
        let at = source.position();
        match marker {
            EOI if scans == 0 => return Err(source.malformed("the image ends before any scan")),
            EOI => return Ok(listed),
            SOI => return Err(source.malformed("a second start of image")),
            // TEM and stray restart markers stand alone.
            0x01 | 0xd0..=0xd7 => log.malformed(at, format!("marker ff{marker:02x} outside of a scan")),
            SOS => {
                if frames == 0 {
                    return Err(source.malformed("a scan before any frame header"));
                }
                skip_segment(source)?;
                scans += 1;
                pending = Some(entropy(source)?);
            }
            APP2 => {
                let length = segment_length(source)?;
                listed.extend(mpf::read(source, length)?);
            }
            // SOF0 to SOF15 less DHT, JPG and DAC, which share their range.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                frames += 1;
                if frames == 2 {
                    log.malformed(at, "more than one frame header");
                }
                skip_segment(source)?;
            }
            _ => skip_segment(source)?,
        }
    }
}

/// The next marker's code. What stands between segments other than fill bytes does not belong there; decoders skip it.
fn next_marker(source: &mut Source<'_>, log: &mut Log) -> Result<u8, Stop> {
    let start = source.position();
    let mut code = entropy_or_fill(source)?;
    while code == 0 {
        code = entropy_or_fill(source)?;
    }
    let strayed = source.position() - start - 2;
    if strayed > 0 && !fill_only(source, start)? {
        log.add("structure.malformed", format!("{strayed} bytes between segments"), start, strayed);
    }
    Ok(code)
}

/// Whether only fill bytes (0xff) stand between `start` and the marker just read.
fn fill_only(source: &mut Source<'_>, start: u64) -> Result<bool, Stop> {
    let here = source.position();
    source.seek(start)?;
    let mut only = true;
    source.pass(here - start - 1, |b| only &= b.iter().all(|&b| b == 0xff))?;
    source.seek(here)?;
    Ok(only)
}

/// Steps to the next 0xff and over it and its fill bytes; gives the byte behind.
fn entropy_or_fill(source: &mut Source<'_>) -> Result<u8, Stop> {
    loop {
        let have = source.fill()?;
        match memchr::memchr(0xff, have) {
            Some(i) => {
                source.consume(i + 1);
                break;
            }
            None => {
                let n = have.len();
                source.consume(n);
            }
        }
    }
    loop {
        match source.byte()? {
            0xff => {}
            code => return Ok(code),
        }
    }
}

/// Steps over the entropy-coded data of a scan, with its stuffed bytes and restart markers; gives the marker behind.
fn entropy(source: &mut Source<'_>) -> Result<u8, Stop> {
    loop {
        match entropy_or_fill(source)? {
            0x00 | 0xd0..=0xd7 => {}
            marker => return Ok(marker),
        }
    }
}

/// The length of a segment's content, without the two bytes that say it.
fn segment_length(source: &mut Source<'_>) -> Result<u64, Stop> {
    let length = u16::from_be_bytes(source.bytes()?);
    match length.checked_sub(2) {
        Some(content) => Ok(u64::from(content)),
        None => Err(source.malformed("a segment shorter than its own length")),
    }
}

fn skip_segment(source: &mut Source<'_>) -> Result<(), Stop> {
    let length = segment_length(source)?;
    source.skip(length)
}
