//! Which media types have a walk here, by their canonical names.

use super::{Walk, bmp, gif, isobmff, jpeg, markup, matroska, mp3, ogg, pdf, png, text, tiff, wav, webp};

/// Media types, separated by spaces, and the walk of their container.
const WALKS: &[(&str, Walk)] = &[
    ("image/jpeg", jpeg::walk),
    ("image/png", png::walk),
    ("image/gif", gif::walk),
    ("image/webp", webp::walk),
    ("image/bmp", bmp::walk),
    ("image/tiff", tiff::walk),
    ("image/avif image/heif image/heic image/heif-sequence image/heic-sequence", isobmff::walk),
    ("video/mp4 audio/mp4 video/x-m4v video/quicktime video/3gpp video/3gpp2", isobmff::walk),
    ("video/x-matroska video/webm audio/x-matroska audio/webm", matroska::walk),
    ("audio/mpeg", mp3::walk),
    ("application/ogg audio/ogg video/ogg audio/opus audio/x-speex", ogg::walk),
    ("audio/wav", wav::walk),
    ("application/pdf", pdf::walk),
    ("image/svg+xml", markup::svg),
    ("application/xhtml+xml", markup::xhtml),
    ("text/html", markup::html),
    ("text/markdown", markup::markdown),
    ("text/plain text/csv text/tab-separated-values application/json", text::walk),
    (PART, text::walk),
];

/// What XML and style sheets are walked as where they are parts of a document, which no reader opens by themselves.
pub const PART: &str = "text/x-part";

/// The walk for a canonical media type.
pub(super) fn walk_of(media_type: &str) -> Option<Walk> {
    WALKS.iter().find(|(types, _)| types.split(' ').any(|t| t == media_type)).map(|(_, walk)| *walk)
}
