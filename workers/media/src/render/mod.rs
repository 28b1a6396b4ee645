//! Copies for delivery: upright, without metadata but the colour profile.

mod decoded;
mod encode_gif;
mod encode_jpeg;
mod encode_png;
mod encode_webp;
mod original;
mod played;
mod reencode;
mod thumbnail;

use crate::decode::{About, Still, View};
use crate::fault::Fault;
use crate::job::Job;
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Budget, Rendition, RenditionSpec, Why};
use lazaret_watermark::Mark;
use std::io::Write;
use std::rc::Rc;

/// A copy before it is written.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) media_type: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frames: u32,
    pub(super) lossless: bool,
}

pub(crate) fn render(
    job: &mut Job,
    spec: &RenditionSpec,
    mark: Option<&Mark>,
    budget: &Budget,
    out: &mut dyn RenditionSink,
) -> Result<Rendition, Why> {
    let made = match spec {
        RenditionSpec::Original => original::original(job, budget)?,
        RenditionSpec::Watermarked => reencode::reencode(job, reencode::Aim::Marked(needed(mark)?), budget)?,
        RenditionSpec::Thumbnail { max_edge } => thumbnail::thumbnail(job, *max_edge, None, budget)?,
        RenditionSpec::Viewed { max_edge, by } => thumbnail::thumbnail(job, *max_edge, Some(*by), budget)?,
        RenditionSpec::Played { max_edge, by } => played::played(job, *max_edge, *by, budget, out)?,
    };
    written(&made, out)
}

/// The same of a picture that was decoded elsewhere, in a format that is not written here: JPEG, or PNG where there is
/// transparency.
pub(crate) fn of_decoded(
    view: &View<'_>,
    about: &About,
    spec: &RenditionSpec,
    mark: Option<&Mark>,
    out: &mut dyn Write,
) -> Result<Rendition, Why> {
    let made = match spec {
        RenditionSpec::Original => decoded::copy(view, about, reencode::Aim::Upright)?,
        RenditionSpec::Watermarked => decoded::copy(view, about, reencode::Aim::Marked(needed(mark)?))?,
        RenditionSpec::Thumbnail { max_edge } => thumbnail::small(view, about, *max_edge, None)?,
        RenditionSpec::Viewed { max_edge, by } => thumbnail::small(view, about, *max_edge, Some(*by))?,
        RenditionSpec::Played { .. } => return Err(no_film().into()),
    };
    written(&made, out)
}

fn needed(mark: Option<&Mark>) -> Result<&Mark, Why> {
    mark.ok_or_else(|| Why::new("media.no_mark", "no watermark is configured; configure one"))
}

fn no_film() -> Fault {
    Fault::Unsupported("media.no_film", "a picture of one frame is not played".to_owned())
}

fn written(made: &Made, out: &mut dyn Write) -> Result<Rendition, Why> {
    out.write_all(&made.bytes).map_err(Fault::from)?;
    Ok(Rendition {
        media_type: made.media_type.to_owned(),
        width: made.width,
        height: made.height,
        frames: made.frames,
        bytes: made.bytes.len() as u64,
        note: if made.lossless { "lossless" } else { "re-encoded" }.to_owned(),
    })
}

/// The decoded picture if it has one frame. One with a flaw is never rendered.
fn flawless(job: &mut Job, budget: &Budget) -> Result<Option<Rc<Still>>, Fault> {
    match job.decode_still(budget)? {
        Some(still) => match &still.flaw {
            Some(flaw) => Err(flaw.clone()),
            None => Ok(Some(still)),
        },
        None => Ok(None),
    }
}
