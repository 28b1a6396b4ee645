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
        let Some(shift) = shift(frame.format()) else { return Self::default() };
        let mut bytes = Vec::with_capacity(GRID.0 * GRID.1 * 3);
        for plane in 0..frame.planes().min(3) {
            let (data, stride) = (frame.data(plane), frame.stride(plane));
            let (width, height) = (frame.plane_width(plane) as usize, frame.plane_height(plane) as usize);
            for row in 0..GRID.1 {
                let line = (row * height / GRID.1) * stride;
                let value = |column: usize| {
                    let across = column * width / GRID.0;
                    match shift {
                        0 => data.get(line + across).copied(),
                        _ => data.get(line + across * 2..)?.first_chunk().map(|two| high(*two, shift)),
                    }
                };
                bytes.extend((0..GRID.0).filter_map(value));
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

/// By how many bits a value is longer than eight. `None` of formats whose planes are not brightness and two of colour, a value
/// a byte or two, the lower first.
fn shift(format: Pixel) -> Option<u32> {
    match format {
        Pixel::YUV420P
        | Pixel::YUVJ420P
        | Pixel::YUV422P
        | Pixel::YUVJ422P
        | Pixel::YUV444P
        | Pixel::YUVJ444P => Some(0),
        Pixel::YUV420P10LE | Pixel::YUV422P10LE | Pixel::YUV444P10LE => Some(2),
        Pixel::YUV420P12LE | Pixel::YUV422P12LE | Pixel::YUV444P12LE => Some(4),
        _ => None,
    }
}

/// The upper eight bits that count.
fn high(two: [u8; 2], shift: u32) -> u8 {
    u8::try_from(u16::from_le_bytes(two) >> shift).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of one brightness, of eight bits, and no colour.
    fn grey(format: Pixel, value: u16, bits: u32) -> frame::Video {
        let mut frame = frame::Video::new(format, 320, 180);
        for plane in 0..3 {
            let all = if plane == 0 { value } else { 128 } << (bits - 8);
            let data = frame.data_mut(plane);
            match bits {
                8 => data.fill(u8::try_from(all).unwrap()),
                _ => data.chunks_exact_mut(2).for_each(|two| two.copy_from_slice(&all.to_le_bytes())),
            }
        }
        frame
    }

    /// Regression: films of ten bits had no scenes.
    #[test]
    fn scenes_change_whatever_a_value_is_long() {
        for (format, bits) in [
            (Pixel::YUV420P, 8),
            (Pixel::YUV444P, 8),
            (Pixel::YUV420P10LE, 10),
            (Pixel::YUV422P10LE, 10),
            (Pixel::YUV444P12LE, 12),
        ] {
            let of = |value| Sketch::of(&grey(format, value, bits));
            let dark = of(40);
            assert_eq!(dark.0.len(), GRID.0 * GRID.1 * 3, "{format:?}");
            assert!(dark.is_unlike(&of(140)) && of(140).is_unlike(&dark), "{format:?}");
            assert!(!dark.is_unlike(&of(44)) && !dark.is_unlike(&of(100)), "{format:?}");
            assert_eq!(dark, Sketch::of(&grey(Pixel::YUV444P, 40, 8)), "{format:?}");
        }
        let other = Sketch::of(&frame::Video::new(Pixel::RGB24, 320, 180));
        assert!(!other.is_unlike(&Sketch::default()));
    }
}
