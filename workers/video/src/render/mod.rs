//! Copies for delivery. None carries metadata, subtitles, chapters, attachments or tracks of data.

mod heard;
mod listen;
mod muxer;
mod poster;
mod remux;
mod sound;
mod transcode;
pub(crate) mod userdata;

use crate::source::{Job, NO_PICTURES};
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Rendition, RenditionSpec, Why};
use lazaret_watermark::Mark;
use transcode::Onto;

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
        RenditionSpec::Played { .. } if !job.is_called_film() => heard::heard(job, out),
        RenditionSpec::Played { max_edge, by } => {
            match transcode::transcode(job, Onto::Name { text: by.text(), max_edge: *max_edge }, out) {
                // Sound alone, perhaps in a container that films have too. Nothing was written yet.
                Err(why) if why.code == NO_PICTURES => heard::heard(job, out),
                made => made,
            }
        }
        RenditionSpec::Watermarked => match mark {
            Some(mark) => transcode::transcode(job, Onto::Mark(mark), out),
            None => Err(Why::new("media.no_mark", "no watermark is configured; configure one")),
        },
    }
}

/// As large as it is, or so that its longer edge is no longer than this.
fn within((width, height): (u32, u32), edge: u32) -> (u32, u32) {
    let longer = width.max(height).max(1);
    if longer <= edge {
        return (width.max(1), height.max(1));
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(edge) / u64::from(longer)).max(1) as u32;
    (scaled(width), scaled(height))
}
