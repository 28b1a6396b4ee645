//! What a picture's EXIF block (CIPA DC-008) says of where it comes from, for people to weigh: nothing rests on it, so what
//! cannot be read is left out.

use crate::decode::Format;
use crate::meta;
use exif::{Exif, In, Reader, Tag, Value};
use lazaret_sandbox::Metadata;

/// Larger blocks hold thumbnails and makers' notes, and are no longer read: 64 KiB is the most that a JPEG holds in one piece.
pub const LARGEST: usize = 1 << 20;

pub(crate) fn metadata(format: Format, bytes: &[u8]) -> Metadata {
    let block = match format {
        Format::Jpeg => meta::jpeg_exif(bytes),
        Format::Png => meta::png_exif(bytes),
        Format::WebP => meta::webp_exif(bytes),
        Format::Gif | Format::Raw => None,
    };
    block.map(of_block).unwrap_or_default()
}

/// Of a block that begins with the head of TIFF. Where it cannot be read nothing is told.
pub fn of_block(block: &[u8]) -> Metadata {
    if block.len() > LARGEST {
        return Metadata::default();
    }
    let mut reader = Reader::new();
    match reader.continue_on_error(true).read_raw(block.to_vec()) {
        Ok(exif) => told(&exif),
        Err(exif::Error::PartialResult(part)) => told(&part.into_inner().0),
        Err(_) => Metadata::default(),
    }
}

fn told(exif: &Exif) -> Metadata {
    let text = |tag| {
        let field = exif.get_field(tag, In::PRIMARY)?;
        let Value::Ascii(parts) = &field.value else { return None };
        Metadata::text(&String::from_utf8_lossy(&parts.join(&b' ')))
    };
    Metadata {
        maker: text(Tag::Make),
        model: text(Tag::Model),
        software: text(Tag::Software),
        taken: text(Tag::DateTimeOriginal).or_else(|| text(Tag::DateTime)),
        located: exif.get_field(Tag::GPSLatitude, In::PRIMARY).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_fixtures::{exif as blocks, picture};

    #[test]
    fn a_cameras_name_and_that_there_is_a_place_are_told_and_no_more() {
        let plain = picture::jpeg(&picture::landscape(32, 24, 1), 85);
        assert_eq!(metadata(Format::Jpeg, &plain), Metadata::default());
        let jpeg = picture::as_from_a_camera(&plain, 6);
        let told = metadata(Format::Jpeg, &jpeg);
        assert_eq!(told.maker.as_deref(), Some(blocks::CAMERA));
        assert!(told.located && told.model.is_none() && told.taken.is_none(), "{told:?}");
        let long = picture::as_from(&format!("a\u{7}\n{}", "é".repeat(5000)), &plain, 1);
        let maker = metadata(Format::Jpeg, &long).maker.unwrap();
        assert!(
            maker.starts_with("a\u{FFFD}\u{FFFD}é") && maker.chars().count() == Metadata::LONGEST,
            "{maker}"
        );
    }

    #[test]
    fn damaged_blocks_tell_what_they_can_and_break_nothing() {
        let plain = picture::jpeg(&picture::landscape(32, 24, 1), 85);
        let jpeg = picture::as_from_a_camera(&plain, 1);
        let at = jpeg.windows(6).position(|six| six == b"Exif\0\0").unwrap() + 6;
        for n in at..at + blocks::block(1).len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = jpeg.clone();
                damaged[n] = byte;
                let told = metadata(Format::Jpeg, &damaged);
                assert!(told.maker.is_none_or(|maker| maker.chars().count() <= Metadata::LONGEST));
            }
        }
    }
}
