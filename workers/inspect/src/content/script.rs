//! Text that a machine acts on, and that its first characters give away.

use super::magic::{Magic, magic};
use super::text;

/// The ASCII characters of a text in UTF-16 with its mark, so that it is seen for what it is.
fn narrow(head: &[u8]) -> Option<Vec<u8>> {
    let (units, second) = match head {
        [0xff, 0xfe, rest @ ..] => (rest, 1),
        [0xfe, 0xff, rest @ ..] => (rest, 0),
        _ => return None,
    };
    let (pairs, _) = units.as_chunks::<2>();
    Some(pairs.iter().map(|pair| if pair[second] == 0 { pair[1 - second] } else { b'?' }).collect())
}

/// Lists by which players and converters open other files, under whatever name.
fn playlist(start: &[u8]) -> Option<&'static str> {
    let first_line = |words: &[u8]| {
        let line = start.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
        line.starts_with(words)
    };
    if first_line(b"#EXTM3U") {
        return Some("application/vnd.apple.mpegurl");
    }
    if first_line(b"ffconcat version") {
        return Some("application/x-ffconcat");
    }
    // RFC 8866: the version, then the origin.
    let sdp = start.strip_prefix(b"v=0")?.trim_ascii_start().starts_with(b"o=");
    sdp.then_some("application/sdp")
}

/// Text that a machine acts on and that its first characters give away.
pub(super) fn script(head: &[u8]) -> Option<Magic> {
    if let Some(narrow) = narrow(head) {
        return script(&narrow);
    }
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if let Some(line) = body.strip_prefix(b"#!")
        && line.trim_ascii_start().starts_with(b"/")
    {
        return Some(magic("text/x-shellscript", true));
    }
    let start = body.trim_ascii_start();
    if !text::is_text(head) {
        return None;
    }
    if let Some(list) = playlist(start) {
        return Some(magic(list, true));
    }
    for (words, media_type) in [
        (&b"[Desktop Entry]"[..], "application/x-desktop"),
        (b"[InternetShortcut]", "application/x-mswinurl"),
    ] {
        if start.starts_with(words) {
            return Some(magic(media_type, true));
        }
    }
    let begins = |tag: &[u8]| start.get(..tag.len()).is_some_and(|s| s.eq_ignore_ascii_case(tag));
    if begins(b"<?php") {
        return Some(magic("text/x-php", true));
    }
    if begins(b"<!doctype html") || begins(b"<html") {
        return Some(magic("text/html", true));
    }
    // An SVG may begin with a declaration, comments and a document type.
    if begins(b"<") && root_is(start, b"svg") {
        return Some(magic("image/svg+xml", true));
    }
    (begins(b"<") && root_is(start, b"MPD")).then(|| magic("application/dash+xml", true))
}

/// The first element of an XML document has this name, with whatever prefix.
fn root_is(document: &[u8], root: &[u8]) -> bool {
    let mut rest = document;
    while let Some(open) = memchr::memchr(b'<', rest) {
        rest = &rest[open + 1..];
        let close: &[u8] = match rest {
            [b'?', ..] => b"?>",
            [b'!', b'-', b'-', ..] => b"-->",
            [b'!', ..] => b">",
            _ => {
                let name = rest.split(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/')).next();
                let local = name.and_then(|n| n.rsplit(|b| *b == b':').next());
                return local == Some(root);
            }
        };
        let Some(end) = memchr::memmem::find(rest, close) else { return false };
        rest = &rest[end..];
    }
    false
}
