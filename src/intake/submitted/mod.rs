//! What backends and buckets submit through a broker: references to objects, which are fetched and accepted.

mod cloudevent;
mod desk;
mod line;
mod notice;
mod reference;
mod seats;
mod take;
mod understand;

pub use desk::{Desk, Options};
pub use line::Line;
pub use understand::understand;

use crate::ports::sources::ObjectRef;
use jiff::Timestamp;

/// One object that somebody hands over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    pub object: ObjectRef,
    /// The same when it is submitted again.
    pub key: String,
    pub filename: Option<String>,
    pub media_type: Option<String>,
    /// Bytes, where they were said and must be these.
    pub size: Option<u64>,
    /// Hex, where it was said and must be this.
    pub sha256: Option<String>,
    pub external_id: Option<String>,
    /// When it was handed over, as its sender says.
    pub at: Option<Timestamp>,
    pub uploader: Option<String>,
}

/// Why a message is not worked on, ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable; for programs.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl Refusal {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    fn malformed(detail: impl Into<String>) -> Self {
        Self::new(BODY_MALFORMED, detail)
    }
}

/// The longest media type kept, in bytes.
const DECLARED_BYTES: usize = 255;

fn is_media_type(text: &str) -> bool {
    (1..=DECLARED_BYTES).contains(&text.len()) && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

/// Codes of [`Refusal`]s, as they stand in dead letters.
pub const BODY_MALFORMED: &str = "body.malformed";
pub const BODY_UNKNOWN: &str = "body.unknown";
pub const SOURCE_FORBIDDEN: &str = "source.forbidden";
pub const SOURCE_MISSING: &str = "source.missing";
pub const SOURCE_TOO_LARGE: &str = "source.too_large";
pub const SOURCE_MISMATCH: &str = "source.mismatch";
pub const SOURCE_EMPTY: &str = "source.empty";
pub const SOURCE_FAILED: &str = "source.failed";
