//! The magic bytes: `infer`'s table, corrected where two bytes would be too little, and what it lacks.

use super::{names, text};

/// What the first bytes say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Magic {
    pub media_type: String,
    /// The bytes can hardly be there by chance. Two or three bytes are not firm: `BM` also begins a letter.
    pub firm: bool,
}

fn magic(media_type: &str, firm: bool) -> Magic {
    Magic { media_type: media_type.to_owned(), firm }
}

/// How much of a file [`read`] wants to see, in bytes.
pub(super) const HEAD: usize = 8 * 1024;

/// Reads the magic bytes at the head of a file.
pub(super) fn read(head: &[u8]) -> Option<Magic> {
    if let Some(own) = own(head) {
        return Some(own);
    }
    let found = infer::get(head)?;
    let media_type = names::canonical(found.mime_type())?;
    confirm(&media_type, head).map(|firm| Magic { media_type, firm })
}

/// Holds an answer of `infer` against more of the head: `None` drops it, `Some(firm)` keeps it.
fn confirm(media_type: &str, head: &[u8]) -> Option<bool> {
    let at = |offset: usize, bytes: &[u8]| head.get(offset..).is_some_and(|h| h.starts_with(bytes));
    let keep = |kept: bool| kept.then_some(true);
    match media_type {
        "application/vnd.microsoft.portable-executable" => Some(is_new_executable(head)),
        "image/png" => keep(at(0, b"\x89PNG\r\n\x1a\n")),
        "image/gif" => keep(at(0, b"GIF87a") || at(0, b"GIF89a")),
        "image/webp" => keep(at(0, b"RIFF")),
        "application/vnd.sqlite3" => keep(at(0, b"SQLite format 3\0")),
        "application/x-llvm" => keep(at(0, b"BC\xc0\xde")),
        "application/x-bzip2" => keep(at(4, b"1AY&SY") || at(4, b"\x17\x72\x45\x38\x50\x90")),
        "image/vnd.adobe.photoshop" => Some(at(0, b"8BPS")),
        // Some readers take a PDF header anywhere in the first kilobyte: only at the start is it firm.
        "application/pdf" => Some(at(0, b"%PDF-") || at(0, b"\xef\xbb\xbf%PDF-")),
        "image/bmp" => is_bitmap(head).then_some(true),
        "application/postscript" => Some(at(0, b"%!PS")),
        "text/x-shellscript" => None,
        "image/jxl" => Some(!at(0, b"\xff\x0a")),
        "audio/mpeg" => Some(at(0, b"ID3")),
        "text/html"
        | "application/xml"
        | "application/x-x509-ca-cert"
        | "application/x-compress"
        | "application/x-cpio"
        | "application/vnd.adobe.flash.movie"
        | "image/vnd.microsoft.icon"
        | "image/vnd.ms-photo"
        | "video/mpeg"
        | "audio/aac"
        | UNKNOWN_EOT => Some(false),
        // COFF objects share the name with ELF, and two bytes of machine type are all their magic.
        "application/x-elf" => at(0, b"\x7fELF").then_some(true),
        _ => Some(true),
    }
}

/// What infer calls an embedded OpenType font.
const UNKNOWN_EOT: &str = super::UNKNOWN;

/// Microsoft PE format, section "MS-DOS Stub": at 0x3c stands the offset of the new header's signature. An old DOS
/// program has none.
fn is_new_executable(head: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = head.get(0x3c..0x40) else { return false };
    let header = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    let Some(signature) = head.get(header..) else { return false };
    [&b"PE\0\0"[..], b"NE", b"LE", b"LX"].iter().any(|s| signature.starts_with(s))
}

