//! Decoded frames as RGB, and small.

use crate::{fault, foreign, luma};
use ffmpeg_next::color::Range;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling::{Context, Flags};
use lazaret_pixels::View;
use lazaret_sandbox::Why;

/// Turns frames into RGB rows without gaps. Formats and sizes may change from one frame to the next.
#[derive(Default)]
pub(crate) struct Painter {
    scaler: Option<Context>,
    /// Of the frame that the scaler was made for.
    made_for: Option<Kind>,
    painted: Option<frame::Video>,
    rows: Vec<u8>,
}

type Kind = (Pixel, u32, u32, ffmpeg_next::color::Space, Range);

impl Painter {
    /// The frame as it is stored, not turned.
    pub(crate) fn paint(&mut self, frame: &frame::Video, max_pixels: u64) -> Result<View<'_>, Why> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        let painted = self.rows(frame, max_pixels, |_, row| rows.extend_from_slice(row));
        self.rows = rows;
        painted.map(|()| View { width: frame.width(), height: frame.height(), pixels: &self.rows })
    }

    /// The same, row by row from the top.
    pub(crate) fn rows(
        &mut self,
        frame: &frame::Video,
        max_pixels: u64,
        mut each: impl FnMut(usize, &[u8]),
    ) -> Result<(), Why> {
        let (width, height) = (frame.width(), frame.height());
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > max_pixels {
            let detail = format!("{width}x{height} pixels, at most {max_pixels} are decoded");
            return Err(Why::new("limit.pixels", detail));
        }
        if is_grey(frame) {
            // FFmpeg's scaler takes all greys for those of the full range.
            let mut wide = Vec::with_capacity(width as usize * 3);
            return luma::rows(frame, frame.color_range() == Range::JPEG, |y, greys| {
                wide.clear();
                wide.extend(greys.iter().flat_map(|grey| [*grey; 3]));
                each(y, &wide);
            });
        }
        let kind = (frame.format(), width, height, frame.color_space(), frame.color_range());
        if self.made_for != Some(kind) {
            // Its size stays as it is. Never FAST_BILINEAR, which makes machine code as it goes.
            let flags = Flags::BICUBIC;
            let mut scaler = Context::get(frame.format(), width, height, Pixel::RGB24, width, height, flags)
                .map_err(fault::at("colours"))?;
            foreign::mean_colours_of(&mut scaler, frame);
            self.scaler = Some(scaler);
            self.painted = None;
            self.made_for = Some(kind);
        }
        let Some(scaler) = &mut self.scaler else { return Err(Why::new("media.undecodable", "no scaler")) };
        let painted = self.painted.get_or_insert_with(frame::Video::empty);
        scaler.run(frame, painted).map_err(fault::at("colours"))?;
        let row = width as usize * 3;
        let stride = painted.stride(0);
        for (y, line) in painted.data(0).chunks(stride).take(height as usize).enumerate() {
            each(y, &line[..row]);
        }
        Ok(())
    }
}

pub(crate) fn is_grey(frame: &frame::Video) -> bool {
    frame.format().descriptor().is_some_and(|descriptor| descriptor.name().starts_with("gray"))
}

/// Transparency is dropped, so it must not be there.
pub(crate) fn is_translucent(frame: &frame::Video) -> bool {
    let name = frame.format().descriptor().map_or("", |descriptor| descriptor.name());
    ["yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8"]
        .iter()
        .any(|of| name.starts_with(of))
}

/// What of a frame's colours is meant in a way that is not followed here: a player shows them otherwise than they are
/// looked at.
pub(crate) fn unknown_colours(frame: &frame::Video) -> Option<String> {
    use ffmpeg_next::color::{Space, TransferCharacteristic as Curve};
    let (matrix, curve) = (frame.color_space(), frame.color_transfer_characteristic());
    // Red, green and blue are not made by one.
    let is_rgb = is_planar_rgb(frame.format());
    let knows_matrix = is_rgb
        || matches!(
            matrix,
            Space::Unspecified
                | Space::Reserved
                | Space::BT709
                | Space::BT470BG
                | Space::SMPTE170M
                | Space::SMPTE240M
                | Space::FCC
                | Space::BT2020NCL
        );
    let knows_curve = matches!(
        curve,
        Curve::Unspecified
            | Curve::Reserved
            | Curve::Reserved0
            | Curve::BT709
            | Curve::SMPTE170M
            | Curve::IEC61966_2_1
            | Curve::BT2020_10
            | Curve::BT2020_12
            | Curve::GAMMA22
            | Curve::GAMMA28
    );
    let what =
        format!("colours by {matrix:?} and {curve:?}, which are looked at otherwise than they are shown");
    (!knows_matrix || !knows_curve).then_some(what)
}

pub(crate) fn is_planar_rgb(format: Pixel) -> bool {
    format.descriptor().is_some_and(|descriptor| descriptor.name().starts_with("gbr"))
}
