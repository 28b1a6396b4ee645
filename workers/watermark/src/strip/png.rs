//! PNG, by the W3C recommendation of 2025 (third edition).

use super::{StripError, icc, scanlines};
use img_parts::png::{Png, PngChunk};
use img_parts::{Bytes, ImageICC};
use std::collections::HashSet;

/// The PNG with only the chunks that pixels, colour and animation need; nothing stands after `IEND`.
///
/// The ICC profile is written and compressed anew, without the name that its chunk may carry. The pixels of each frame stand in one
/// chunk, which ends with them.
///
/// # Errors
/// [`StripError`] when a chunk is cut off, has a wrong checksum or a length that its type cannot have; when header,
/// pixels or end are missing; for pixels that do not end, or are more than the header says; for an unknown chunk that decoders must understand.
pub fn png(bytes: &[u8]) -> Result<Vec<u8>, StripError> {
    let fail = |what| StripError { format: "png", at: bytes.len(), what };
    let mut png = Png::from_bytes(Bytes::copy_from_slice(bytes)).map_err(|error| StripError {
        format: "png",
        at: 0,
        what: match error {
            img_parts::Error::WrongSignature => "it does not begin with the signature",
            img_parts::Error::BadCRC => "a chunk's checksum is wrong",
            _ => "it ends too early",
        },
    })?;
    check_order(png.chunks()).map_err(fail)?;

    let profile = png.icc_profile();
    let profile = profile.as_deref().and_then(icc::clean).map(Bytes::from);

    // The header's tenth byte is the colour type; elsewhere than in indexed colour a palette is only a suggestion.
    let indexed = png.chunks()[0].contents()[9] == 3;
    let mut before_pixels = png.chunks().iter().take_while(|c| &c.kind() != b"IDAT");
    let animated = before_pixels.any(|c| &c.kind() == b"acTL");
    let mut seen = HashSet::new();
    png.chunks_mut().retain(|chunk| {
        let many = matches!(&chunk.kind(), b"IDAT" | b"fcTL" | b"fdAT");
        wanted(chunk, animated, indexed) && (many || seen.insert(chunk.kind()))
    });
    *png.chunks_mut() = scanlines::tight(png.chunks()).map_err(fail)?;
    if let Some(profile) = profile {
        png.set_icc_profile(Some(profile));
    }
    Ok(png.encoder().bytes().to_vec())
}

fn check_order(chunks: &[PngChunk]) -> Result<(), &'static str> {
    let header = chunks.first().filter(|c| &c.kind() == b"IHDR").ok_or("it has no header")?;
    if chunks.last().is_none_or(|c| &c.kind() != b"IEND") {
        return Err("it has no end");
    }
    if header.contents().len() != 13 || chunks.iter().filter(|c| &c.kind() == b"IHDR").count() != 1 {
        return Err("its header is malformed");
    }
    if !chunks.iter().any(|c| &c.kind() == b"IDAT") {
        return Err("it has no pixels");
    }
    for chunk in chunks {
        let critical = chunk.kind()[0].is_ascii_uppercase();
        if critical && !matches!(&chunk.kind(), b"IHDR" | b"PLTE" | b"IDAT" | b"IEND") {
            return Err("it has an unknown critical chunk");
        }
        if !length_fits(chunk, header.contents()[9]) {
            return Err("a chunk has a length that its type cannot have");
        }
    }
    Ok(())
}

fn wanted(chunk: &PngChunk, animated: bool, indexed: bool) -> bool {
    match &chunk.kind() {
        b"IHDR" | b"tRNS" | b"IDAT" | b"IEND" => true,
        b"PLTE" => indexed,
        // `gAMA`, `cHRM` and `cICP` say nothing where they say sRGB, and elsewhere show other colours than were scored.
        // No more do `sBIT`, `bKGD` and `pHYs`: they are advice that viewers of pages do not take, with room for other things.
        b"sRGB" => true,
        b"acTL" | b"fcTL" | b"fdAT" => animated,
        // `iCCP` is put back by the caller, written anew.
        _ => false,
    }
}

/// Lengths of what is kept, so that none carries more than it should; some by the colour type.
fn length_fits(chunk: &PngChunk, colour: u8) -> bool {
    let length = chunk.contents().len();
    match &chunk.kind() {
        b"IEND" => length == 0,
        b"PLTE" => length.is_multiple_of(3) && (3..=768).contains(&length),
        b"tRNS" => match colour {
            0 => length == 2,
            2 => length == 6,
            // The recommendation has none where each pixel says how transparent it is.
            _ => colour == 3 && (1..=256).contains(&length),
        },
        b"sRGB" => length == 1,
        b"gAMA" | b"cICP" => length == 4,
        b"cHRM" => length == 32,
        b"acTL" => length == 8,
        b"fcTL" => length == 26,
        b"fdAT" => length >= 4,
        _ => true,
    }
}
