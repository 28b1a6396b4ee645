//! Whether two frames show the same scene: their bytes, at a few thousand places.

use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;

/// Places across and down.
const GRID: (usize, usize) = (64, 36);
/// Mean difference from which on it is another scene, of 255.
const UNLIKE: u32 = 24;

/// What is left of a frame to compare it by. Nothing for formats whose bytes mean something else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sketch(Vec<u8>);

impl Sketch {
    pub(super) fn of(frame: &frame::Video) -> Self {
        let planar = matches!(
            frame.format(),
            Pixel::YUV420P
                | Pixel::YUVJ420P
                | Pixel::YUV422P
                | Pixel::YUVJ422P
                | Pixel::YUV444P
                | Pixel::YUVJ444P
        );
        if !planar {
            return Self::default();
        }
        let mut bytes = Vec::with_capacity(GRID.0 * GRID.1 * 3);
        for plane in 0..frame.planes().min(3) {
            let (data, stride) = (frame.data(plane), frame.stride(plane));
            let (width, height) = (frame.plane_width(plane) as usize, frame.plane_height(plane) as usize);
            for row in 0..GRID.1 {
                let line = (row * height / GRID.1) * stride;
                bytes.extend((0..GRID.0).filter_map(|column| data.get(line + column * width / GRID.0)));
            }
        }
        Self(bytes)
    }

    pub(super) fn is_unlike(&self, other: &Self) -> bool {
        if self.0.is_empty() || self.0.len() != other.0.len() {
            return false;
        }
        let difference: u32 = self.0.iter().zip(&other.0).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        difference / self.0.len() as u32 >= UNLIKE
    }
}
