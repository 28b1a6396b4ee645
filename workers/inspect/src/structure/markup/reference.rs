//! Addresses: whether one stays within the file.

use super::Acts;
use crate::quote::quoted;

pub(super) const EXTERNAL: &str = "references to other files";
pub(super) const SCRIPTED: &str = "scripts in addresses";
const DATA: &str = "data that may act";

/// Something that a reader loads from `address` when it shows the file.
pub(super) fn loaded(address: &str) -> Option<Acts> {
    let address = plain(address);
    if address.is_empty() || address.starts_with('#') || address == "about:blank" {
        return None;
    }
    followed(&address).or_else(|| {
        let own = address.starts_with("data:");
        (!own).then(|| Acts::new(EXTERNAL, quoted(&address)))
    })
}

/// Something that a person must choose to follow: a link elsewhere is no fault.
pub(super) fn followed(address: &str) -> Option<Acts> {
    let address = plain(address);
    if ["javascript:", "vbscript:", "livescript:", "mocha:"].iter().any(|scheme| address.starts_with(scheme))
    {
        return Some(Acts::new(SCRIPTED, quoted(&address)));
    }
    let media_type = address.strip_prefix("data:")?.split([';', ',']).next().unwrap_or_default();
    let inert = media_type.starts_with("font/")
        || media_type.starts_with("application/font")
        || media_type.starts_with("application/x-font")
        || matches!(
            media_type,
            "image/png" | "image/jpeg" | "image/jpg" | "image/gif" | "image/webp" | "image/avif"
        )
        || matches!(media_type, "image/bmp" | "image/x-icon" | "application/vnd.ms-fontobject");
    (!inert).then(|| Acts::new(DATA, quoted(media_type)))
}

/// The addresses of `srcset`: each is followed by a width or a density, and a comma.
pub(super) fn set(list: &str) -> Option<Acts> {
    // An address may itself hold commas, so each piece is taken for one.
    list.split_ascii_whitespace().flat_map(|word| word.split_inclusive(',')).find_map(|word| {
        let word = word.trim_matches(',');
        let measure = word.ends_with(['w', 'x', 'h'])
            && word.starts_with(|c: char| c.is_ascii_digit())
            && word[..word.len() - 1].bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if measure || word.is_empty() { None } else { loaded(word) }
    })
}

/// As a browser reads it: no control characters or spaces around it, no line breaks in it.
pub(super) fn plain(address: &str) -> String {
    let address = address.trim_matches(|c: char| c <= ' ');
    address.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (address, kind) in [
            ("#a", None),
            ("  ", None),
            ("data:image/png;base64,AAAA", None),
            ("data:font/woff2,x", None),
            ("data:image/svg+xml,<svg/>", Some(DATA)),
            ("data:text/html,x", Some(DATA)),
            ("data:,x", Some(DATA)),
            ("\u{1}java\nscript:alert(1)", Some(SCRIPTED)),
            ("VBScript:x", Some(SCRIPTED)),
            ("http://a.example/", Some(EXTERNAL)),
            ("//a.example/", Some(EXTERNAL)),
            ("a.png", Some(EXTERNAL)),
            ("a.svg#b", Some(EXTERNAL)),
            ("file:///etc/passwd", Some(EXTERNAL)),
        ] {
            assert_eq!(loaded(address).map(|acts| acts.kind), kind, "{address}");
        }
        assert_eq!(followed("https://a.example/"), None);
        assert_eq!(
            set("data:image/png;base64,AA 1x, data:image/gif;base64,AA 2.5x").map(|a| a.kind),
            Some(EXTERNAL)
        );
        assert_eq!(set("#a 1x, #b 200w"), None);
    }
}
