//! What a verdict keeps of a film, or of a picture that is animated, beside findings and scores.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmDetail {
    /// Upright, in pixels.
    pub width: u32,
    pub height: u32,
    pub duration_ms: u64,
    /// Frames that models looked at, and frames there are.
    pub frames_seen: u32,
    pub frames_total: u64,
    pub sound: Sound,
    /// Where moderators can see frames of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<SheetDetail>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    None,
    /// There is some, and nothing listens to it.
    NotChecked,
}

/// A contact sheet: a JPEG in the held zone, out of delivery's reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetDetail {
    pub key: String,
    /// Lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// From left to right, then down.
    pub frames: Vec<SheetFrame>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetFrame {
    pub frame: u32,
    pub at_ms: u64,
    /// Why it was looked at: `key`, `scene`, `gap`, `random`, `last`, `span` for a closer look, or `each` where all of
    /// them are.
    pub taken: String,
}
