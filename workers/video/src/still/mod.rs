//! AVIF and HEIF: pictures whose pieces are coded as the pictures of films are. Which pieces is said by
//! [`lazaret_inspect::heif`]; here they are decoded, one after another, and put together.

mod alpha;
mod canvas;
mod coded;
mod colours;

use crate::picture::Painter;
use crate::source::Job;
use canvas::Canvas;
use coded::Decoders;
use lazaret_inspect::heif::{self, Codec, Drawn, Flaw, Still};
use lazaret_media::{Decoded, Told, exif};
use lazaret_sandbox::{Coverage, Metadata, Why};
use std::io::{BufReader, Read, Seek, SeekFrom};

/// Whether the file is such a picture, by its media type.
pub(crate) fn is_still(media_type: &str) -> bool {
    matches!(media_type, "image/avif" | "image/heic" | "image/heif")
}

/// The picture that the file shows, as it is stored but for what is cropped.
pub(crate) fn decode(job: &Job, max_pixels: u64) -> Result<Decoded, Why> {
    let mut file = BufReader::with_capacity(64 << 10, &*job.file);
    let still = heif::still(&mut file, job.size()).map_err(refused)?;
    let layers: Vec<&Drawn> = std::iter::once(&still.colour).chain(&still.alpha).collect();
    layers.iter().try_for_each(|drawn| bounded(drawn, max_pixels))?;
    let mut decoders = Decoders::new(&job.file);
    let (mut canvas, colours) = paint(&still, &mut decoders)?;
    if let Some(alpha) = &still.alpha {
        alpha::onto(&mut canvas, alpha, still.premultiplied, &mut decoders)?;
    }
    if let Some(crop) = &still.crop {
        canvas.crop(crop)?;
    }
    let told = Told {
        size: (canvas.width, canvas.height),
        orientation: still.orientation,
        icc: still.colours.icc.as_deref(),
        other_colours: colours.other,
        beside: still.beside,
        coverage: coverage(&still, colours.unknown),
        decoder: match still.colour.tiles.first().map(|tile| tile.codec) {
            Some(Codec::Av1) => "libdav1d by FFmpeg",
            _ => "hevc by FFmpeg",
        },
        metadata: exif_block(&mut file, &still)
            .map_or_else(Metadata::default, |block| exif::of_block(&block)),
    };
    Decoded::new(told, canvas.pixels)
}

/// From the head of TIFF on. Nothing rests on it, so one that cannot be read is none.
fn exif_block(file: &mut (impl Read + Seek), still: &Still) -> Option<Vec<u8>> {
    let length: u64 = still.exif.iter().map(|(start, end)| end - start).sum();
    let mut bytes = vec![0; usize::try_from(length).ok().filter(|length| *length <= exif::LARGEST)?];
    let mut rest = &mut bytes[..];
    for (start, end) in &still.exif {
        let piece = rest.split_off_mut(..(end - start) as usize)?;
        file.seek(SeekFrom::Start(*start)).ok()?;
        file.read_exact(piece).ok()?;
    }
    let (before, _) = bytes.split_first_chunk()?;
    let head = 4usize.checked_add(u32::from_be_bytes(*before) as usize)?;
    (head < bytes.len()).then(|| bytes.split_off(head))
}

fn coverage(still: &Still, unknown: Option<String>) -> Coverage {
    let colours = unknown.map_or(Coverage::Complete, |what| Coverage::partial("image.colours", what));
    if still.sequence {
        let what = "a track of pictures, which is not looked at";
        return colours.and(Coverage::partial("unseen", what));
    }
    colours
}

/// Held against what is told before anything is decoded: the picture, and its tiles, which may reach beyond.
fn bounded(drawn: &Drawn, max_pixels: u64) -> Result<(), Why> {
    let (width, height) = (drawn.width, drawn.height);
    let tile = u64::from(drawn.tile.0) * u64::from(drawn.tile.1);
    let tiles = tile.saturating_mul(drawn.tiles.len() as u64);
    if u64::from(width) * u64::from(height) > max_pixels || tiles > max_pixels.saturating_mul(2) {
        let detail = format!("{width}x{height} pixels in {tiles} of tiles, at most {max_pixels} are decoded");
        return Err(Why::new("limit.pixels", detail));
    }
    Ok(())
}

fn paint(still: &Still, decoders: &mut Decoders<'_>) -> Result<(Canvas, colours::Seen), Why> {
    let drawn = &still.colour;
    let mut canvas = Canvas::new(drawn, still.alpha.is_some());
    let mut seen = colours::Seen::of(&still.colours);
    let mut painter = Painter::default();
    for (n, tile) in drawn.tiles.iter().enumerate() {
        let mut frame = decoders.decode(tile, drawn.tile)?;
        seen.mean(&mut frame);
        let place = canvas::place(drawn, n);
        painter.rows(&frame, u64::MAX, |y, row| canvas.draw(place, y, row))?;
    }
    Ok((canvas, seen))
}

fn refused(flaw: Flaw) -> Why {
    let code = match &flaw {
        Flaw::Io(_) => "io.unreadable",
        Flaw::Malformed(_) => "media.undecodable",
        Flaw::Unsupported(_) => "media.unsupported",
        Flaw::Limit(_) => "limit.parts",
    };
    Why::new(code, flaw.to_string())
}
