use super::canvas::{Area, Canvas, Dispose};
use super::{About, Shot, Source, check_canvas};
use crate::colour::Colour;
use crate::fault::Fault;
use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit, Repeat};
use image::metadata::Orientation;
use lazaret_sandbox::Budget;
use std::num::NonZeroU64;

/// GIF by the crate `gif`; frames are composited here. What lies under transparency is transparent, as browsers do,
/// and not the background colour.
pub(super) struct Gif<'a> {
    about: About,
    decoder: Decoder<&'a [u8]>,
    canvas: Canvas,
    frame: Vec<u8>,
    budget: Budget,
    whole: bool,
}

impl<'a> Gif<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &Budget) -> Result<Self, Fault> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        let limit = NonZeroU64::new(budget.max_pixels.saturating_mul(4)).unwrap_or(NonZeroU64::MIN);
        options.set_memory_limit(MemoryLimit::Bytes(limit));
        options.check_lzw_end_code(true);
        let decoder = options.read_info(bytes).map_err(fault)?;
        let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
        check_canvas(width, height, budget)?;
        let (frames, whole) = count(bytes);
        let about = About {
            width,
            height,
            frames: whole.then_some(frames),
            animated: frames > 1,
            plays: match decoder.repeat() {
                Repeat::Infinite => 0,
                Repeat::Finite(again) => u32::from(again) + 1,
            },
            orientation: Orientation::NoTransforms,
            colour: Colour::of(decoder.icc_profile()),
            icc_fits: true,
            decoder: "gif 0.14",
        };
        let canvas = Canvas::new(width, height);
        Ok(Self { about, decoder, canvas, frame: Vec::new(), budget: *budget, whole })
    }
}

impl Source for Gif<'_> {
    fn about(&self) -> &About {
        &self.about
    }

    fn next(&mut self) -> Result<Option<Shot<'_>>, Fault> {
        let Some(frame) = self.decoder.next_frame_info().map_err(fault)? else {
            return if self.whole {
                Ok(None)
            } else {
                Err(Fault::truncated("the file ends before its trailer"))
            };
        };
        let area = Area {
            left: frame.left.into(),
            top: frame.top.into(),
            width: frame.width.into(),
            height: frame.height.into(),
        };
        let delay_ms = u32::from(frame.delay) * 10;
        let dispose = match frame.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => Dispose::Keep,
            DisposalMethod::Background => Dispose::Clear,
            DisposalMethod::Previous => Dispose::Restore,
        };
        // A frame may be larger than the canvas.
        let pixels = check_canvas(area.width, area.height, &self.budget)?;
        self.frame.clear();
        self.frame.resize(pixels * 4, 0);
        self.decoder.read_into_buffer(&mut self.frame).map_err(fault)?;
        self.canvas.draw(&self.frame, area, true, dispose);
        Ok(Some(Shot { delay_ms, aside: false, view: self.canvas.view() }))
    }
}

/// Image blocks, and whether the file is whole to its trailer (GIF89a, section 27).
fn count(bytes: &[u8]) -> (u32, bool) {
    let mut frames = 0;
    let whole = walk(bytes, &mut frames).is_some();
    (frames, whole)
}

fn walk(bytes: &[u8], frames: &mut u32) -> Option<()> {
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + palette(*bytes.get(10)?);
    loop {
        let block = *bytes.get(at)?;
        at = match block {
            0x3b => return Some(()),
            0x21 => at + 2,
            0x2c => {
                *frames += 1;
                at + 11 + palette(*bytes.get(at + 9)?)
            }
            _ => return None,
        };
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
    }
}

fn fault(error: DecodingError) -> Fault {
    match error {
        DecodingError::Io(error) => Fault::from(error),
        DecodingError::UnexpectedEof => Fault::truncated("the file ends too early"),
        DecodingError::OutOfMemory | DecodingError::MemoryLimit => {
            Fault::Limit("limit.memory", "a frame takes too much memory".into())
        }
        other => Fault::corrupt(other),
    }
}
