//! The beginnings of formats that have no business inside another: what a second reader would find in the same bytes.
//!
//! Every byte of the file is looked at, picture data too, so each pattern is long enough, or held against enough of
//! what must follow, that chance does not make it: the likeliest takes some 2⁻⁴⁰ a byte. What is ordinary inside a
//! picture is not sought: a thumbnail, XMP (`<?xpacket`, `<x:xmpmeta`), an ICC profile.

use super::log::Log;
use super::objects::Objects;
use super::script;
use super::source::{OVERLAP, ReadSeek, Source, Stop};
use memchr::memmem::Finder;
use std::io;

/// Readers of pdfs take a header up to here.
const PDF_WITHIN: u64 = 1024 + 8;

/// How much of some bytes [`at_start`] wants to see.
pub(super) const SAMPLE: usize = 4096;

/// A format sought, by its name in words.
type Name = &'static str;

const ZIP: Name = "a zip archive";
const PDF: Name = "a pdf";
const PHP: Name = "php";
const TAR: Name = "a tar archive";
const ISO: Name = "a disc image";
const DICOM: Name = "a dicom picture";
const PHAR: Name = "a php archive";
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
    (b"BEA01\x01", |_, at, _| volume_sequence(at).then_some(ISO)),
    (b"NSR0", |b, at, _| (volume_sequence(at) && matches!(b.get(4)?, b'2' | b'3')).then_some(ISO)),
    (b"DICM", |b, at, _| (at == 128 && b.get(4..8)? == [2, 0, 0, 0]).then_some(DICOM)),
    (b"__HALT_COMPILER();", |_, _, _| Some(PHAR)),
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
    (b"<?=", PHP),
    (b"<svg", "svg"),
    (b"<body", "html"),
    (b"<object", "html"),
    (b"<embed", "html"),
    (b"<hta:application", "a windows html program"),
    (b"<%@page", "a server page"),
    (b"<%@ page", "a server page"),
    (b"<%@ language", "a server page"),
];

/// What the bytes are among which others are sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Among {
    Binary,
    /// Of markup only what a server acts on is foreign.
    Markup,
    /// Prose, data and logs speak of tags and of formats: a pdf is one only where it has objects too.
    Text,
    /// Compressed bytes, in which whole files lie as they are where they cannot be made smaller: foreign is only what
    /// readers look for elsewhere than at the beginning.
    Packed,
}

pub(super) struct Foreign {
    finders: Vec<(Finder<'static>, Confirm)>,
    among: Among,
    /// The file is itself of this format, whose own header is no foreign one.
    own_header: Option<Name>,
    /// Members of an archive are looked at by themselves: the bytes that are none's, in order.
    only_in: Option<Vec<(u64, u64)>>,
    /// In text: where a pdf's header stands, and whether an object does.
    header: Option<u64>,
    objects: Objects,
    /// Where a pdf's header stands in an archive's first member.
    shared: Option<u64>,
    /// What ends the comment, or the text, as which JavaScript reads the file from its head on.
    closed_by: Option<&'static [u8]>,
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
        let among = match media_type {
            "text/html" | "application/xhtml+xml" | "image/svg+xml" => Among::Markup,
            "text/plain"
            | "text/csv"
            | "text/tab-separated-values"
            | "text/markdown"
            | "application/json"
            | super::PART => Among::Text,
            _ => Among::Binary,
        };
        Self {
            finders,
            among,
            own_header,
            only_in: None,
            header: None,
            objects: Objects::default(),
            shared: None,
            closed_by: None,
            seen: Vec::new(),
        }
    }

    /// For what is compressed.
    pub(super) fn packed() -> Self {
        Self { among: Among::Packed, ..Self::new("") }
    }

    /// Only what begins in these bytes, and what readers find by its place in the file wherever that is.
    pub(super) fn only_in(self, own: Vec<(u64, u64)>) -> Self {
        Self { only_in: Some(own), ..self }
    }