/// BITMAPFILEHEADER: two reserved words that are 0, then the size of one of the known headers.
fn is_bitmap(head: &[u8]) -> bool {
    head.get(6..10) == Some(&[0; 4])
        && head.get(14..18).is_some_and(|s| matches!(s, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// What infer does not know, or knows too little of.
fn own(head: &[u8]) -> Option<Magic> {
    for (offset, bytes, media_type) in FIRM {
        if head.get(*offset..).is_some_and(|h| h.starts_with(bytes)) {
            return Some(magic(media_type, true));
        }
    }
    if head.get(4..8) == Some(b"ftyp")
        && let Some(brand) = head.get(8..12)
    {
        return Some(magic(brand_type(brand, head.get(16..).unwrap_or_default()), true));
    }
    if head.starts_with(b"\x1a\x45\xdf\xa3") {
        let doctype = head.get(..128.min(head.len()))?;
        let webm = memchr::memmem::find(doctype, b"\x42\x82\x84webm").is_some();
        return Some(magic(if webm { "video/webm" } else { "video/x-matroska" }, true));
    }
    if head.starts_with(b"\xca\xfe\xba\xbe") && head.len() >= 8 {
        // A class file has its minor and major version here, a fat Mach-O the number of its parts.
        let parts = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        return Some(magic(if parts < 45 { "application/x-mach-o" } else { "application/java-vm" }, true));
    }
    if head.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") && head.get(16..20) == Some(b"ftyp") {
        return head.get(20..24).map(|brand| magic(jpeg2000_type(brand), true));
    }
    if let Some(sound) = tagged_sound(head) {
        return Some(sound);
    }
    script(head).or_else(|| is_mpeg_frame(head).then(|| magic("audio/mpeg", false)))
}

/// ISO/IEC 15444-1 annex I and its later parts: the brand tells a picture from a film.
fn jpeg2000_type(brand: &[u8]) -> &'static str {
    match brand {
        b"jpx " => "image/jpx",
        b"jpm " => "image/jpm",
        b"mjp2" => "video/mj2",
        _ => "image/jp2",
    }
}

/// ID3v2.4 section 3.1: a tag, whose size is 28 bits in four bytes, may stand before any sound. Behind a tag longer
/// than the head stands an MP3 as a rule.
fn tagged_sound(head: &[u8]) -> Option<Magic> {
    let &[b'I', b'D', b'3', _, _, _, a, b, c, d, ..] = head else { return None };
    let size = [a, b, c, d].iter().fold(0, |size, &b| size << 7 | usize::from(b & 0x7f));
    let sound = head.get(10 + size..).unwrap_or_default();
    let media_type = match sound {
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [b'M', b'A', b'C', b' ', ..] => "audio/ape",
        [0xff, 0xf1 | 0xf9, ..] => "audio/aac",
        _ => "audio/mpeg",
    };
    Some(magic(media_type, true))
}

/// ISO/IEC 11172-3 section 2.4.2.3: eleven set bits, then no reserved version, layer, bit rate or sampling rate.
fn is_mpeg_frame(head: &[u8]) -> bool {
    let &[0xff, b, c, ..] = head else { return false };
    b & 0xe0 == 0xe0 && b & 0x18 != 0x08 && b & 0x06 != 0 && c & 0xf0 != 0xf0 && c & 0x0c != 0x0c
}

/// ISO/IEC 14496-12 file type box: the major brand, and where that is a general one the compatible brands.
fn brand_type(major: &[u8], compatible: &[u8]) -> &'static str {
    let of = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some("image/avif"),
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => Some("image/heic"),
        b"crx " => Some("image/x-canon-cr3"),
        b"qt  " => Some("video/quicktime"),
        b"jp2 " => Some("image/jp2"),
        _ if brand.starts_with(b"3g2") => Some("video/3gpp2"),
        _ if brand.starts_with(b"3g") => Some("video/3gpp"),
        _ if brand.starts_with(b"M4A") || brand.starts_with(b"M4B") || brand.starts_with(b"M4P") => {
            Some("audio/mp4")
        }
        b"F4A " | b"F4B " => Some("audio/mp4"),
        _ if brand.starts_with(b"M4V") => Some("video/x-m4v"),
        _ => None,
    };
    if let Some(known) = of(major) {
        return known;
    }
    if major == b"mif1" || major == b"msf1" {
        let (brands, _) = compatible.as_chunks::<4>();
        return brands.iter().take(8).find_map(|b| of(b)).unwrap_or("image/heif");
    }
    "video/mp4"
}

