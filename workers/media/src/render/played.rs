//! An animation to be played, for one person's eyes: every frame for its time, small, with their name on it, as WebP
//! whatever it came as. One that is not whole, or over the budget, is not played at all, for who looks would take a part of
//! it for all.

use super::encode_webp::{Effort, WebP};
use super::reencode::{Encoder, play};
use super::thumbnail::{fitted, signed};
use super::{Made, flawless, no_film};
use crate::fault::Fault;
use crate::job::Job;
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Budget, Name};

pub(super) fn played(
    job: &mut Job,
    max_edge: u32,
    by: Name,
    budget: &Budget,
    out: &mut dyn RenditionSink,
) -> Result<Made, Fault> {
    let format = job.format()?;
    if flawless(job, budget)?.is_some() {
        return Err(no_film());
    }
    let bytes = job.bytes()?;
    let name = by.text();
    let mut target = None;
    let mut size = (0, 0);
    let mut shown = 0;
    let (frames, _) = play(format, &bytes, budget, |about, view, delay_ms| {
        let mut image = signed(fitted(view, about, max_edge)?, &name);
        if image.color().has_alpha() && !view.is_translucent() {
            image = image.into_rgb8().into();
        }
        size = (image.width(), image.height());
        let encoder = target.get_or_insert_with(|| {
            let icc = about.colour.icc.clone().filter(|_| about.icc_fits);
            Box::new(WebP::new(size, Some(about.plays), icc, Effort::Quick))
        });
        encoder.add(&image, delay_ms)?;
        shown += 1;
        out.progress(thousandths(shown, about.frames.unwrap_or(budget.max_frames)))?;
        Ok(())
    })?;
    let encoder = target.ok_or_else(|| Fault::corrupt("the animation has no frame"))?;
    let bytes = encoder.finish()?;
    out.progress(1000)?;
    Ok(Made { bytes, media_type: "image/webp", width: size.0, height: size.1, frames, lossless: false })
}

/// The number of all is only a claim.
fn thousandths(done: u32, of: u32) -> u16 {
    let thousandths = u64::from(done) * 1000 / u64::from(of.max(1));
    u16::try_from(thousandths.min(999)).unwrap_or(999)
}
