//! Walks of archives, and lists of their members. They run in the sandboxed child.
//!
//! An archive is looked at by position and not from front to back: what one reader takes from its end another takes
//! from its beginning, and the two must tell the same. Nothing is decompressed here.
//!
//! | finding | meaning |
//! |---|---|
//! | `structure.hidden` | a member that one reader sees and another does not, or that two readers see differently |
//! | `structure.embedded` | another format begins in the bytes that belong to no member |
//! | `structure.overlap` | members that share bytes, as in a bomb |
//! | `structure.duplicate` | two members of one name: which one a reader takes is anybody's guess |
//! | `structure.gap` | bytes between members that belong to none |
//! | `structure.leading`, `structure.trailing` | bytes before the first member, or after the end |
//! | `structure.path` | a name that climbs out of its folder, is absolute, or deceives |
//! | `structure.link` | a link to somewhere else, or a device |
//! | `structure.encrypted` | a member that nobody here can read |
//! | `structure.macro`, `structure.object`, `structure.external` | a document's macros, objects embedded in it, what it fetches |
//! | `structure.executable`, `structure.double_extension` | a program by its name, or one named as if it were none |
//! | `structure.kind` | the members are those of another kind of file |
//! | `structure.truncated`, `structure.malformed` | it stops early, or breaks its own rules |
//!
//! Coverage is `complete` only where every member that is listed was seen, and every one that was seen is listed.

mod cab;
pub(crate) mod input;
pub mod iso;
pub(crate) mod log;
pub(crate) mod names;
pub mod ole;
pub mod parts;
mod rar;
pub mod seven;
pub mod tar;
pub mod zip;

use crate::structure::beside_members;
pub use input::ReadSeek;
use input::{Input, Stop};
use lazaret_report::{Coverage, Engine, Evidence, Finding, Report};
use log::Log;
use std::io;

/// Members that a walk holds in memory; an archive with more is looked at in part.
pub const MAX_LISTED: usize = 200_000;

/// The families of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Zip,
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    SevenZip,
    /// What nothing here opens: its magic bytes are known, and no more.
    Rar,
    Iso,
    Cab,
    /// The Compound File Binary Format of older office documents.
    Ole,
}

impl Format {
    /// The family of a canonical media type.
    pub fn of(media_type: &str) -> Option<Self> {
        Some(match media_type {
            "application/x-tar" => Self::Tar,
            "application/gzip" => Self::Gzip,
            "application/x-bzip2" => Self::Bzip2,
            "application/x-xz" => Self::Xz,
            "application/zstd" => Self::Zstd,
            "application/x-7z-compressed" => Self::SevenZip,
            "application/vnd.rar" => Self::Rar,
            "application/x-iso9660-image" => Self::Iso,
            "application/vnd.ms-cab-compressed" => Self::Cab,
            other if crate::content::is_kind_of(other, "application/zip") => Self::Zip,
            other if crate::content::is_kind_of(other, "application/x-cfb") => Self::Ole,
            _ => return None,
        })
    }

    /// Whether it holds files that can be taken out and looked at by themselves, as far as anything here can.
    pub fn has_members(self) -> bool {
        self != Self::Ole
    }

    /// One stream that is compressed: its end shows only to who decompresses it, so that its walk is the unpacker's.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Gzip | Self::Bzip2 | Self::Xz | Self::Zstd)
    }
}

/// Whether files of this type hold parts of one document, rather than files of their own.
pub fn is_document(media_type: &str) -> bool {
    zip::Kind::of(media_type).is_some_and(zip::Kind::is_document)
}