/// Text that a machine acts on and that its first characters give away.
fn script(head: &[u8]) -> Option<Magic> {
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if let Some(line) = body.strip_prefix(b"#!")
        && line.trim_ascii_start().starts_with(b"/")
    {
        return Some(magic("text/x-shellscript", true));
    }
    let start = body.trim_ascii_start();
    if !text::is_text(head) {
        return None;
    }
    let begins = |tag: &[u8]| start.get(..tag.len()).is_some_and(|s| s.eq_ignore_ascii_case(tag));
    if begins(b"<?php") {
        return Some(magic("text/x-php", true));
    }
    if begins(b"<!doctype html") || begins(b"<html") {
        return Some(magic("text/html", true));
    }
    // An SVG may begin with a declaration, comments and a document type.
    if begins(b"<svg") || (begins(b"<?xml") || begins(b"<!")) && opens_svg(start) {
        return Some(magic("image/svg+xml", true));
    }
    None
}

/// The first element of an XML document is `svg`.
fn opens_svg(document: &[u8]) -> bool {
    let mut rest = document;
    while let Some(open) = memchr::memchr(b'<', rest) {
        rest = &rest[open + 1..];
        let close: &[u8] = match rest {
            [b'?', ..] => b"?>",
            [b'!', b'-', b'-', ..] => b"-->",
            [b'!', ..] => b">",
            _ => {
                let name = rest.split(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/')).next();
                return name.is_some_and(|n| n == b"svg" || n.ends_with(b":svg"));
            }
        };
        let Some(end) = memchr::memmem::find(rest, close) else { return false };
        rest = &rest[end..];
    }
    false
}

const FIRM: &[(usize, &[u8], &str)] = &[
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\xfe\xed\xfa\xce", "application/x-mach-o"),
    (0, b"\xfe\xed\xfa\xcf", "application/x-mach-o"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-o"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-o"),
    (0, b"\x4c\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (0, b"CWS\x06", "application/vnd.adobe.flash.movie"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"ITSF\x03\0\0\0", "application/vnd.ms-htmlhelp"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-cfb"),
    (0, b"Cr24", "application/x-chrome-extension"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"gimp xcf ", "image/x-xcf"),
    (0, b"glTF\x02\0\0\0", "model/gltf-binary"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (0, b"BPG\xfb", "image/bpg"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\xff\x4f\xff\x51", "image/x-jp2-codestream"),
    (0, b"BEGIN:VCARD", "text/vcard"),
    (0, b"BEGIN:VCALENDAR", "text/calendar"),
    (0, b"WEBVTT", "text/vtt"),
    (0, b"-----BEGIN PGP", "application/pgp-keys"),
    (0, b"OTTO\0", "font/sfnt"),
    (0, b"\0\x01\0\0\0", "font/sfnt"),
    (0, b"ttcf\0", "font/sfnt"),
    (0, b"true\0", "font/sfnt"),
    (4, b"moov", "video/quicktime"),
    (4, b"wide", "video/quicktime"),
    (4, b"mdat", "video/quicktime"),
    (0, b"IIRO", "image/x-olympus-orf"),
    (0, b"IIRS", "image/x-olympus-orf"),
    (0, b"MMOR", "image/x-olympus-orf"),
    (0, b"IIU\0", "image/x-panasonic-rw2"),
    (0, b"FUJIFILMCCD-RAW", "image/x-fuji-raf"),
    (0, b"070702", "application/x-cpio"),
    (0, b"070707", "application/x-cpio"),
    (0, b".RMF\0\0\0", "application/vnd.rn-realmedia"),
    (0, b"MPCK", "audio/x-musepack"),
    (0, b"ARROW1\0\0", "application/vnd.apache.arrow.file"),
    (0, b"Obj\x01", "application/avro"),
    (0, b"Creative Voice File\x1a", "audio/x-voc"),
    (0, b"Kaydara FBX Binary  \0", "model/x-fbx"),
    (0, b"\xabKTX 11\xbb\r\n", "image/ktx"),
    (8, b"AIFC", "audio/aiff"),
    (8, b"QLCMfmt ", "audio/qcelp"),
    (7, b"**ACE**", "application/x-ace-compressed"),
    (2, b"-lh5-", "application/x-lzh-compressed"),
];
