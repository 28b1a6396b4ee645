//! The beginnings of formats that have no business inside another: what a second reader would find in the same bytes.
//!
//! Every byte of the file is looked at, picture data too, so each pattern is long enough, or held against enough of
//! what must follow, that chance does not make it: the likeliest takes some 2⁻⁴⁰ a byte. What is ordinary inside a
//! picture is not sought: a thumbnail, XMP (`<?xpacket`, `<x:xmpmeta`), an ICC profile.

use super::log::Log;
use super::source::{OVERLAP, ReadSeek, Source, Stop};
use memchr::memmem::Finder;
use std::io;

/// How much of some bytes [`at_start`] wants to see.
pub(super) const SAMPLE: usize = 4096;

/// A format sought, by its name in words.
type Name = &'static str;

const ZIP: Name = "a zip archive";
const PDF: Name = "a pdf";
const PHP: Name = "php";
const TAR: Name = "a tar archive";
const ISO: Name = "a disc image";
const JAVASCRIPT: Name = "a javascript that takes the picture for a comment";

/// Tells from the bytes at a hit, the file's size and the hit's offset whether it is what it seems.
type Confirm = fn(&[u8], u64, u64) -> Option<Name>;

const BINARY: &[(&[u8], Confirm)] = &[
    (b"PK\x03\x04", |b, _, _| local_header(b).then_some(ZIP)),
    (b"PK\x05\x06", |b, at, size| end_of_directory(b, at, size).then_some(ZIP)),
    (b"Rar!\x1a\x07", |b, _, _| matches!(b.get(6..8)?, [0, _] | [1, 0]).then_some("a rar archive")),
    (b"7z\xbc\xaf\x27\x1c", |_, _, _| Some("a 7z archive")),
    (b"%PDF-", |b, _, _| matches!(b.get(5..7)?, [b'0'..=b'9', b'.']).then_some(PDF)),
    (b"MSCF\0\0\0\0", |b, _, _| (b.get(24..26)? == [3, 1]).then_some("a cabinet")),
    (b"ustar", |b, at, _| (at == 257 && matches!(b.get(5)?, 0 | b' ')).then_some(TAR)),
    (b"CD001\x01", |_, at, _| matches!(at, 0x8001 | 0x8801 | 0x9001).then_some(ISO)),
    (b"DICM", |b, at, _| (at == 128 && b.get(4..8)? == [2, 0, 0, 0]).then_some("a dicom picture")),
    (b"__HALT_COMPILER();", |_, _, _| Some("a php archive")),
    (b"\xca\xfe\xba\xbe", |b, _, _| java_class(b).then_some("java bytecode")),
    (b"\xcf\xfa\xed\xfe", |b, _, _| mach_o(b).then_some("a macos program")),
    (b"\xce\xfa\xed\xfe", |b, _, _| mach_o(b).then_some("a macos program")),
    (b"\x7fELF", |b, _, _| matches!(b.get(4..7)?, [1 | 2, 1 | 2, 1]).then_some("a unix program")),
    (b"MZ", |b, _, _| portable_executable(b).then_some("a windows program")),
];

const MARKUP: &[(&[u8], Name)] = &[
    (b"<script", "a script"),
    (b"<html", "html"),
    (b"<!doctype html", "html"),
    (b"<iframe", "html"),
    (b"<?php", PHP),
    (b"<svg", "svg"),
    (b"<body", "html"),
    (b"<object", "html"),
    (b"<embed", "html"),
    (b"<hta:application", "a windows html program"),
    (b"<%@page", "a server page"),
    (b"<%@ page", "a server page"),
    (b"<%@ language", "a server page"),
];

pub(super) struct Foreign {
    finders: Vec<(Finder<'static>, Confirm)>,
    /// The file is itself of this format, whose own header is no foreign one.
    own_header: Option<Name>,
    /// The file is itself markup: of that only what a server acts on is foreign.
    is_markup: bool,
    /// The file's head reads as the beginning of a comment in JavaScript.
    opens_comment: bool,
    seen: Vec<Name>,
}

impl Foreign {
    /// For a file of this canonical media type.
    pub(super) fn new(media_type: &str) -> Self {
        let finders = BINARY.iter().map(|(magic, confirm)| (Finder::new(magic), *confirm)).collect();
        let own_header = match media_type {
            "application/pdf" => Some(PDF),
            "application/x-tar" => Some(TAR),
            "application/x-iso9660-image" => Some(ISO),
            _ => None,
        };
        let is_markup = matches!(media_type, "text/html" | "application/xhtml+xml" | "image/svg+xml");
        Self { finders, own_header, is_markup, opens_comment: false, seen: Vec::new() }
    }

