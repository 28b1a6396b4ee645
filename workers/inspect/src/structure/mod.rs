//! Walks of containers, from their first byte to their real end. They run in the sandboxed child and know nothing of
//! the content model.
//!
//! Each walk follows its format's own text, which its module names. [`table`] says which media types have one.
//!
//! A walk reads forward through a buffer of fixed size. Formats whose parts lie anywhere are held in a bounded list of
//! extents, markup in a bounded text; what goes over a bound, or is locked, is `partial`. Nesting is a bounded stack
//! and never recursion. After the walk, one more pass looks at every byte of the file for the beginnings of other formats
//! (see [`foreign`]).
//!
//! | finding | meaning |
//! |---|---|
//! | `structure.trailing` | bytes after the real end, other than zeros and white space |
//! | `structure.leading` | bytes before the container's header |
//! | `structure.gap` | bytes in the middle that no part of the container claims |
//! | `structure.embedded` | another format begins inside, in front or behind |
//! | `structure.truncated` | the file stops before its container does |
//! | `structure.malformed` | the container breaks its own rules |
//! | `structure.active` | content that acts, reaches out of the file, or carries other files |
//!
//! `structure.active` is told of PDF (scripts, launched programs, embedded files and media, forms that send, jumps into
//! other files), of SVG, XHTML, HTML and Markdown (scripts, event handlers, frames and objects, scripts in addresses, addresses of
//! other files, `data:` that may act, style sheets that load, entities, forms that send, refreshes, animated addresses),
//! of films and sound whose data lies in other files, of attached files in Matroska and of files in ID3 tags.
//!
//! Coverage is `complete` only when the container was walked to its end. Some ends cannot be known: frames of MP3 without
//! a header that counts them, fragments of MP4, clusters of a live Matroska file and tags at the end may be missing, and
//! HTML needs no end.

mod bmp;
mod extents;
mod foreign;
mod gif;
mod isobmff;
mod jpeg;
mod log;
mod markup;
mod matroska;
mod mp3;
mod mpf;
mod objects;
mod ogg;
mod pdf;
mod png;
mod script;
mod source;
mod table;
mod text;
mod tiff;
mod trailing;
mod wav;
mod webp;

use foreign::Foreign;
use lazaret_report::{Coverage, Engine, Finding, Report};
use log::Log;
pub(crate) use source::ReadSeek;
use source::{Source, Stop};
use std::io::{self, Read, Seek, SeekFrom};
pub use table::PART;

/// One format's walk: begins with `source` at 0 and leaves it at the container's real end.
type Walk = fn(&mut Source<'_>, &mut Log) -> Result<(), Stop>;

/// Whether [`walk`] knows this canonical media type.
pub fn has_walk(media_type: &str) -> bool {
    table::walk_of(media_type).is_some()
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
    let Some(walk) = table::walk_of(media_type) else {
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
        Err(Stop::Partial(code, why)) => Coverage::partial(code, why),
        Err(Stop::Io(e)) => return Err(e),
    };
    Foreign::new(media_type).search(input, size, &mut log)?;
    Ok(report(coverage.and(log.coverage()), log))
}

/// What begins in an archive of this media type and is none of its members': `own` are the bytes that belong to the
/// archive itself, in pairs of start and end and in order. `None`: its members do not lie there as they are.
pub(crate) fn beside_members(
    media_type: &str,
    input: &mut dyn ReadSeek,
    size: u64,
    own: Option<Vec<(u64, u64)>>,
) -> io::Result<Vec<Finding>> {
    let mut log = Log::default();
    let foreign = match own {
        Some(own) => Foreign::new(media_type).only_in(own),
        None => Foreign::packed(),
    };
    foreign.search(input, size, &mut log)?;
    Ok(log.into_findings())
}

/// As [`beside_members`], for a compressed stream.
///
/// # Errors
/// Only what reading gives.
pub fn in_stream(input: &mut (impl Read + Seek), size: u64) -> io::Result<Vec<Finding>> {
    beside_members("", input, size, None)
}

/// What acts in a part of a book, as [`markup::part`] has it.
pub(crate) fn of_book(part: &[u8], lists: bool) -> Option<Vec<Finding>> {
    markup::part(part, lists)
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
