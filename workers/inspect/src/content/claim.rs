//! What others say a file is, held against what it is.

use super::{UNKNOWN, extension, family, names};

/// What the sender declared, where it says anything: a default such as `application/octet-stream` does not.
pub(super) fn declared(media_type: Option<&str>) -> Option<String> {
    const NO_CLAIM: [&str; 3] = [UNKNOWN, "application/x-www-form-urlencoded", "multipart/form-data"];
    names::canonical(media_type?).filter(|name| !NO_CLAIM.contains(&name.as_str()))
}

/// Whether a file whose content is `content` may be called `claim`.
pub(super) fn agrees(content: &str, claim: &str) -> bool {
    if content == UNKNOWN {
        return !family::has_magic(claim);
    }
    if family::is_text(content) && family::is_text(claim) {
        return !is_active(content)
            || family::related(content, claim) && claim != family::TEXT
            || may_hold_markup(claim);
    }
    // An ID3 tag, longer than the head we see, may stand before any kind of sound.
    let tagged = content == "audio/mpeg" && claim.starts_with("audio/");
    if tagged || family::related(content, claim) || family::interchangeable(content, claim) {
        return true;
    }
    !known(claim) && !kinds_exclude(content, claim)
}

/// As [`agrees`], for the extension of a name; one that nobody knows promises nothing. One by which a browser or a web
/// server acts on any text must tell the truth, for it stays with the file when the media type is gone.
pub(super) fn agrees_with_extension(content: &str, ext: &str) -> bool {
    let mut types = extension::types(ext).peekable();
    if types.peek().is_none() {
        return true;
    }
    if extension::types(ext).all(is_active) {
        return types.any(|claim| family::is_a(content, claim));
    }
    types.any(|claim| agrees(content, claim))
}

/// Text that a browser or a web server acts on: it may not pass for plain text.
fn is_active(content: &str) -> bool {
    matches!(content, "text/html" | "application/xhtml+xml" | "image/svg+xml" | "text/x-php")
}

/// Text in which markup is ordinary: templates, source code, markdown.
fn may_hold_markup(claim: &str) -> bool {
    const MARKUP: [&str; 8] = [
        "text/html",
        "text/x-php",
        "text/markdown",
        "text/x-source",
        "text/javascript",
        "text/asp",
        "message/rfc822",
        "application/x-mimearchive",
    ];
    MARKUP.contains(&claim) || claim.starts_with("text/x-") || is_active(claim)
}

/// A type that the tables speak of, so that its not fitting means something.
fn known(claim: &str) -> bool {
    family::has_magic(claim) || family::parent(claim).is_some() || extension::names_type(claim)
}

/// Of two types that nothing else is known about, the part before the slash still tells: a picture is no sound.
fn kinds_exclude(content: &str, claim: &str) -> bool {
    let kind = |name: &str| name.split('/').next().map(str::to_owned);
    let (a, b) = (kind(content), kind(claim));
    a != b
        && [a, b].iter().flatten().all(|k| ["image", "audio", "video", "text", "font"].contains(&k.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_against_claims() {
        for (content, claim, fits) in [
            ("image/jpeg", "image/jpeg", true),
            ("image/jpeg", "image/png", false),
            ("application/zip", "application/epub+zip", true),
            ("application/epub+zip", "application/zip", true),
            ("text/x-python", "text/plain", true),
            ("text/csv", "text/plain", true),
            ("text/plain", "text/csv", true),
            ("text/html", "text/plain", false),
            ("text/html", "text/csv", false),
            ("text/html", "text/markdown", true),
            ("text/html", "text/html", true),
            ("image/svg+xml", "text/plain", false),
            ("image/svg+xml", "application/xml", true),
            ("text/plain", "image/jpeg", false),
            ("audio/mpeg", "audio/flac", true),
            ("audio/flac", "audio/mpeg", false),
            (UNKNOWN, "image/jpeg", false),
            (UNKNOWN, "application/x-foo", true),
            ("video/mp4", "audio/mp4", true),
            ("video/mp4", "image/avif", false),
            ("image/png", "application/x-foo", true),
            ("image/png", "video/x-foo", false),
            ("application/vnd.microsoft.portable-executable", "image/jpeg", false),
        ] {
            assert_eq!(agrees(content, claim), fits, "{content} called {claim}");
        }
    }

    #[test]
    fn content_against_extensions() {
        for (content, ext, fits) in [
            ("text/html", "html", true),
            ("application/xhtml+xml", "htm", true),
            ("text/plain", "html", false),
            ("text/markdown", "xhtml", false),
            ("text/csv", "shtml", false),
            ("text/x-php", "php", true),
            ("text/plain", "php", false),
            ("text/html", "phtml", false),
            ("image/svg+xml", "svg", true),
            ("application/xml", "svg", false),
            ("text/plain", "svg", false),
            // Not of browsers alone.
            ("application/xml", "xml", true),
            ("text/plain", "eml", true),
            ("text/plain", "txt", true),
            ("text/html", "md", true),
            ("image/jpeg", "nobodyknows", true),
        ] {
            assert_eq!(agrees_with_extension(content, ext), fits, "{content} named .{ext}");
        }
    }

    #[test]
    fn a_default_is_no_claim() {
        for (written, claim) in [
            (None, None),
            (Some("application/octet-stream"), None),
            (Some("binary/octet-stream"), None),
            (Some("application/x-www-form-urlencoded"), None),
            (Some("nonsense"), None),
            (Some("image/jpg"), Some("image/jpeg")),
        ] {
            assert_eq!(declared(written).as_deref(), claim, "{written:?}");
        }
    }
}
