//! Copies for delivery. None carries metadata, subtitles, chapters, attachments or tracks of data.

mod muxer;
mod poster;
mod remux;
mod sound;
mod transcode;
mod userdata;

use crate::source::Job;
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Rendition, RenditionSpec, Why};
use lazaret_watermark::Mark;

/// What is remade is decoded, whatever size it was allowed to be when it was looked at.
const MAX_PIXELS: u64 = 100_000_000;

pub(crate) fn render(
    job: &Job,
    spec: &RenditionSpec,
    mark: Option<&Mark>,
    out: &mut dyn RenditionSink,
) -> Result<Rendition, Why> {
    match spec {
        RenditionSpec::Original => remux::remux(job, out),
        RenditionSpec::Thumbnail { max_edge } => poster::poster(job, *max_edge, None, out),
        RenditionSpec::Viewed { max_edge, by } => poster::poster(job, *max_edge, Some(*by), out),
        RenditionSpec::Watermarked => match mark {
            Some(mark) => transcode::transcode(job, mark, out),
            None => Err(Why::new("media.no_mark", "no watermark is configured; configure one")),
        },
    }
}
