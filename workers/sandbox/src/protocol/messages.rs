use crate::film::{Film, FilmRequest, SheetRequest, Taken};
use crate::glimpse::{GlimpseRequest, Glimpsed};
use crate::layers::{Act, Confinement, Layers};
use crate::limits::Limits;
use crate::members::{MemberHead, MemberTail, MembersRequest, MembersSummary};
use crate::picture::{Picture, PictureRequest, Rendition, RenditionSpec, Variant};
use crate::pool::ChildSetup;
use lazaret_report::{Report, Why};
use serde::{Deserialize, Serialize};

/// What the service tells a child. Every message but `Close` and `Enough` is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "data")]
pub enum ToChild {
    /// First and once, before any hostile byte.
    Setup {
        limits: Limits,
        confinement: Confinement,
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
    /// Show frames of the film.
    Film(FilmRequest),
    /// End the film that is being shown: what was seen of it by then is the answer. Not answered by itself.
    Enough,
    /// Make a contact sheet of frames that were shown.
    Sheet(SheetRequest),
    /// Show the next frame of a source that goes on.
    Glimpse(GlimpseRequest),
    /// Take out what the archive holds.
    Members(MembersRequest),
    /// Do what may not be done, for the self-test. A child that lives on answers [`FromChild::Attempted`].
    Attempt(Act),
    /// Forget the file and everything decoded from it.
    Close,
}

/// What a child answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "data")]
pub enum FromChild {
    Ready {
        version: String,
        layers: Layers,
    },
    Opened,
    Report(Report),
    /// The blob is the frame's pixels, f32 little endian. Any number of them comes before `Picture`.
    Frame(FrameHead),
    Picture(Picture),
    /// The blob is the next piece of a rendition. Any number of them comes before `Rendition`.
    Chunk,
    Rendition(Rendition),
    /// The blob is as that of `Frame`. Any number of them comes before `Film`.
    Shot(ShotHead),
    Film(Film),
    /// After the chunks of its picture, if there is one.
    Glimpse(Glimpsed),
    /// How much of a rendition is made, in thousandths. Comes between its chunks.
    Progress(u16),
    /// A member of an archive begins: chunks follow, then its `MemberEnd`. Any number of them comes before `Members`.
    Member(MemberHead),
    MemberEnd(MemberTail),
    Members(MembersSummary),
    Attempted {
        /// Why it could not be done; `None` where it could.
        denied: Option<String>,
    },
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
            Self::Shot(_) => "shot",
            Self::Film(_) => "film",
            Self::Glimpse(_) => "glimpse",
            Self::Progress(_) => "progress",
            Self::Member(_) => "member",
            Self::MemberEnd(_) => "member end",
            Self::Members(_) => "members",
            Self::Attempted { .. } => "attempted",
            Self::Refused(_) => "refused",
        }
    }
}

/// A [`crate::Shot`] without its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShotHead {
    pub index: u32,
    pub at_ms: u64,
    pub taken: Taken,
    pub target: usize,
}

/// A [`crate::Frame`] without its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameHead {
    pub index: u32,
    pub at_ms: u64,
    pub variant: Variant,
    pub target: usize,
}