/// Walks an archive. `None` where its media type is no archive that can be walked without decompressing it.
///
/// # Errors
/// Only what reading gives; a bad archive is a finding.
pub fn walk(media_type: &str, file: &mut dyn ReadSeek, size: u64) -> io::Result<Option<Report>> {
    let packed = |(coverage, findings)| (coverage, findings, None);
    let (coverage, mut findings, own) = match Format::of(media_type) {
        Some(Format::Zip) => zip::walk(media_type, file, size)?,
        Some(Format::Tar) => tar::walk(file, size)?,
        Some(Format::SevenZip) => packed(seven::walk(file, size)?),
        Some(Format::Rar) => packed(rar::walk(file, size)?),
        Some(Format::Iso) => iso::walk(file, size)?,
        Some(Format::Cab) => packed(cab::walk(file, size)?),
        Some(Format::Ole) => packed(ole::walk(file, size)?),
        Some(Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd) | None => return Ok(None),
    };
    if file.seek(io::SeekFrom::End(0))? == size {
        findings.extend(beside_members(media_type, &mut &mut *file, size, own)?);
    }
    let findings = findings.into_iter().map(|finding| within(finding, size)).collect();
    Ok(Some(Report { engine: engine(), coverage, findings }))
}

/// What a walk gives: how far it came, what it found, and which bytes are no member's, where members lie as they are.
type Walked = (Coverage, Vec<Finding>, Option<Spans>);

/// Pairs of start and end.
type Spans = Vec<(u64, u64)>;

/// In order, and each byte once.
fn merged(mut spans: Spans) -> Spans {
    spans.retain(|(from, to)| from < to);
    spans.sort_unstable();
    let mut merged: Spans = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// What is left of a file of `size` bytes.
fn between(spans: Spans, size: u64) -> Spans {
    let mut left = Vec::new();
    let mut at = 0;
    for (from, to) in merged(spans).into_iter().chain([(size, size)]) {
        if at < from {
            left.push((at, from));
        }
        at = to;
    }
    left
}

/// Archives tell of places that are not there: evidence lies within the file, or at its end.
fn within(mut finding: Finding, size: u64) -> Finding {
    if let Some(Evidence::Bytes { offset, length }) = &mut finding.evidence {
        *offset = size.min(*offset);
        *length = (size - *offset).min(*length);
    }
    finding
}

/// What a member's name gives away, where it shows only when the archive is unpacked.
pub fn judge_name(name: &str) -> Vec<Finding> {
    let mut log = Log::default();
    names::look(name, &mut log);
    log.finish().1
}

/// Under what name these reports appear.
pub fn engine() -> Engine {
    Engine::new(crate::ENGINE, env!("CARGO_PKG_VERSION"))
}

/// Reads an archive that is as long as it should be; what stops it stands in the log.
fn through(
    file: &mut dyn ReadSeek,
    size: u64,
    log: &mut Log,
    read: impl FnOnce(&mut Input<'_>, &mut Log) -> Result<(), Stop>,
) -> io::Result<()> {
    if let Some(short) = holds(file, size)? {
        log.gap_of(short);
        return Ok(());
    }
    match read(&mut Input::new(file, size), log) {
        Ok(()) => Ok(()),
        Err(stop) => stopped(stop, log),
    }
}

/// What is left of a walk that stopped.
fn stopped(stop: Stop, log: &mut Log) -> io::Result<()> {
    match stop {
        Stop::Io(e) => return Err(e),
        Stop::Truncated(at) => {
            log.add("structure.truncated", "the archive ends before what it holds does", at, 0);
            log.gap("truncated", format!("the archive ends within what stands at byte {at}"));
        }
        Stop::Malformed(at, why) => {
            log.fail("malformed", format!("{why} at byte {at}"));
            log.malformed(at, why);
        }
    }
    Ok(())
}

/// Whether the file holds as many bytes as it was hashed with.
fn holds(file: &mut dyn ReadSeek, size: u64) -> io::Result<Option<Coverage>> {
    let held = file.seek(io::SeekFrom::End(0))?;
    let why = || format!("the file was to hold {size} bytes and holds {held}");
    Ok((held != size).then(|| Coverage::failed("io.size", why())))
}
