//! Names of files, as shown, as kept, and in `Content-Disposition`.

use crate::lines;
use jiff::Timestamp;
use lazaret::{
    delivery::disposition::disposition,
    upload::{UploadId, filename, rendition::RenditionName},
};

pub fn run(data: &[u8]) {
    let [media_type, name] = lines::<2>(data).map(String::from_utf8_lossy);
    let shown = filename::display(&name);
    assert!(!shown.contains(['/', '\\', '"']) && !shown.contains(char::is_control), "{shown:?}");
    assert!(!["", ".", ".."].contains(&shown.as_str()) && shown.len() <= filename::KEPT_BYTES, "{shown:?}");
    assert_eq!(filename::display(&shown), shown, "what is shown is clean");
    assert!(name.starts_with(filename::kept(&name)));
    if let Some(extension) = filename::extension(&name) {
        assert!(!extension.is_empty() && !extension.contains('.'), "{extension:?}");
    }
    let id = UploadId::new(Timestamp::UNIX_EPOCH, &[0; 10]);
    for rendition in [RenditionName::Original, RenditionName::Watermarked, RenditionName::Thumbnail] {
        let header = disposition(id, rendition, &media_type, Some(&name));
        assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{header}");
        assert_eq!(header.matches('"').count(), 2, "{header}");
        let inline = header.starts_with("inline; filename=\"");
        assert!(inline || header.starts_with("attachment; filename=\""), "{header}");
        assert!(!inline || media_type.starts_with("image/"), "{media_type} shown in place");
        if let Some((_, coded)) = header.split_once("; filename*=UTF-8''") {
            assert!(
                decoded(coded).is_some_and(|name| !name.contains(['/', '\\', '"', '\r', '\n'])),
                "{header}"
            );
        }
    }
}

/// RFC 8187: `%` and two digits, or a character that stands for itself.
fn decoded(coded: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = coded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

pub fn seeds() -> Vec<Vec<u8>> {
    let names = [
        "photo.jpg",
        "../../etc/passwd",
        "C:\\temp\\a.exe",
        "cute\u{202e}gpj.exe",
        "a\r\nSet-Cookie: x.png",
        "x\"; evil=\"1.gif",
        "\u{e9}\u{597d} 100%.gif",
        "....",
        ". .a. .",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}.png",
    ];
    let long = format!("image/png\n{}.jpeg", "e\u{301}".repeat(200)).into_bytes();
    names.iter().map(|name| format!("image/png\n{name}").into_bytes()).chain([long]).collect()
}