    /// Looks through the whole file, and notes each format where it first begins.
    pub(super) fn search(mut self, input: &mut dyn ReadSeek, size: u64, log: &mut Log) -> io::Result<()> {
        let passed = Source::new(input, size).and_then(|mut source| {
            if !matches!(self.among, Among::Text | Among::Packed) && self.only_in.is_none() {
                self.closed_by = script::closed_by(&source.peek(script::HEAD)?);
            }
            source.windows(|window, offset, own| self.window(window, offset, own, size, log))
        });
        match passed {
            Ok(()) => {
                if let (Some(at), true) = (self.header, self.objects.any()) {
                    log.add("structure.embedded", format!("{PDF} begins at byte {at}"), at, size - at);
                }
                if let Some(at) = self.shared {
                    let detail =
                        format!("{PDF} begins at byte {at}, for readers that take the archive for one");
                    log.add("structure.hidden", detail, at, size - at);
                }
                Ok(())
            }
            Err(Stop::Io(e)) => Err(e),
            // The size was held against the file before: it shrank meanwhile.
            Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn window(&mut self, window: &[u8], offset: u64, own: usize, size: u64, log: &mut Log) {
        let mut hits: Vec<(usize, Name)> = Vec::new();
        let finders = std::mem::take(&mut self.finders);
        for (finder, confirm) in &finders {
            for at in finder.find_iter(window).take_while(|at| *at < own) {
                let place = offset + at as u64;
                let Some(name) = confirm(&window[at..], place, size) else { continue };
                if self.among == Among::Text && name == PDF {
                    self.header.get_or_insert(place);
                } else if name == PDF && self.is_of_a_member(place) {
                    self.shared.get_or_insert(place);
                } else if self.is_foreign(name, &window[at..], place) && !self.seen.contains(&name) {
                    hits.push((at, name));
                    break;
                }
            }
        }
        self.finders = finders;
        if self.among == Among::Text {
            self.objects.look(&window[..own]);
        } else if self.among != Among::Packed {
            for at in memchr::memchr_iter(b'<', &window[..own]) {
                if let Some(name) = markup(&window[at..])
                    && (self.among != Among::Markup || name == PHP)
                    && !self.seen.contains(&name)
                    && !hits.iter().any(|(_, hit)| *hit == name)
                    && self.is_slack(offset + at as u64)
                {
                    hits.push((at, name));
                }
            }
        }
        if let Some(mark) = self.closed_by
            && let Some(at) =
                memchr::memmem::find_iter(window, mark).find(|at| script::follows(&window[at + mark.len()..]))
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

impl Foreign {
    /// Whether what is confirmed at this place has no business there.
    fn is_foreign(&mut self, name: Name, bytes: &[u8], place: u64) -> bool {
        // Other readers find these by their place, whatever the bytes around them belong to.
        let placed = matches!(name, TAR | ISO | DICOM);
        if self.own_header == Some(name) {
            // There is one header of a pdf, and discs have a descriptor at several places.
            if !placed {
                self.own_header = None;
            }
            return false;
        }
        match self.among {
            // Code that packs itself up needs bytes that no text has.
            Among::Text => name != PHAR,
            Among::Packed => match name {
                // Readers begin at its end.
                ZIP => bytes.starts_with(b"PK\x05\x06"),
                PDF => place <= PDF_WITHIN,
                _ => placed,
            },
            Among::Binary | Among::Markup => placed || self.is_slack(place),
        }
    }

    /// Readers of pdfs take a header near the beginning of an archive, whosever bytes it is, and then look through the
    /// whole: what no member is by itself they put together.
    fn is_of_a_member(&self, place: u64) -> bool {
        self.only_in.is_some() && place <= PDF_WITHIN && !self.is_slack(place)
    }

    fn is_slack(&self, place: u64) -> bool {
        let Some(own) = &self.only_in else { return true };
        let next = own.partition_point(|(from, _)| *from <= place);
        next > 0 && own[next - 1].1 > place
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
    if *tag == b"<?=" {
        // Three bytes are little: the code behind them is plain text, to its end or for a while.
        let code = &rest[..rest.len().min(24)];
        let code = &code[..memchr::memmem::find(code, b"?>").unwrap_or(code.len().min(16))];
        let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        return (!code.is_empty() && code.iter().all(plain)).then_some(*name);
    }
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

/// Where discs have their descriptors (ECMA-167 2/8.3 and 2/9): each in a sector of 2 KiB, or of a multiple of that.
fn volume_sequence(at: u64) -> bool {
    at % 2048 == 1 && (0x8001..0x8001 + 64 * 2048).contains(&at)
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

/// Microsoft PE format: `MZ`, and at 0x3c the offset of `PE\0\0`.
fn portable_executable(b: &[u8]) -> bool {
    let Some(&[a, b1, c, d]) = b.get(0x3c..0x40) else { return false };
    let header = usize::try_from(u32::from_le_bytes([a, b1, c, d])).unwrap_or(usize::MAX);
    header < OVERLAP - 4 && b.get(header..).is_some_and(|h| h.starts_with(b"PE\0\0"))
}
