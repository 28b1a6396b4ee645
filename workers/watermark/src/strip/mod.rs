//! Metadata strip: what is needed to show the picture is written anew, everything else is left out.
//!
//! Each function walks the whole file by its grammar and writes only what it knows: pixels, palettes, transparency,
//! animation and the ICC profile. EXIF, XMP, IPTC, comments, thumbnails, unknown blocks and bytes after the end are not
//! written, and a file that does not follow the grammar is an error, never passed through. The compressed pixels are
//! copied as they are, so no quality is lost, up to where they end and no further.
//!
//! **Colour** is kept only as far as it leaves the picture the one that the numbers show: a profile of a display, and no
//! chunk that says how else the numbers are meant.
//!
//! **Orientation** is metadata too. A picture whose EXIF turns it loses that: the caller must turn the pixels (and so
//! encode them anew) before the strip, or not strip.

mod end;
mod gif;
mod icc;
mod indices;
mod jpeg;
mod png;
mod reader;
mod scanlines;
mod tight;
mod webp;

pub use gif::gif;
pub use icc::clean as profile;
pub use jpeg::jpeg;
pub use png::png;
pub use webp::webp;

/// The file does not follow its format's grammar, or uses a part of it that cannot be stripped safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{format} cannot be stripped, at byte {at}: {what}")]
pub struct StripError {
    /// `jpeg`, `png`, `webp` or `gif`.
    pub format: &'static str,
    /// Offset in the input, in bytes, near which the trouble was seen.
    pub at: usize,
    pub what: &'static str,
}
