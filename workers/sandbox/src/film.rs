//! What is asked about a film and what comes back: the words both ends share.

use crate::picture::Target;
use lazaret_report::Coverage;
use serde::{Deserialize, Serialize};

/// Which frames of a film are wanted. Each comes once for each target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmRequest {
    pub targets: Vec<Target>,
    /// Milliseconds, at most, from one frame that is looked at to the next one.
    pub max_gap_ms: u64,
    /// Frames to look at, at most.
    pub max_frames: u32,
    /// Width times height of a frame; a larger one is not decoded.
    pub max_pixels: u64,
    /// Processor time in milliseconds, after which the rest is left.
    pub max_cpu_ms: u64,
    /// In each stretch of so many milliseconds one instant that whoever made the film could not foresee, and two in all at
    /// least; 0 is none.
    pub random_every_ms: u64,
    /// What those come from: of one file always the same, so that looking again shows the same frames.
    pub seed: u64,
    /// From and to, in milliseconds: only within these. Empty is all of it.
    pub spans: Vec<(u64, u64)>,
}

impl FilmRequest {
    /// Within what children are given by default.
    pub fn new(targets: Vec<Target>) -> Self {
        Self {
            targets,
            max_gap_ms: 2_000,
            max_frames: 1_800,
            max_pixels: 100_000_000,
            max_cpu_ms: 60_000,
            random_every_ms: 20_000,
            seed: 0,
            spans: Vec::new(),
        }
    }
}

/// Why a frame is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// It needs no other to be decoded.
    Key,
    /// It looks unlike the one before it.
    Scene,
    /// The gap would be too large without it.
    Gap,
    /// At an instant chosen at random.
    Random,
    /// In the last second.
    Last,
    /// Within a span that was asked for.
    Span,
}

impl Taken {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Scene => "scene",
            Self::Gap => "gap",
            Self::Random => "random",
            Self::Last => "last",
            Self::Span => "span",
        }
    }
}

/// One frame of a film at one target's size.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// Counted from 0, of those that are looked at. A later request about the same film counts on.
    pub index: u32,
    /// Milliseconds from the film's first frame.
    pub at_ms: u64,
    pub taken: Taken,
    /// Index into [`FilmRequest::targets`].
    pub target: usize,
    /// As [`crate::Frame::pixels`].
    pub pixels: Vec<f32>,
}

/// What was seen of a film.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Film {
    /// Upright, in pixels, of the first frame.
    pub width: u32,
    pub height: u32,
    pub duration_ms: u64,
    /// Frames looked at, and frames there are.
    pub frames_seen: u32,
    pub frames_total: u64,
    /// There is sound, which nobody looks at.
    pub sound: bool,
    /// Complete where no two frames that follow each other were farther apart than asked, from the first to the last.
    pub coverage: Coverage,
    /// Libraries and versions, such as `libavcodec 59.37.100, h264`.
    pub decoder: String,
}

/// Which of the frames that were looked at go on a contact sheet, a JPEG, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetRequest {
    pub frames: Vec<u32>,
}

impl SheetRequest {
    /// Frames on one sheet, at most.
    pub const MAX: usize = 64;
}
