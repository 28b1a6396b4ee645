//! Pictures in a file beside the one that it shows: thumbnails in its metadata, and what a multi-picture index lists. Copies
//! leave them out; where the file is published as it is they count. What only may be one counts too.

use crate::decode::Format;
use memchr::memmem;

pub(crate) fn has_pictures(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Jpeg => jpeg(bytes),
        Format::Png => png(bytes),
        Format::WebP => webp(bytes),
        // Of an application's own blocks only XMP may hold one.
        Format::Gif => holds_thumbnail(bytes),
        Format::Raw => false,
    }
}

/// A start of image, which cannot stand within compressed pixels, or what holds one in another form: an index, a
/// thumbnail of JFIF (1.02, page 5), or one of the names below.
fn jpeg(bytes: &[u8]) -> bool {
    let jfif =
        memmem::find(&bytes[..bytes.len().min(64)], b"JFIF\0").and_then(|at| bytes.get(at + 12..at + 14));
    let exif = memmem::find_iter(bytes, b"Exif\0\0").any(|at| has_second_directory(&bytes[at + 6..]));
    memmem::find(bytes.get(1..).unwrap_or_default(), b"\xff\xd8\xff").is_some()
        || jfif.is_some_and(|sides| sides != [0, 0])
        || exif
        || memmem::find(bytes, b"JFXX\0").is_some()
        || holds_thumbnail(bytes)
}

fn png(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(content) = after.get(..length) else { return true };
        let found = match &kind {
            b"eXIf" => exif(content),
            // Compressed, or metadata in digits: what it holds is not looked for.
            b"iTXt" | b"zTXt" | b"tEXt" => {
                let packed = &kind != b"tEXt" && content.starts_with(b"XML:com.adobe.xmp\0\x01");
                packed || content.starts_with(b"Raw profile type") || holds_thumbnail(content)
            }
            _ => false,
        };
        if found {
            return true;
        }
        rest = after.get(length + 4..).unwrap_or_default();
    }
    false
}

fn webp(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [kind @ .., a, b, c, d] = *head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let content = after.get(..length).unwrap_or(after);
        let found = match &kind {
            b"EXIF" => exif(content.strip_prefix(b"Exif\0\0").unwrap_or(content)),
            b"XMP " => holds_thumbnail(content),
            _ => false,
        };
        if found {
            return true;
        }
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    false
}

fn exif(tiff: &[u8]) -> bool {
    memmem::find(tiff, b"\xff\xd8\xff").is_some() || has_second_directory(tiff)
}

/// By the names that XMP (part 1, 8.2.2.4) and Photoshop (resources 1033 and 1036) have for them.
fn holds_thumbnail(bytes: &[u8]) -> bool {
    [&b"xmpGImg"[..], b"xapGImg", b"8BIM\x04\x09", b"8BIM\x04\x0c"]
        .iter()
        .any(|name| memmem::find(bytes, name).is_some())
}

/// Whether behind the first directory of a TIFF stands a second one, which EXIF (2.3, 4.5) has for the thumbnail.
fn has_second_directory(tiff: &[u8]) -> bool {
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = tiff.get(at..at.checked_add(length)?)?;
        let fold = |n: usize, b: &u8| n << 8 | usize::from(*b);
        Some(match tiff.first() {
            Some(b'M') => bytes.iter().fold(0, fold),
            _ => bytes.iter().rev().fold(0, fold),
        })
    };
    let second = number(4, 4).and_then(|first| {
        let entries = number(first, 2)?;
        number(first.checked_add(2)?.checked_add(12 * entries)?, 4)
    });
    second.is_some_and(|second| second != 0)
}
