//! One picture that stands for the film: the first key frame after its first tenth that shows something.

use super::{MAX_PIXELS, within};
use crate::clock::micros;
use crate::picture::Painter;
use crate::source::Job;
use ffmpeg_next::frame;
use lazaret_media::sheet;
use lazaret_pixels::{View, bilinear, upright_size};
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Name, Rendition, Resize, Target, Variant, Why};
use lazaret_watermark::sign_rgb;

const QUALITY: i32 = 82;
/// Key frames that are tried.
const TRIES: usize = 8;

pub(super) fn poster(
    job: &Job,
    max_edge: u32,
    by: Option<Name>,
    out: &mut dyn RenditionSink,
) -> Result<Rendition, Why> {
    let mut source = job.open()?;
    let mut decoder = source.decoder(MAX_PIXELS)?;
    let tenth = source.input.duration() / 10;
    let mut best: Option<frame::Video> = None;
    let mut tries = 0;
    let (mut origin, mut failures) = (None, 0);
    while let Some(packet) = source.next() {
        let Ok(packet) = packet else {
            failures += 1;
            if failures > 16 { break } else { continue }
        };
        if packet.stream() != source.track || !packet.is_key() {
            continue;
        }
        let time = micros(packet.pts().unwrap_or(0), source.unit);
        let since = time - *origin.get_or_insert(time);
        if best.is_some() && since < tenth {
            continue;
        }
        let mut frame = frame::Video::empty();
        let sent = decoder.send_packet(&packet).and_then(|()| decoder.send_eof());
        let received = sent.and_then(|()| decoder.receive_frame(&mut frame));
        decoder.flush();
        if received.is_err() {
            continue;
        }
        let shows = shows_something(&frame);
        best = Some(frame);
        if since >= tenth {
            tries += 1;
            if shows || tries == TRIES {
                break;
            }
        }
    }
    let frame = best.ok_or_else(|| Why::new("media.undecodable", "no frame can be decoded"))?;
    let mut painter = Painter::default();
    let view = painter.paint(&frame, MAX_PIXELS)?;
    let (width, height) = upright_size(source.orientation, (view.width, view.height));
    let (width, height) = within((width, height), max_edge);
    let mut pixels = small(&view, source.orientation, (width, height));
    if let Some(by) = by
        && let Some(mut picture) = image::RgbImage::from_raw(width, height, pixels.clone())
    {
        sign_rgb(&mut picture, &by.text());
        pixels = picture.into_raw();
    }
    sheet::jpeg(&pixels, (width as usize, height as usize), QUALITY, out)
}

/// Not all of one brightness.
fn shows_something(frame: &frame::Video) -> bool {
    if frame.planes() == 0 {
        return false;
    }
    let (data, stride) = (frame.data(0), frame.stride(0));
    let width = frame.width() as usize;
    let places = (0..16).flat_map(|row| (0..16).map(move |column| (row, column)));
    let values = places.filter_map(|(row, column)| {
        data.get(row * frame.height() as usize / 16 * stride + column * width / 16)
    });
    let (least, most) = values.fold((255, 0), |(least, most), value| (least.min(*value), most.max(*value)));
    most.saturating_sub(least) > 24
}

/// Upright and small: each pixel the mean of as many as it stands for.
fn small(view: &View<'_>, orientation: image::metadata::Orientation, (width, height): (u32, u32)) -> Vec<u8> {
    let (full_width, _) = upright_size(orientation, (view.width, view.height));
    let over = full_width.div_ceil(width).clamp(1, 4);
    let target = Target { width: width * over, height: height * over, resize: Resize::BilinearAlignCorners };
    let mut large = Vec::new();
    bilinear(view, orientation, Variant::AlphaDropped, &target, &mut large);
    let row = (width * over * 3) as usize;
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height as usize {
        for x in 0..width as usize {
            for c in 0..3 {
                let over = over as usize;
                let cells = (0..over).flat_map(|dy| (0..over).map(move |dx| (dx, dy)));
                let sum: f32 =
                    cells.map(|(dx, dy)| large[(y * over + dy) * row + (x * over + dx) * 3 + c]).sum();
                pixels.push((sum / (over * over) as f32).round() as u8);
            }
        }
    }
    pixels
}
