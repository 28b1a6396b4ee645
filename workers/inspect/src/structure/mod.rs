//! Walks of containers, from their first byte to their real end. They run in the sandboxed child and know nothing of
//! the content model.
//!
//! Each walk follows its format's own text: JPEG is ITU-T T.81 Annex B (and CIPA DC-007 for pictures behind the
//! first), PNG the W3C's third edition, GIF the GIF89a specification, WebP RFC 9649, PDF ISO 32000-1 section 7.5.
//!
//! A walk reads forward through a buffer of fixed size and holds no more of the file than that. After it, one more
//! pass looks at every byte of the file for the beginnings of other formats (see [`foreign`]).
//!
//! | finding | meaning |
//! |---|---|
//! | `structure.trailing` | bytes after the real end, other than zeros and white space |
//! | `structure.leading` | bytes before the container's header |
//! | `structure.embedded` | another format begins inside, in front or behind |
//! | `structure.truncated` | the file stops before its container does |
//! | `structure.malformed` | the container breaks its own rules |
//! | `structure.active` | a PDF that carries scripts, launches programs or holds files |
//!
//! Coverage is `complete` only when the container was walked to its end.

mod foreign;
mod gif;
mod jpeg;
mod log;
mod mpf;
mod pdf;
mod png;
mod source;
mod trailing;
mod webp;

use foreign::Foreign;
use lazaret_report::{Coverage, Engine, Report};
use log::Log;
use source::{ReadSeek, Source, Stop};
use std::io::{self, Read, Seek, SeekFrom};

/// One format's walk: begins with `source` at 0 and leaves it at the container's real end.
type Walk = fn(&mut Source<'_>, &mut Log) -> Result<(), Stop>;

/// The walk for a canonical media type.
fn walk_of(media_type: &str) -> Option<Walk> {
    match media_type {
        "image/jpeg" => Some(jpeg::walk),
        "image/png" => Some(png::walk),
        "image/gif" => Some(gif::walk),
        "image/webp" => Some(webp::walk),
        "application/pdf" => Some(pdf::walk),
        _ => None,
    }
}

/// Whether [`walk`] knows this canonical media type.
pub fn has_walk(media_type: &str) -> bool {
    walk_of(media_type).is_some()
}

/// Walks the container in `input`, which holds `size` bytes, as the canonical `media_type` says. For a type without a
/// walk the coverage is `failed(unsupported)`.
///
/// # Errors
/// Only what reading gives; a bad container is a finding.
pub fn walk(media_type: &str, input: &mut (impl Read + Seek), size: u64) -> io::Result<Report> {
    walk_dyn(media_type, input, size)
}

fn walk_dyn(media_type: &str, input: &mut dyn ReadSeek, size: u64) -> io::Result<Report> {
    let Some(walk) = walk_of(media_type) else {
        return Ok(report(Coverage::failed("unsupported", "no walk for this type"), Log::default()));
    };
    let held = input.seek(SeekFrom::End(0))?;
    if held != size {
        let why = format!("the file was to hold {size} bytes and holds {held}");
        return Ok(report(Coverage::failed("io.size", why), Log::default()));
    }
    let mut log = Log::default();
    let coverage = match one_walk(walk, input, size, &mut log) {
        Ok(()) => Coverage::Complete,
        Err(Stop::Truncated(at)) => {
            log.truncated(at);
            Coverage::partial("truncated", format!("the file ends within its container, at byte {at}"))
        }
        Err(Stop::Malformed(at, why)) => {
            let coverage = Coverage::failed("malformed", format!("{why} at byte {at}"));
            log.malformed(at, why);
            coverage
        }
        Err(Stop::Io(e)) => return Err(e),
    };
    Foreign::new(media_type).search(input, size, &mut log)?;
    Ok(report(coverage.and(log.coverage()), log))
}

fn one_walk(walk: Walk, input: &mut dyn ReadSeek, size: u64, log: &mut Log) -> Result<(), Stop> {
    let mut source = Source::new(input, size)?;
    walk(&mut source, log)?;
    trailing::look(&mut source, log)
}

fn report(coverage: Coverage, log: Log) -> Report {
    let engine = Engine::new(crate::ENGINE, env!("CARGO_PKG_VERSION"));
    Report { engine, coverage, findings: log.into_findings() }
}
