//! `Content-Disposition` (RFC 6266, RFC 8187): shown in place only where that is safe, and under a clean name.

use crate::upload::{UploadId, filename, rendition::RenditionName};
use std::fmt::Write;

/// Types that browsers draw and never run.
const SHOWN: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The header's value: visible ASCII, whatever the sender called the file.
pub fn disposition(id: UploadId, rendition: RenditionName, media_type: &str, sent: Option<&str>) -> String {
    let kind = if SHOWN.contains(&media_type) { "inline" } else { "attachment" };
    let name = name(id, rendition, media_type, sent);
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut value = format!("{kind}; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            // Writing to a String cannot fail.
            let _ = if attr_char(byte) {
                value.write_char(char::from(byte))
            } else {
                write!(value, "%{byte:02X}")
            };
        }
    }
    value
}

fn name(id: UploadId, rendition: RenditionName, media_type: &str, sent: Option<&str>) -> String {
    let sent = sent.map_or_else(|| id.to_string(), filename::display);
    let (stem, sent_as) = sent.rsplit_once('.').unwrap_or((&*sent, ""));
    let extension = match media_type {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        _ => "",
    };
    match rendition {
        // Of these copies are made in another format.
        RenditionName::Original
            if NOT_WRITTEN.iter().any(|other| sent_as.eq_ignore_ascii_case(other))
                && !extension.is_empty() =>
        {
            format!("{stem}{extension}")
        }
        RenditionName::Original => sent,
        _ => format!("{stem}-{rendition}{extension}"),
    }
}

/// Extensions of pictures that are decoded and never made.
const NOT_WRITTEN: [&str; 4] = ["heic", "heif", "hif", "avif"];

/// Safe inside a quoted-string, and read alike by all: no quotes, no backslash, no percent sign.
fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " !#$&'()+,-.;=@[]^_`{}~".contains(c)
}

/// RFC 8187, 3.2.1.
fn attr_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(media_type: &str, sent: Option<&str>, rendition: RenditionName) -> String {
        disposition(UploadId::new(jiff::Timestamp::UNIX_EPOCH, &[0; 10]), rendition, media_type, sent)
    }

    #[test]
    fn names_and_kinds() {
        use RenditionName::{Original, Thumbnail};
        let cases = [
            ("image/png", Some("a b.png"), Original, "inline; filename=\"a b.png\""),
            ("image/jpeg", Some("IMG_1.HEIC"), Original, "inline; filename=\"IMG_1.jpg\""),
            ("image/heic", Some("IMG_1.HEIC"), Original, "attachment; filename=\"IMG_1.HEIC\""),
            ("image/svg+xml", Some("a.svg"), Original, "attachment; filename=\"a.svg\""),
            ("text/html", Some("a.html"), Original, "attachment; filename=\"a.html\""),
            ("image/jpeg", Some("a.png"), Thumbnail, "inline; filename=\"a-thumbnail.jpg\""),
            ("image/gif", Some("x\"; evil=\"1.gif"), Original, "inline; filename=\"x_; evil=_1.gif\""),
            (
                "image/gif",
                Some("../a\r\nSet-Cookie: b.gif"),
                Original,
                "inline; filename=\"aSet-Cookie_ b.gif\"",
            ),
            (
                "image/gif",
                Some("100%.gif"),
                Original,
                "inline; filename=\"100_.gif\"; filename*=UTF-8''100%25.gif",
            ),
            (
                "image/gif",
                Some("é好.gif"),
                Original,
                "inline; filename=\"__.gif\"; filename*=UTF-8''%C3%A9%E5%A5%BD.gif",
            ),
            ("text/plain", None, Original, "attachment; filename=\"00000000-0000-7000-8000-000000000000\""),
        ];
        for (media_type, sent, rendition, value) in cases {
            assert_eq!(of(media_type, sent, rendition), value, "{sent:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_name_makes_a_header_of_visible_ascii_with_two_quotes(sent in ".{0,300}") {
            let value = of("image/png", Some(&sent), RenditionName::Original);
            proptest::prop_assert!(value.bytes().all(|b| (0x20..0x7f).contains(&b)));
            proptest::prop_assert_eq!(value.matches('"').count(), 2);
        }
    }
}
