use crate::limits::Limits;
use crate::picture::{Picture, PictureRequest, Rendition, RenditionSpec, Variant};
use crate::pool::ChildSetup;
use lazaret_report::{Report, Why};
use serde::{Deserialize, Serialize};

/// What the service tells a child. Every message but `Close` is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "data")]
pub enum ToChild {
    /// First and once, before any hostile byte.
    Setup {
        limits: Limits,
        setup: ChildSetup,
    },
    /// Comes with the file's descriptor.
    Open {
        size: u64,
        media_type: String,
    },
    Walk,
    Picture(PictureRequest),
    Render(RenditionSpec),
    /// Forget the file and everything decoded from it.
    Close,
}

/// What a child answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "data")]
pub enum FromChild {
    Ready {
        version: String,
    },
    Opened,
    Report(Report),
    /// The blob is the frame's pixels, f32 little endian. Any number of them comes before `Picture`.
    Frame(FrameHead),
    Picture(Picture),
    /// The blob is the next piece of a rendition. Any number of them comes before `Rendition`.
    Chunk,
    Rendition(Rendition),
    /// A clean refusal, in place of any answer.
    Refused(Why),
}

impl FromChild {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Opened => "opened",
            Self::Report(_) => "report",
            Self::Frame(_) => "frame",
            Self::Picture(_) => "picture",
            Self::Chunk => "chunk",
            Self::Rendition(_) => "rendition",
            Self::Refused(_) => "refused",
        }
    }
}

/// A [`crate::Frame`] without its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameHead {
    pub index: u32,
    pub delay_ms: u32,
    pub variant: Variant,
    pub target: usize,
}
