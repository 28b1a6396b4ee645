//! MPEG audio, after ISO/IEC 11172-3 section 2.4 and 13818-3, frame by frame, between its tags: ID3v2.2 to 2.4 and ID3v1
//! (id3.org), APEv1 and APEv2, Lyrics3 v2. The number of frames in a Xing, Info or VBRI header is believed; without one,
//! nothing tells that whole frames are missing at the end.

mod frame;
mod id3;
mod tail;

use super::log::Log;
use super::source::{Source, Stop};
use super::trailing;
use frame::Frame;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    while source.peek(3)? == b"ID3" {
        id3::walk(source, log)?;
    }
    let tail = tail::begin(source)?;
    let (mut first, mut expected, mut frames): (Option<Frame>, _, _) = (None, None, 0_u64);
    // Encoders and taggers leave zeros between tag and sound.
    trailing::padding(source)?;
    loop {
        if source.position() >= tail {
            break;
        }
        if let Some(frame) = frame_here(source, first)? {
            if first.is_none() {
                first = Some(frame);
                expected = frame.announced(&source.peek(frame::HEAD)?);
            }
            frames += 1;
            source.skip(frame.length)?;
        } else if first.is_none() {
            return Err(source.malformed("no mpeg audio frame behind the tags"));
        } else if source.remaining() < 4 && source.peek(1)? == b"\xff" {
            return Err(Stop::Truncated(source.size()));
        } else if !tail::tag_here(source, log)? && !resume(source, tail, first, log)? {
            break;
        }
    }
    let Some(_) = first else { return Err(source.malformed("no mpeg audio frame")) };
    if expected.is_some_and(|expected| frames - 1 < expected) {
        return Err(Stop::Truncated(source.position()));
    }
    if source.position() <= tail && tail < source.size() {
        trailing::unclaimed(source, tail, log)?;
        let end = source.size();
        return source.seek(end);
    }
    Ok(())
}

/// The frame that begins here, of the same kind as the first one.
fn frame_here(source: &mut Source<'_>, first: Option<Frame>) -> Result<Option<Frame>, Stop> {
    match (Frame::parse(&source.peek(4)?), first) {
        (Ok(frame), None) => Ok(frame),
        (Err(why), None) => Err(Stop::Partial("unsupported", why.to_owned())),
        (Ok(frame), Some(first)) => Ok(frame.filter(|frame| frame.kind == first.kind)),
        (Err(_), Some(_)) => Ok(None),
    }
}

/// Goes on at the next two frames before `tail`, if there are any, and notes what lies between.
fn resume(source: &mut Source<'_>, tail: u64, first: Option<Frame>, log: &mut Log) -> Result<bool, Stop> {
    let lost = source.position();
    while source.position() < tail {
        let skipped = {
            let have = source.fill()?;
            memchr::memchr(0xff, have).unwrap_or(have.len())
        };
        source.consume(skipped);
        let at = source.position();
        if at >= tail {
            break;
        }
        if let Some(frame) = frame_here(source, first)?
            && at.checked_add(frame.length).is_some_and(|next| next < tail)
        {
            source.skip(frame.length)?;
            let follows = frame_here(source, first)?.is_some();
            if follows && at > lost {
                source.seek(lost)?;
                trailing::unclaimed(source, at, log)?;
            }
            source.seek(at)?;
            if follows && at > lost {
                return Ok(true);
            }
        }
        source.skip(1)?;
    }
    source.seek(lost)?;
    Ok(false)
}
