//! The magic bytes: `infer`'s table, corrected where two bytes would be too little, and what it lacks.

use super::kinds::{
    brand_type, is_jpeg_ls, is_mpeg_frame, is_tar, jpeg2000_type, ogg_type, tagged_sound, zip_type,
};
use super::names;
use super::script::script;

/// What the first bytes say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Magic {
    pub media_type: String,
    /// The bytes can hardly be there by chance. Two or three bytes are not firm: `BM` also begins a letter.
    pub firm: bool,
}

pub(super) fn magic(media_type: &str, firm: bool) -> Magic {
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
    if head.starts_with(b"\xff\xd8\xff") && is_jpeg_ls(head) {
        return Some(magic("image/jls", true));
    }
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
    if head.starts_with(b"OggS") {
        return Some(magic(ogg_type(head), true));
    }
    if let Some(kind) = zip_type(head) {
        return Some(magic(kind, true));
    }
    if is_tar(head) {
        return Some(magic("application/x-tar", true));
    }
    if let Some(sound) = tagged_sound(head) {
        return Some(magic(sound, true));
    }
    script(head).or_else(|| is_mpeg_frame(head).then(|| magic("audio/mpeg", false)))
}

const FIRM: &[(usize, &[u8], &str)] = &[
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\xfe\xed\xfa\xce", "application/x-mach-o"),
    (0, b"\xfe\xed\xfa\xcf", "application/x-mach-o"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-o"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-o"),
    (0, b"\x4c\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (0, b"\x1bLua", "application/x-lua-bytecode"),
    (0, b"FasdUAS ", "application/x-applescript"),
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
