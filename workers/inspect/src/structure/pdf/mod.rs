//! PDF, after ISO 32000-1 section 7.5: the header, every revision's `startxref` and `%%EOF`, and the cross-reference
//! that the last of them points to, with every object that its tables list (see [`reference`]) and what is written on its
//! pages (see [`page`]). The names of active
//! content are sought in every byte of the file, and in every stream once its filters are undone (see [`streams`]): what
//! a reader finds by whatever cross-reference is among them, of old revisions too.
//!
//! Not seen: streams that lie in other files (`/F`), links (`/URI`), what pictures hold, and anything of an encrypted
//! document but its outline: that one is `partial(encrypted)`.

mod dictionary;
mod filters;
mod names;
mod page;
mod reference;
mod streams;
mod syntax;

use super::log::Log;
use super::source::{Source, Stop};
use memchr::memmem::{self, Finder};
use names::Names;
use streams::Streams;

/// Readers take a header anywhere in the first kilobyte.
const HEADER_WITHIN: usize = 1024;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let header = header(source, log)?;
    whole_if_linearized(source, header)?;
    let (mut scan, mut names, mut streams) = (Scan::new(header), Names::default(), Streams::default());
    source.windows(|window, offset, own| {
        scan.window(window, offset, own);
        names.window(window, offset, own);
        streams.window(window, offset, own);
    })?;
    if names.encrypted {
        log.partial("encrypted", "the document is encrypted");
    } else {
        streams.look(source, &mut names, log)?;
    }
    names.tell(log);
    let Some(last) = scan.last else { return Err(Stop::Truncated(source.size())) };
    if let Some((at, length)) = scan.between {
        log.add("structure.malformed", "bytes between revisions that belong to neither", at, length);
    }
    let Some((at, base)) = reference_at(source, last.target, header)? else {
        // A linearized file's first section says 0: the last section is then missing.
        return Err(match last.target {
            0 => Stop::Truncated(source.size()),
            _ => Stop::Malformed(last.at, "startxref does not point at a cross-reference".to_owned()),
        });
    };
    let mut reached = Vec::new();
    reference::check(source, (at, base), &mut reached, log)?;
    if !names.encrypted {
        streams.hold_against(&reached, log);
    }
    source.seek(last.end)
}

/// Where the header stands; anything before it is a finding.
fn header(source: &mut Source<'_>, log: &mut Log) -> Result<u64, Stop> {
    let head = source.peek(HEADER_WITHIN + 5)?;
    let Some(at) = memmem::find(&head, b"%PDF-") else {
        return Err(Stop::Malformed(0, "no pdf header in the first kilobyte".to_owned()));
    };
    // 7.5.2: a version follows, and readers that find none look for another header, or do without.
    let version = head.get(at + 5..at + 8);
    if !version.is_some_and(|v| v[0].is_ascii_digit() && v[1] == b'.' && v[2].is_ascii_digit()) {
        log.malformed(at as u64, "a header without a version");
    }
    let before = head[..at].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head[..at]);
    let at = at as u64;
    if !before.trim_ascii().is_empty() {
        let what = super::trailing::describe(before.trim_ascii_start());
        log.add("structure.leading", format!("{at} bytes before the header, {what}"), 0, at);
    }
    Ok(at)
}

/// Annex F: a linearized file's first object gives the length of the whole file as `/L`. A later revision makes it
/// longer; nothing makes it shorter.
fn whole_if_linearized(source: &mut Source<'_>, header: u64) -> Result<(), Stop> {
    source.seek(header)?;
    let head = source.peek(HEADER_WITHIN)?;
    source.seek(0)?;
    let Some(at) = memmem::find(&head, b"/Linearized") else { return Ok(()) };
    let object = &head[..memmem::find(&head[at..], b">>").map_or(head.len(), |end| at + end)];
    for at in memmem::find_iter(object, b"/L") {
        let number = trim(&object[at + 2..]);
        let digits = number.iter().take(19).take_while(|b| b.is_ascii_digit()).count();
        let length = std::str::from_utf8(&number[..digits]).ok().and_then(|n| n.parse::<u64>().ok());
        if length.is_some_and(|length| header.saturating_add(length) > source.size()) {
            return Err(Stop::Truncated(source.size()));
        }
    }
    Ok(())
}

/// `startxref`, a number, `%%EOF`: the end of one revision.
#[derive(Debug, Clone, Copy)]
struct Section {
    at: u64,
    target: u64,
    end: u64,
}

struct Scan {
    header: u64,
    startxref: Finder<'static>,
    last: Option<Section>,
    /// The last section is followed by something that begins no revision: where, and what length was seen of it.
    odd: Option<u64>,
    between: Option<(u64, u64)>,
}

impl Scan {
    fn new(header: u64) -> Self {
        Self { header, startxref: Finder::new("startxref"), last: None, odd: None, between: None }
    }

    fn window(&mut self, window: &[u8], offset: u64, own: usize) {
        let hits: Vec<usize> = self.startxref.find_iter(window).take_while(|at| *at < own).collect();
        for at in hits {
            let Some((target, length)) = section(&window[at..]) else { continue };
            let begin = offset + at as u64;
            if begin < self.header {
                continue;
            }
            if let (Some(odd), None) = (self.odd, self.between) {
                self.between = Some((odd, begin - odd));
            }
            let end = at + length;
            self.last = Some(Section { at: begin, target, end: offset + end as u64 });
            let next = window[end..].iter().find(|b| !is_white(**b));
            let regular = next.is_none_or(|b| b.is_ascii_digit() || matches!(b, b'x' | b'%'));
            self.odd = (!regular).then(|| offset + end as u64);
        }
    }
}

/// The number in a section, and the section's length, or `None` where it is not whole.
fn section(bytes: &[u8]) -> Option<(u64, usize)> {
    let rest = trim(bytes.strip_prefix(b"startxref")?);
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=19).contains(&digits) {
        return None;
    }
    let target = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = trim(&rest[digits..]).strip_prefix(b"%%EOF")?;
    Some((target, bytes.len() - rest.len()))
}

fn trim(bytes: &[u8]) -> &[u8] {
    let white = bytes.iter().take(64).take_while(|b| is_white(**b)).count();
    &bytes[white..]
}

/// White space of ISO 32000-1 table 1.
fn is_white(b: u8) -> bool {
    matches!(b, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// What may follow a name: white space or a delimiter of table 2.
fn ends_name(b: u8) -> bool {
    is_white(b) || b"()<>[]{}/%".contains(&b)
}

/// Where a table (`xref`) or a stream (`7 0 obj`) stands at `target`, and from where that counts: the file's or the
/// header's start.
fn reference_at(source: &mut Source<'_>, target: u64, header: u64) -> Result<Option<(u64, u64)>, Stop> {
    for base in [0, header] {
        let at = target.saturating_add(base);
        if at >= source.size() {
            continue;
        }
        source.seek(at)?;
        let there = source.peek(64)?;
        let there = trim(&there);
        if there.starts_with(b"xref") || is_object(there) {
            return Ok(Some((at, base)));
        }
    }
    Ok(None)
}

fn is_object(bytes: &[u8]) -> bool {
    let mut words = bytes.split(|b| is_white(*b)).filter(|w| !w.is_empty());
    let mut number = || words.next().is_some_and(|w| w.iter().all(u8::is_ascii_digit));
    number() && number() && words.next().is_some_and(|w| w.starts_with(b"obj"))
}
