//! What some containers hold, told by more of their head than their magic bytes.

/// ISO/IEC 15444-1 annex I and its later parts: the brand tells a picture from a film.
pub(super) fn jpeg2000_type(brand: &[u8]) -> &'static str {
    match brand {
        b"jpx " => "image/jpx",
        b"jpm " => "image/jpm",
        b"mjp2" => "video/mj2",
        _ => "image/jp2",
    }
}

/// RFC 3533 section 6 and RFC 5334: the first page of the first stream begins with its codec's name.
pub(super) fn ogg_type(head: &[u8]) -> &'static str {
    let segments = usize::from(head.get(26).copied().unwrap_or_default());
    let packet = head.get(27 + segments..).unwrap_or_default();
    let begins = |names: &[&[u8]]| names.iter().any(|name| packet.starts_with(name));
    if begins(&[b"OpusHead"]) {
        "audio/opus"
    } else if begins(&[b"\x01vorbis", b"Speex   ", b"\x7fFLAC", b"fLaC", b"PCM     "]) {
        "audio/ogg"
    } else if begins(&[b"\x80theora", b"BBCD\0", b"OVP80\x01", b"\x01video\0"]) {
        "video/ogg"
    } else {
        "application/ogg"
    }
}

/// Kinds of ZIP that infer does not know: OpenDocument (ODF 1.3 part 2 section 3.3) and EPUB name their type in a first,
/// stored member; Visio's drawings have a member of their own.
pub(super) fn zip_type(head: &[u8]) -> Option<&'static str> {
    let rest = head.strip_prefix(b"PK\x03\x04")?;
    if rest.get(22..34)?.starts_with(&[8, 0]) && rest.get(26..34) == Some(b"mimetype") {
        let named = rest.get(34..)?;
        return MIMETYPES
            .iter()
            .filter(|name| named.starts_with(name.as_bytes()))
            .max_by_key(|name| name.len())
            .copied();
    }
    let visio = memchr::memmem::find_iter(head, b"visio/")
        .any(|at| at >= 30 && head[at - 30..].starts_with(b"PK\x03\x04"));
    visio.then_some("application/vnd.ms-visio.drawing")
}

const MIMETYPES: [&str; 9] = [
    "application/epub+zip",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.text-template",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.spreadsheet-template",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.presentation-template",
    "application/vnd.oasis.opendocument.graphics",
    "application/vnd.oasis.opendocument.graphics-template",
];

/// POSIX.1-1988 and the version 7 tar before it, which has no magic: the header's bytes add up to its checksum.
pub(super) fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<512>() else { return false };
    let field = &header[148..156];
    let digits = field
        .trim_ascii_start()
        .iter()
        .take_while(|b| matches!(b, b'0'..=b'7'))
        .fold(0_u32, |n, b| n.wrapping_mul(8).wrapping_add(u32::from(b - b'0')));
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    let own: u32 = field.iter().map(|b| u32::from(*b)).sum();
    header[0] != 0 && digits != 0 && digits == sum - own + 8 * u32::from(b' ')
}

/// ID3v2.4 section 3.1: a tag, whose size is 28 bits in four bytes, may stand before any sound. Behind a tag longer
/// than the head stands an MP3 as a rule.
pub(super) fn tagged_sound(head: &[u8]) -> Option<&'static str> {
    let &[b'I', b'D', b'3', _, _, _, a, b, c, d, ..] = head else { return None };
    let size = [a, b, c, d].iter().fold(0, |size, &b| size << 7 | usize::from(b & 0x7f));
    let sound = head.get(10 + size..).unwrap_or_default();
    let media_type = match sound {
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [b'M', b'A', b'C', b' ', ..] => "audio/ape",
        [0xff, 0xf1 | 0xf9, ..] => "audio/aac",
        _ => "audio/mpeg",
    };
    Some(media_type)
}

/// ISO/IEC 14496-12 file type box: the major brand, and where that is a general one the compatible brands.
pub(super) fn brand_type(major: &[u8], compatible: &[u8]) -> &'static str {
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

/// ITU-T T.87: a JPEG-LS file is JPEG's but for the marker of its frame.
pub(super) fn is_jpeg_ls(head: &[u8]) -> bool {
    let mut rest = head.get(2..).unwrap_or_default();
    while let &[0xff, marker, a, b, ..] = rest {
        match marker {
            0xf7 => return true,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xda => return false,
            _ => rest = rest.get(2 + usize::from(u16::from_be_bytes([a, b]))..).unwrap_or_default(),
        }
    }
    false
}

/// ISO/IEC 11172-3 section 2.4.2.3: eleven set bits, then no reserved version, layer, bit rate or sampling rate.
pub(super) fn is_mpeg_frame(head: &[u8]) -> bool {
    let &[0xff, b, c, ..] = head else { return false };
    b & 0xe0 == 0xe0 && b & 0x18 != 0x08 && b & 0x06 != 0 && c & 0xf0 != 0xf0 && c & 0x0c != 0x0c
}
