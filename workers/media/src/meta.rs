//! The few pieces of metadata that count: EXIF orientation and ICC profile, found in the container by hand so that a
//! picture's size and orientation are known before anything is decoded.

use image::metadata::Orientation;

/// Segments of a JPEG before its first scan: marker and content.
fn jpeg_segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).unwrap_or_default();
    std::iter::from_fn(move || {
        rest = rest.strip_prefix(&[0xff])?;
        while let [0xff, after @ ..] = rest {
            rest = after;
        }
        let (marker, after) = rest.split_first()?;
        let (length, _) = after.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let content = after.get(2..length)?;
        rest = &after[length..];
        // Start of scan: what follows is entropy-coded.
        (*marker != 0xda).then_some((*marker, content))
    })
}

/// The EXIF block, as the two below.
pub fn jpeg_exif(bytes: &[u8]) -> Option<&[u8]> {
    jpeg_segments(bytes)
        .filter(|(marker, _)| *marker == 0xe1)
        .find_map(|(_, content)| content.strip_prefix(b"Exif\0\0"))
}

/// It may stand behind the pixels.
pub fn png_exif(bytes: &[u8]) -> Option<&[u8]> {
    png_chunks(bytes).find(|(kind, _)| kind == b"eXIf").map(|(_, content)| content)
}

pub fn webp_exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(12..)?;
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [kind @ .., a, b, c, d] = *head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let content = after.get(..length)?;
        if &kind == b"EXIF" {
            return Some(unprefixed(content));
        }
        rest = after.get(length + length % 2..)?;
    }
    None
}

/// Some writers keep JPEG's prefix.
fn unprefixed(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)
}

pub fn jpeg_orientation(bytes: &[u8]) -> Orientation {
    orientation(jpeg_exif(bytes))
}

const ICC: &[u8] = b"ICC_PROFILE\0";

/// Whether there is any piece of a profile.
pub fn jpeg_has_icc(bytes: &[u8]) -> bool {
    jpeg_segments(bytes).any(|(marker, content)| marker == 0xe2 && content.starts_with(ICC))
}

/// The profile, whose pieces may come in any order (ICC.1:2022, B.4). A set with a missing piece is no profile.
pub fn jpeg_icc(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut pieces: Vec<(u8, u8, &[u8])> = jpeg_segments(bytes)
        .filter(|(marker, _)| *marker == 0xe2)
        .filter_map(|(_, content)| match content.strip_prefix(ICC)? {
            [number, count, piece @ ..] => Some((*number, *count, piece)),
            _ => None,
        })
        .collect();
    pieces.sort_by_key(|(number, ..)| *number);
    let count = pieces.first()?.1;
    let whole = pieces.len() == usize::from(count)
        && pieces.iter().zip(1..=count).all(|(piece, number)| piece.0 == number && piece.1 == count);
    whole.then(|| pieces.iter().flat_map(|piece| piece.2).copied().collect())
}

/// Puts a profile into a JPEG that has none, after its JFIF header.
pub fn insert_jpeg_icc(jpeg: &[u8], icc: &[u8]) -> Vec<u8> {
    const PIECE: usize = 65_519;
    let pieces = icc.len().div_ceil(PIECE);
    // More pieces than can be numbered: over 16 MB of profile, which is not one.
    let Ok(count) = u8::try_from(pieces) else { return jpeg.to_vec() };
    let at = match jpeg.get(2..6) {
        Some([0xff, 0xe0, high, low]) => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    };
    let (head, tail) = jpeg.split_at(at.min(jpeg.len()));
    let mut out = Vec::with_capacity(jpeg.len() + icc.len() + pieces * 18);
    out.extend_from_slice(head);
    for (number, piece) in (1..=count).zip(icc.chunks(PIECE)) {
        out.extend_from_slice(&[0xff, 0xe2]);
        out.extend_from_slice(&((piece.len() + 16) as u16).to_be_bytes());
        out.extend_from_slice(ICC);
        out.extend_from_slice(&[number, count]);
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(tail);
    out
}

/// Chunks of a PNG: kind and content.
pub fn png_chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let content = after.get(..length)?;
        rest = after.get(length + 4..)?;
        Some((*kind, content))
    })
}

pub fn png_orientation(bytes: &[u8]) -> Orientation {
    orientation(png_exif(bytes))
}

pub fn webp_orientation(exif: Option<&[u8]>) -> Orientation {
    orientation(exif.map(unprefixed))
}

fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_profile_comes_back_out() {
        let icc: Vec<u8> = (0..200_000u32).map(|i| i as u8).collect();
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xda, 0, 2];
        let with = insert_jpeg_icc(&jpeg, &icc);
        assert_eq!(jpeg_icc(&with), Some(icc));
        assert_eq!(with[..8], jpeg[..8]);
        assert!(with.ends_with(&jpeg[8..]));
    }

    #[test]
    fn a_profile_with_a_missing_piece_is_none() {
        let jpeg = insert_jpeg_icc(&[0xff, 0xd8], &vec![7; 100_000]);
        assert_eq!(jpeg_icc(&jpeg[..jpeg.len() - 40_000]), None);
    }
}
