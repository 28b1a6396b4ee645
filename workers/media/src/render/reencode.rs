//! Decode, turn upright, mark, encode in the same format, frame by frame.

use super::encode_webp::{Effort, WebP};
use super::{Made, encode_gif::Gif, encode_jpeg::Jpeg, encode_png::Png, flawless};
use crate::decode::{self, About, Format, View};
use crate::fault::Fault;
use crate::job::Job;
use crate::orient::{turned, upright, upright_size};
use image::DynamicImage;
use lazaret_sandbox::Budget;
use lazaret_watermark::Mark;

/// What a picture is encoded again for.
#[derive(Clone, Copy)]
pub(super) enum Aim<'a> {
    Marked(&'a Mark),
    /// Only to turn it: as little loss as the format allows.
    Upright,
}

impl Aim<'_> {
    pub(super) fn jpeg_quality(self) -> i32 {
        match self {
            Self::Marked(_) => 88,
            Self::Upright => 92,
        }
    }

    fn effort(self) -> Effort {
        match self {
            Self::Marked(_) => Effort::Fine,
            Self::Upright => Effort::Lossless,
        }
    }

    fn apply(self, image: &mut DynamicImage) {
        if let Self::Marked(mark) = self {
            match image {
                DynamicImage::ImageRgba8(image) => mark.apply_rgba(image),
                DynamicImage::ImageRgb8(image) => mark.apply_rgb(image),
                // Decoders give no other layout.
                _ => {}
            }
        }
    }
}

/// Takes the frames of a copy one after another.
pub(super) trait Encoder {
    fn add(&mut self, image: &DynamicImage, delay_ms: u32) -> Result<(), Fault>;
    /// The whole file.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, Fault>;
}

pub(super) fn reencode(job: &mut Job, aim: Aim<'_>, budget: &Budget) -> Result<Made, Fault> {
    let format = job.format()?;
    let still = flawless(job, budget)?;
    let bytes = job.bytes()?;
    let Some(still) = still else { return animation(format, &bytes, aim, budget) };
    let mut encoder = encoder(format, &bytes, &still.about, 1, aim)?;
    let about = still.about.clone();
    let image = match aim {
        // The last that needs them, as a rule: so the mark goes onto the decoded pixels themselves.
        Aim::Marked(_) => turned(job.give_up(still), (about.width, about.height), about.orientation),
        Aim::Upright => upright(&still.view(), about.orientation),
    };
    encoder.add(&finished(image, aim)?, 0)?;
    Ok(made(format, encoder.finish()?, &about, 1))
}

fn animation(format: Format, bytes: &[u8], aim: Aim<'_>, budget: &Budget) -> Result<Made, Fault> {
    // The number of frames is only a claim until they are decoded, and PNG wants it in front.
    let (frames, _) = play(format, bytes, budget, |_, _, _| Ok(()))?;
    let mut target = None;
    let (_, about) = play(format, bytes, budget, |about, view, delay_ms| {
        let encoder = match &mut target {
            Some(encoder) => encoder,
            None => target.insert(encoder(format, bytes, about, frames, aim)?),
        };
        encoder.add(&finished(upright(view, about.orientation), aim)?, delay_ms)
    })?;
    let encoder = target.ok_or_else(|| Fault::corrupt("the animation has no frame"))?;
    Ok(made(format, encoder.finish()?, &about, frames))
}

/// Shows every frame of an animation and counts them. All must be whole and within the budget.
pub(super) fn play(
    format: Format,
    bytes: &[u8],
    budget: &Budget,
    mut show: impl FnMut(&About, &View<'_>, u32) -> Result<(), Fault>,
) -> Result<(u32, About), Fault> {
    let mut source = decode::open(format, bytes, budget)?;
    let about = source.about().clone();
    let area = u64::from(about.width) * u64::from(about.height);
    let mut frames = 0;
    while let Some(shot) = source.next()? {
        if shot.aside {
            continue;
        }
        frames += 1;
        if frames > budget.max_frames {
            return Err(Fault::Limit("limit.frames", format!("more than {} frames", budget.max_frames)));
        }
        if area * u64::from(frames) > budget.max_total_pixels {
            return Err(Fault::Limit(
                "limit.pixels",
                format!("more than {} pixels", budget.max_total_pixels),
            ));
        }
        show(&about, &shot.view, shot.delay_ms)?;
    }
    Ok((frames, about))
}

/// The upright frame, marked.
pub(super) fn finished(image: Option<DynamicImage>, aim: Aim<'_>) -> Result<DynamicImage, Fault> {
    let mut image = image.ok_or_else(|| Fault::corrupt("a frame is not of the canvas's size"))?;
    aim.apply(&mut image);
    Ok(image)
}

fn encoder(
    format: Format,
    bytes: &[u8],
    about: &About,
    frames: u32,
    aim: Aim<'_>,
) -> Result<Box<dyn Encoder>, Fault> {
    let size = upright_size(about.orientation, (about.width, about.height));
    let icc = if about.icc_fits { about.colour.icc.clone() } else { None };
    let plays = about.animated.then_some(about.plays);
    Ok(match format {
        Format::Jpeg => Box::new(Jpeg::new(aim.jpeg_quality(), icc)),
        Format::Png => {
            Box::new(Png::new(&decode::png_colour(bytes)?, icc, size, plays.map(|plays| (frames, plays))))
        }
        Format::Gif => Box::new(Gif::new(size, plays, icc.as_deref())?),
        Format::WebP => Box::new(WebP::new(size, plays, icc, aim.effort())),
        Format::Raw => return Err(super::original::no_copies()),
    })
}

fn made(format: Format, bytes: Vec<u8>, about: &About, frames: u32) -> Made {
    let (width, height) = upright_size(about.orientation, (about.width, about.height));
    Made { bytes, media_type: format.media_type(), width, height, frames, lossless: false }
}
