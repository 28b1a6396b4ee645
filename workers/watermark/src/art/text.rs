//! Text as pixels: shaped with bidi and font fallback, drawn once at a large size.

use super::fonts::{self, needs_glyph};
use super::{Art, MAX_AREA, halo};
use crate::MarkError;
use cosmic_text::{
    Attrs, Buffer, CacheKeyFlags, Family, FontSystem, LayoutRun, Metrics, Shaping, SwashCache, SwashContent,
    SwashImage, Wrap,
};
use std::path::PathBuf;

/// Font size and line height at which a short text is drawn, in pixels.
const SIZE: f32 = 192.0;
const LINE: f32 = 256.0;
/// The halo's radius as a share of the font size.
const HALO: f32 = 1.0 / 40.0;

/// A glyph's pixels and where they go.
struct Placed {
    x: i32,
    y: i32,
    image: SwashImage,
}

pub(super) fn draw(text: &str, paths: &[PathBuf], color: [u8; 3]) -> Result<Art, MarkError> {
    let installed;
    let paths = if paths.is_empty() {
        installed = fonts::default_fonts();
        &installed
    } else {
        paths
    };
    if !text.chars().any(needs_glyph) {
        return Err(MarkError::invalid("content.text.text", "is empty: give at least one visible character"));
    }
    let database = fonts::covering(text, paths)?;
    // The chosen faces go by names of our own, so the platform's fallback lists, and the locale that picks among them,
    // match nothing: fallback goes through the chosen faces in their order.
    let mut system = FontSystem::new_with_locale_and_db("en".to_owned(), database);
    let (buffer, size) = lay_out(&mut system, text);
    refuse_missing_glyphs(&buffer)?;
    let placed = rasterise(&mut system, &buffer);
    let radius = ((size * HALO).round() as usize).max(1);
    let mut art = compose(&placed, color, 2 * radius as i32 + 1)?;
    halo::under(&mut art, radius, luma(color) < 128);
    Ok(art.bounded(MAX_AREA))
}

/// The laid-out text and the font size, smaller for a text that would need too many pixels.
fn lay_out(system: &mut FontSystem, text: &str) -> (Buffer, f32) {
    let mut buffer = Buffer::new(system, Metrics::new(SIZE, LINE));
    let family = fonts::family(0);
    let attrs = Attrs::new().family(Family::Name(&family)).cache_key_flags(CacheKeyFlags::DISABLE_HINTING);
    buffer.set_wrap(Wrap::None);
    buffer.set_size(None, None);
    buffer.set_text(text, &attrs, Shaping::Advanced, None);
    buffer.shape_until_scroll(system, false);
    let (width, height) = extent(&buffer);
    let factor = (MAX_AREA as f32 / (width.max(1.0) * height.max(1.0))).sqrt().min(1.0);
    if factor < 1.0 {
        buffer.set_metrics(Metrics::new(SIZE * factor, LINE * factor));
        buffer.shape_until_scroll(system, false);
    }
    (buffer, SIZE * factor)
}

fn extent(buffer: &Buffer) -> (f32, f32) {
    buffer
        .layout_runs()
        .fold((0.0f32, 0.0f32), |(w, h), run| (w.max(run.line_w), h.max(run.line_top + run.line_height)))
}

/// The character maps were asked before; this catches clusters that no single font can put together.
fn refuse_missing_glyphs(buffer: &Buffer) -> Result<(), MarkError> {
    for run in buffer.layout_runs() {
        for glyph in run.glyphs.iter().filter(|glyph| glyph.glyph_id == 0) {
            let cluster = run.text.get(glyph.start..glyph.end).unwrap_or(run.text);
            if cluster.chars().any(needs_glyph) {
                return Err(MarkError::MissingCluster { cluster: cluster.to_owned() });
            }
        }
    }
    Ok(())
}

fn rasterise(system: &mut FontSystem, buffer: &Buffer) -> Vec<Placed> {
    let (width, _) = extent(buffer);
    let mut cache = SwashCache::new();
    let mut placed = Vec::new();
    for run in buffer.layout_runs() {
        // Lines are centred on each other, whichever way they are read.
        let (left, right) = ends(&run);
        let shift = (width - (right - left)) / 2.0 - left;
        for glyph in run.glyphs.iter().filter(|glyph| glyph.glyph_id != 0) {
            let at = glyph.physical((shift, run.line_y), 1.0);
            if let Some(image) = cache.get_image_uncached(system, at.cache_key)
                && image.placement.width > 0
                && image.placement.height > 0
            {
                placed.push(Placed { x: at.x + image.placement.left, y: at.y - image.placement.top, image });
            }
        }
    }
    placed
}

fn ends(run: &LayoutRun<'_>) -> (f32, f32) {
    run.glyphs.iter().fold((f32::MAX, f32::MIN), |(l, r), glyph| (l.min(glyph.x), r.max(glyph.x + glyph.w)))
}

/// All glyphs on one transparent sheet that ends `room` pixels around them.
fn compose(placed: &[Placed], color: [u8; 3], room: i32) -> Result<Art, MarkError> {
    let right = |p: &Placed| p.x + p.image.placement.width as i32;
    let bottom = |p: &Placed| p.y + p.image.placement.height as i32;
    let (Some(left), Some(top), Some(right), Some(bottom)) = (
        placed.iter().map(|p| p.x).min(),
        placed.iter().map(|p| p.y).min(),
        placed.iter().map(right).max(),
        placed.iter().map(bottom).max(),
    ) else {
        return Err(MarkError::Text("it draws nothing: give at least one visible character"));
    };
    let (left, top) = (left - room, top - room);
    let (width, height) = ((right + room - left) as u32, (bottom + room - top) as u32);
    // Layout keeps the area bounded; only heaps of stacked marks can reach far out of their line.
    if u64::from(width) * u64::from(height) > 4 * u64::from(MAX_AREA) {
        return Err(MarkError::Text("its marks stack too high: use fewer combining characters"));
    }
    let mut art = Art { width, height, rgba: vec![0; width as usize * height as usize * 4] };
    for glyph in placed {
        stamp(&mut art, glyph, (glyph.x - left) as usize, (glyph.y - top) as usize, color);
    }
    Ok(art)
}

fn stamp(art: &mut Art, glyph: &Placed, x: usize, y: usize, color: [u8; 3]) {
    let width = glyph.image.placement.width as usize;
    let depth = if glyph.image.content == SwashContent::Mask { 1 } else { 4 };
    for (row, source) in glyph.image.data.chunks_exact(width * depth).enumerate() {
        let start = ((y + row) * art.width as usize + x) * 4;
        let target = &mut art.rgba[start..start + width * 4];
        for (pixel, source) in target.chunks_exact_mut(4).zip(source.chunks_exact(depth)) {
            let (rgb, alpha) = match source {
                [r, g, b, a] => ([*r, *g, *b], *a),
                _ => (color, source[0]),
            };
            let rest = 255 - u32::from(alpha);
            for (value, ink) in pixel.iter_mut().zip([rgb[0], rgb[1], rgb[2], 255]) {
                *value = ((u32::from(ink) * u32::from(alpha) + u32::from(*value) * rest + 127) / 255) as u8;
            }
        }
    }
}

/// Brightness by the weights of Rec. 601.
fn luma([r, g, b]: [u8; 3]) -> u32 {
    (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)) / 1000
}