    /// Looks through the whole file, and notes each format where it first begins.
    pub(super) fn search(mut self, input: &mut dyn ReadSeek, size: u64, log: &mut Log) -> io::Result<()> {
        let passed = Source::new(input, size).and_then(|mut source| {
            self.opens_comment = opens_comment(&source.peek(8)?);
            source.windows(|window, offset, own| self.window(window, offset, own, size, log))
        });
        match passed {
            Ok(()) => Ok(()),
            Err(Stop::Io(e)) => Err(e),
            // The size was held against the file before: it shrank meanwhile.
            Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn window(&mut self, window: &[u8], offset: u64, own: usize, size: u64, log: &mut Log) {
        let mut hits: Vec<(usize, Name)> = Vec::new();
        for (finder, confirm) in &self.finders {
            for at in finder.find_iter(window).take_while(|at| *at < own) {
                if let Some(name) = confirm(&window[at..], offset + at as u64, size) {
                    let own_header = self.own_header.take_if(|own| *own == name).is_some();
                    if !own_header && !self.seen.contains(&name) {
                        hits.push((at, name));
                        break;
                    }
                }
            }
        }
        for at in memchr::memchr_iter(b'<', &window[..own]) {
            if let Some(name) = markup(&window[at..])
                && (!self.is_markup || name == PHP)
                && !self.seen.contains(&name)
                && !hits.iter().any(|(_, hit)| *hit == name)
            {
                hits.push((at, name));
            }
        }
        if self.opens_comment
            && let Some(at) =
                memchr::memmem::find_iter(window, b"*/").find(|at| script_follows(&window[at + 2..]))
        {
            hits.push((at, JAVASCRIPT));
        }
        hits.sort_unstable();
        for (at, name) in hits {
            if !self.seen.contains(&name) {
                self.seen.push(name);
                let at = offset + at as u64;
                log.add("structure.embedded", format!("{name} begins at byte {at}"), at, size - at);
            }
        }
    }
}

/// What some bytes begin with.
pub(super) fn at_start(sample: &[u8]) -> Option<Name> {
    let size = sample.len() as u64;
    let binary = BINARY
        .iter()
        .find_map(|(magic, confirm)| sample.starts_with(magic).then(|| confirm(sample, 0, size)).flatten());
    let text = sample.trim_ascii_start();
    binary.or_else(|| markup(text)).or_else(|| text.starts_with(b"#!/").then_some("a script"))
}

/// A tag that a browser or PHP acts on, followed by more text: in binary data the text would have to be chance too.
fn markup(bytes: &[u8]) -> Option<Name> {
    if !matches!(bytes.get(1)?, b's' | b'S' | b'h' | b'H' | b'!' | b'i' | b'I' | b'?' | b'%')
        && !matches!(bytes.get(1)?, b'b' | b'B' | b'o' | b'O' | b'e' | b'E')
    {
        return None;
    }
    let (tag, name) =
        MARKUP.iter().find(|(tag, _)| bytes.get(..tag.len()).is_some_and(|b| b.eq_ignore_ascii_case(tag)))?;
    let rest = &bytes[tag.len()..];
    let delimited = rest.first().is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b':'));
    let text = rest.iter().take(12).all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..));
    (delimited && text).then_some(name)
}

/// APPNOTE.TXT 4.3.7: versions up to 6.3, a known method, and a name of sensible length.
fn local_header(b: &[u8]) -> bool {
    let Some(header) = b.first_chunk::<30>() else { return false };
    let method = u16::from_le_bytes([header[8], header[9]]);
    let name = u16::from_le_bytes([header[26], header[27]]);
    header[4] <= 63
        && matches!(method, 0..=10 | 12 | 14 | 16 | 18..=20 | 93..=99)
        && (1..=1024).contains(&name)
}

/// APPNOTE.TXT 4.3.16. Near the end of a file zip readers take almost anything, so there almost anything counts.
fn end_of_directory(b: &[u8], at: u64, size: u64) -> bool {
    let Some(r) = b.first_chunk::<22>() else { return false };
    let u16_at = |i: usize| u16::from_le_bytes([r[i], r[i + 1]]);
    let u32_at = |i: usize| u32::from_le_bytes([r[i], r[i + 1], r[i + 2], r[i + 3]]);
    let within = |n: u32| n == u32::MAX || u64::from(n) <= at;
    let left = size.saturating_sub(at);
    let near_the_end = left <= 22 + u64::from(u16::MAX);
    let fits = within(u32_at(12));
    let regular = u16_at(4) == u16_at(6) && u16_at(8) == u16_at(10) && within(u32_at(16));
    fits && (near_the_end || regular && 22 + u64::from(u16_at(20)) <= left)
}

/// JVM specification section 4.1: versions 45 to 80, and a constant pool that begins with a known tag. A fat Mach-O has
/// the same magic and then the small number of its parts.
fn java_class(b: &[u8]) -> bool {
    let Some(head) = b.first_chunk::<11>() else { return false };
    head[6] == 0 && (45..=80).contains(&head[7]) && head[8] < 0x80 && (1..=20).contains(&head[10])
}

/// Mach-O's mach_header: x86, ARM or PowerPC, and a known kind of file.
fn mach_o(b: &[u8]) -> bool {
    let Some(head) = b.first_chunk::<16>() else { return false };
    matches!(head[4], 7 | 12 | 18)
        && head[5..7] == [0, 0]
        && matches!(head[12], 1..=12)
        && head[13..16] == [0, 0, 0]
}

/// Bytes that are a name to JavaScript, as far as `/*`: then all that follows is a comment to it.
fn opens_comment(head: &[u8]) -> bool {
    let name = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80;
    let length = head.iter().take_while(|b| name(b)).count();
    matches!(length, 2..=6) && (head[length..].starts_with(b"/*") || head[length..].starts_with(b"="))
}

/// Behind the comment the name is given a value.
fn script_follows(b: &[u8]) -> bool {
    let rest = b.trim_ascii_start();
    let text = |b: &u8| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    rest.starts_with(b"=") && rest.len() >= 8 && rest[..8].iter().all(text)
}

/// Microsoft PE format: `MZ`, and at 0x3c the offset of `PE\0\0`.
fn portable_executable(b: &[u8]) -> bool {
    let Some(&[a, b1, c, d]) = b.get(0x3c..0x40) else { return false };
    let header = usize::try_from(u32::from_le_bytes([a, b1, c, d])).unwrap_or(usize::MAX);
    header < OVERLAP - 4 && b.get(header..).is_some_and(|h| h.starts_with(b"PE\0\0"))
}
