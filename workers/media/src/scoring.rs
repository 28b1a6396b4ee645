//! Frames for the classifiers.

use crate::beside;
use crate::decode::{self, About, Shot, View};
use crate::exif;
use crate::fault::Fault;
use crate::job::Job;
use crate::orient::upright_size;
use lazaret_sandbox::child::FrameSink;
use lazaret_sandbox::protocol::FrameHead;
use lazaret_sandbox::{Coverage, Metadata, Picture, PictureRequest, Resize, Target, Variant, Why};

/// Shows every frame within the budget to `frames`, at every target's size and in every variant. A picture of one frame
/// is kept for the renditions. A canvas over the budget is refused unseen: `limit.pixels`.
pub(crate) fn picture(
    job: &mut Job,
    request: &PictureRequest,
    frames: &mut FrameSink<'_>,
) -> Result<Picture, Why> {
    let budget = request.budget();
    let beside = beside::has_pictures(job.format()?, &job.bytes()?);
    let mut showing = Showing::new(request, frames, beside);
    showing.metadata = exif::metadata(job.format()?, &job.bytes()?);
    if let Some(still) = job.decode_still(&budget)? {
        let shot = Shot { delay_ms: 0, aside: false, view: still.view() };
        let flaw = still.flaw.as_ref().map_or(Coverage::Complete, Fault::after_frames);
        let coverage = match showing.over_budget(&shot) {
            Some(limit) => limit,
            None => showing.show(&shot, &still.about).map(|()| flaw)?,
        };
        return Ok(showing.picture(&still.about, coverage));
    }
    let (format, bytes) = (job.format()?, job.bytes()?);
    let mut source = decode::open(format, &bytes, &budget)?;
    let about = source.about().clone();
    let coverage = loop {
        match source.next() {
            Ok(None) => break Coverage::Complete,
            Ok(Some(shot)) => match showing.over_budget(&shot) {
                Some(limit) => break limit,
                None => showing.show(&shot, &about)?,
            },
            Err(fault) if showing.seen > 0 => break fault.after_frames(),
            Err(fault) => return Err(fault.into()),
        }
    };
    Ok(showing.picture(&about, coverage))
}

/// The frames of one picture on their way out.
pub(crate) struct Showing<'a, 'b> {
    request: &'a PictureRequest,
    frames: &'a mut FrameSink<'b>,
    seen: u32,
    elapsed_ms: u64,
    pixels: u64,
    has_alpha: bool,
    beside: bool,
    pub(crate) metadata: Metadata,
    /// What was last shown, by variant and target: a frame that looks the same to a model is not shown again.
    shown: Vec<Vec<f32>>,
    sample: Vec<f32>,
}

const VARIANTS: [Variant; 3] = [Variant::AlphaDropped, Variant::OnBlack, Variant::OnWhite];

impl<'a, 'b> Showing<'a, 'b> {
    pub(crate) fn new(request: &'a PictureRequest, frames: &'a mut FrameSink<'b>, beside: bool) -> Self {
        let shown = vec![Vec::new(); request.targets.len() * VARIANTS.len()];
        Self {
            request,
            frames,
            seen: 0,
            elapsed_ms: 0,
            pixels: 0,
            has_alpha: false,
            beside,
            metadata: Metadata::default(),
            shown,
            sample: Vec::new(),
        }
    }

    pub(crate) fn over_budget(&mut self, shot: &Shot<'_>) -> Option<Coverage> {
        if self.seen >= self.request.max_frames {
            let detail = format!("{} frames were looked at and there are more", self.seen);
            return Some(Coverage::partial("limit.frames", detail));
        }
        self.pixels += u64::from(shot.view.width) * u64::from(shot.view.height);
        (self.pixels > self.request.max_total_pixels).then(|| {
            let detail = format!("{} frames were looked at, more pixels than allowed follow", self.seen);
            Coverage::partial("limit.pixels", detail)
        })
    }

    pub(crate) fn show(&mut self, shot: &Shot<'_>, about: &About) -> Result<(), Fault> {
        let translucent = shot.view.is_translucent();
        self.has_alpha |= translucent;
        let variants = if translucent { &VARIANTS[..] } else { &VARIANTS[..1] };
        for (v, variant) in variants.iter().enumerate() {
            for (t, target) in self.request.targets.iter().enumerate() {
                resize(&shot.view, about, *variant, target, &mut self.sample)?;
                let shown = &mut self.shown[v * self.request.targets.len() + t];
                if *shown == self.sample {
                    continue;
                }
                let head =
                    FrameHead { index: self.seen, at_ms: self.elapsed_ms, variant: *variant, target: t };
                (self.frames)(head, &self.sample)?;
                std::mem::swap(shown, &mut self.sample);
            }
        }
        self.seen += 1;
        self.elapsed_ms += u64::from(shot.delay_ms);
        Ok(())
    }

    pub(crate) fn picture(&self, about: &About, coverage: Coverage) -> Picture {
        let (width, height) = upright_size(about.orientation, (about.width, about.height));
        Picture {
            width,
            height,
            frames_seen: self.seen,
            frames_total: about.frames,
            duration_ms: self.elapsed_ms,
            has_alpha: self.has_alpha,
            orientation: about.orientation.to_exif(),
            icc: about.colour.icc.is_some(),
            other_colours: about.colour.is_other,
            beside: self.beside,
            coverage,
            decoder: about.decoder.to_owned(),
            metadata: self.metadata.clone(),
        }
    }
}

fn resize(
    view: &View<'_>,
    about: &About,
    variant: Variant,
    target: &Target,
    out: &mut Vec<f32>,
) -> Result<(), Fault> {
    match target.resize {
        Resize::BilinearAlignCorners => {
            lazaret_pixels::bilinear(view, about.orientation, variant, target, out);
            Ok(())
        }
        other => Err(Fault::Unsupported("media.resize", format!("the resize {other:?} is not known here"))),
    }
}
