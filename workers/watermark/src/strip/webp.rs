//! WebP, by RFC 9649: RIFF chunks of a four-byte name, a little-endian length and padding to an even length.

use super::reader::Reader;
use super::{StripError, icc, tight};

/// Bits of `VP8X` that say what the file has (RFC 9649, 2.7).
const HAS_ICC: u8 = 0x20;
const HAS_ALPHA: u8 = 0x10;
const IS_ANIMATED: u8 = 0x02;

/// The WebP with only the chunks that pixels, alpha, colour and animation need; nothing stands after its end.
///
/// # Errors
/// [`StripError`] when a chunk is cut off or has a length that its type cannot have, or when there is no picture.
pub fn webp(bytes: &[u8]) -> Result<Vec<u8>, StripError> {
    let mut file = Reader::new("webp", bytes);
    file.expect(b"RIFF", "it does not begin with RIFF")?;
    let length = u32::from_le_bytes(file.array()?) as usize;
    let mut body = file.part(length)?;
    body.expect(b"WEBP", "the RIFF file is not a WebP")?;
    let (name, first) = chunk(&mut body)?;
    let mut out = b"WEBP".to_vec();
    match &name {
        // The simple forms end with their only chunk.
        b"VP8 " | b"VP8L" => picture(&first, name, None, &mut out)?,
        b"VP8X" => extended(first, body, &mut out)?,
        _ => return body.fail("it does not begin with a picture or a VP8X header"),
    }
    let mut whole = b"RIFF".to_vec();
    whole.extend((out.len() as u32).to_le_bytes());
    whole.append(&mut out);
    Ok(whole)
}

fn extended(mut header: Reader<'_>, mut body: Reader<'_>, out: &mut Vec<u8>) -> Result<(), StripError> {
    let [flags, _, _, _, canvas @ ..] = header.array::<10>()?;
    if !header.is_empty() {
        return header.fail("the VP8X header has the wrong length");
    }
    let animated = flags & IS_ANIMATED != 0;
    let (mut profile, mut animation, mut alpha, mut image) = (None, None, None, None);
    let mut frames = Vec::new();
    while !body.is_empty() {
        let (name, content) = chunk(&mut body)?;
        // Of what may stand only once, the first counts, as in libwebp.
        match &name {
            b"ICCP" if profile.is_none() => profile = Some(content.rest()),
            b"ANIM" if animated && animation.is_none() => {
                animation = match content.rest().len() {
                    6 => Some(content.rest()),
                    _ => return content.fail("the ANIM chunk has the wrong length"),
                };
            }
            b"ANMF" if animated => frames.push(frame(content)?),
            b"ALPH" if !animated && alpha.is_none() && image.is_none() => alpha = Some(content.rest()),
            b"VP8 " | b"VP8L" if !animated && image.is_none() => image = Some((name, content)),
            _ => {}
        }
    }
    let profile = profile.and_then(icc::clean);
    let mut kept = flags & (HAS_ALPHA | IS_ANIMATED);
    if profile.is_some() {
        kept |= HAS_ICC;
    }
    push(out, *b"VP8X", &[&[kept, 0, 0, 0], &canvas]);
    if let Some(profile) = profile {
        push(out, *b"ICCP", &[&profile]);
    }
    match (animation, image) {
        (Some(animation), None) if !frames.is_empty() => {
            push(out, *b"ANIM", &[animation]);
            frames.iter().for_each(|frame| push(out, *b"ANMF", &[frame]));
        }
        (None, Some((name, image))) => {
            picture(&image, name, alpha, out)?;
        }
        _ => return body.fail("it ends without a picture"),
    }
    Ok(())
}

/// An `ANMF` chunk's content: the 16-byte frame header and the picture, without any other chunk inside.
fn frame(mut content: Reader<'_>) -> Result<Vec<u8>, StripError> {
    let mut out = content.take(16)?.to_vec();
    let mut alpha = None;
    while !content.is_empty() {
        let (name, inner) = chunk(&mut content)?;
        match &name {
            b"ALPH" if alpha.is_none() => alpha = Some(inner.rest()),
            b"VP8 " | b"VP8L" => {
                picture(&inner, name, alpha, &mut out)?;
                return Ok(out);
            }
            _ => {}
        }
    }
    content.fail("a frame has no picture")
}

/// The chunks of a picture, up to where its pixels end.
fn picture(
    content: &Reader<'_>,
    name: [u8; 4],
    alpha: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), StripError> {
    let alpha = alpha.filter(|_| &name == b"VP8 ").map(<[u8]>::to_vec);
    let picture = tight::Picture { name, pixels: content.rest().to_vec(), alpha };
    let Some(tight) = picture.tight() else { return content.fail("its pixels cannot be decoded") };
    if let Some(alpha) = &tight.alpha {
        push(out, *b"ALPH", &[alpha]);
    }
    push(out, name, &[&tight.pixels]);
    Ok(())
}

fn chunk<'a>(reader: &mut Reader<'a>) -> Result<([u8; 4], Reader<'a>), StripError> {
    let name = reader.array()?;
    let length = u32::from_le_bytes(reader.array()?) as usize;
    let content = reader.part(length)?;
    // Some writers leave out the padding of the very last chunk.
    if length % 2 == 1 && !reader.is_empty() {
        reader.take(1)?;
    }
    Ok((name, content))
}

fn push(out: &mut Vec<u8>, name: [u8; 4], parts: &[&[u8]]) {
    tight::chunk(out, name, &parts.concat());
}
