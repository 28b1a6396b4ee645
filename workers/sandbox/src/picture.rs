//! What is asked about a picture and what comes back: the words both ends share.

use lazaret_report::Coverage;
use serde::{Deserialize, Serialize};

/// How much of a picture may be decoded. A canvas larger than `max_pixels` is not decoded at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub max_frames: u32,
    /// Width times height of the canvas.
    pub max_pixels: u64,
    /// Sum of canvas pixels over all frames.
    pub max_total_pixels: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { max_frames: 600, max_pixels: 100_000_000, max_total_pixels: 1_000_000_000 }
    }
}

/// Frames wanted for classifiers: every frame comes once for each target and variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureRequest {
    pub targets: Vec<Target>,
    pub max_frames: u32,
    pub max_pixels: u64,
    pub max_total_pixels: u64,
}

impl PictureRequest {
    /// A request for `targets` within the default [`Budget`].
    pub fn new(targets: Vec<Target>) -> Self {
        let Budget { max_frames, max_pixels, max_total_pixels } = Budget::default();
        Self { targets, max_frames, max_pixels, max_total_pixels }
    }

    pub fn budget(&self) -> Budget {
        Budget {
            max_frames: self.max_frames,
            max_pixels: self.max_pixels,
            max_total_pixels: self.max_total_pixels,
        }
    }
}

/// The input size of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub width: u32,
    pub height: u32,
    pub resize: Resize,
}

impl Target {
    /// Longest side of a target: it bounds a message on the wire.
    pub const MAX_SIDE: u32 = 2048;

    /// Number of values of one frame: `width * height * 3`.
    pub fn values(&self) -> usize {
        self.width as usize * self.height as usize * 3
    }

    pub(crate) fn is_sane(&self) -> bool {
        (1..=Self::MAX_SIDE).contains(&self.width) && (1..=Self::MAX_SIDE).contains(&self.height)
    }
}

/// How a frame gets to a model's size, straight from full resolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resize {
    /// Bilinear with aligned corners and no antialiasing, as `tf.image.resizeBilinear(…, alignCorners = true)` does.
    #[default]
    BilinearAlignCorners,
}

/// What stands where the picture is transparent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Alpha dropped: the colours as stored. The only variant of an opaque picture.
    AlphaDropped,
    OnBlack,
    OnWhite,
}

/// One frame at one target's size.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Counted from 0. An index that is left out was identical to the frame before it.
    pub index: u32,
    /// Milliseconds from the first frame of an animation; 0 in a picture of one frame.
    pub at_ms: u64,
    pub variant: Variant,
    /// Index into [`PictureRequest::targets`].
    pub target: usize,
    /// Upright RGB, rows from the top, channels last; each value is within 0 and 255 and is not rounded.
    pub pixels: Vec<f32>,
}

/// What was seen of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Upright, in pixels.
    pub width: u32,
    pub height: u32,
    /// Frames looked at, identical ones included.
    pub frames_seen: u32,
    /// As far as the file says so.
    pub frames_total: Option<u32>,
    /// How long the frames that were looked at are shown, once.
    pub duration_ms: u64,
    /// Some pixel of some frame is not opaque.
    pub has_alpha: bool,
    /// EXIF orientation, 1 to 8, already applied to the frames.
    pub orientation: u8,
    /// The file carries an ICC profile.
    pub icc: bool,
    /// The file may carry more pictures than it shows: a thumbnail, or those of a multi-picture index.
    pub beside: bool,
    /// The file says that its numbers mean other colours than those that were looked at, which copies leave out.
    pub other_colours: bool,
    pub coverage: Coverage,
    /// Decoder and version, such as `image-webp 0.2`.
    pub decoder: String,
    pub metadata: Metadata,
}

/// What a picture says of where it comes from: whoever made the file may have written it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub maker: Option<String>,
    pub model: Option<String>,
    pub software: Option<String>,
    /// As it stands there.
    pub taken: Option<String>,
    /// It says where it was taken; where that is, is told to nobody.
    pub located: bool,
}

impl Metadata {
    /// Characters of a text.
    pub const LONGEST: usize = 120;

    /// A text as it may be shown: cut, and without what moves a cursor. `None` where nothing is left of it.
    pub fn text(raw: &str) -> Option<String> {
        let shown = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
        let text: String = raw.trim_matches(['\0', ' ']).chars().take(Self::LONGEST).map(shown).collect();
        (!text.is_empty()).then_some(text)
    }

    /// As [`Self::text`], of what a child says.
    #[must_use]
    pub fn bounded(self) -> Self {
        let bounded = |text: Option<String>| text.and_then(|text| Self::text(&text));
        Self {
            maker: bounded(self.maker),
            model: bounded(self.model),
            software: bounded(self.software),
            taken: bounded(self.taken),
            located: self.located,
        }
    }
}

/// Which copy to make for delivery. All are upright and carry no metadata but the colour profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum RenditionSpec {
    /// Same format; without loss where possible; animation kept.
    Original,
    /// Same format, animation kept, with the configured mark.
    Watermarked,
    /// First frame, at most `max_edge` pixels on the longer side, never enlarged; JPEG when opaque, else PNG.
    Thumbnail { max_edge: u32 },
    /// As a thumbnail, with a name written all over it: for one person's eyes.
    Viewed { max_edge: u32, by: Name },
    /// A film, an animation or sound to be played, with a name in every picture: for one person alone. All of it is encoded
    /// anew, an animation as WebP.
    Played { max_edge: u32, by: Name },
}

/// What is written over what somebody is shown: up to 64 bytes of ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name([[u8; 32]; 2]);

impl Name {
    /// What is not printable ASCII becomes a question mark, and what is too long is cut.
    pub fn new(text: &str) -> Self {
        let mut bytes = [b' '; 64];
        for (place, letter) in bytes.iter_mut().zip(text.chars()) {
            *place = if letter.is_ascii_graphic() || letter == ' ' { letter as u8 } else { b'?' };
        }
        let mut halves = [[b' '; 32]; 2];
        for (half, from) in halves.iter_mut().zip(bytes.chunks_exact(32)) {
            half.copy_from_slice(from);
        }
        Self(halves)
    }

    pub fn text(&self) -> String {
        let letters: String = self.0.iter().flatten().map(|byte| char::from(*byte)).collect();
        letters.trim_end().to_owned()
    }
}

/// A rendition that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    pub media_type: String,
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    /// Length of what was written.
    pub bytes: u64,
    /// `lossless` or `re-encoded`; behind a colon what of the file is not in it, where it is to be played.
    pub note: String,
}
