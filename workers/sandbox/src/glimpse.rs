//! What is asked about a source that goes on, and what comes back. Its bytes come through a pipe in place of a file; how
//! they are packed the media type says, and where they come from the child never learns.

use serde::{Deserialize, Serialize};

/// The next frame to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlimpseRequest {
    /// Milliseconds of the source's own time, at least, since the one before of the same track.
    pub pause_ms: u64,
    /// Width times height; a larger frame is not decoded.
    pub max_pixels: u64,
}

/// A frame, upright, as a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glimpse {
    /// Milliseconds from the first frame, by a clock that neither stands still nor leaps, whatever the source says.
    pub at_ms: u64,
    pub width: u32,
    pub height: u32,
    /// Of the picture that came before this.
    pub bytes: u64,
}

/// What came of asking for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glimpsed {
    /// `None` at the source's end.
    pub frame: Option<Glimpse>,
    /// Frames and packets since it was asked before that are not as they were sent, or cannot be decoded.
    pub damaged: u64,
    /// Frames since then that were whole, and not due.
    pub passed_over: u64,
    /// What is in it that no frame shows, or not by itself: each kind once.
    pub unseen: Vec<Unseen>,
}

/// Something that a player may show and that is not judged, or not as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    pub kind: UnseenKind,
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnseenKind {
    /// Tracks of video side by side: each is judged, and a viewer sees one.
    Tracks,
    Cover,
    /// Subtitles that are pictures.
    Subtitles,
    Transparency,
    /// Colours that a player shows otherwise.
    Colours,
}
