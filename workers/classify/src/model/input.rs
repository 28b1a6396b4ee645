//! Pixels as the sampler delivers them to the tensor that a model wants.

use crate::manifest::{Color, Input, Layout, Scaling};
use lazaret_report::Why;

const CHANNELS: usize = 3;

/// How many values a picture has.
pub(super) fn values(input: &Input) -> usize {
    input.width as usize * input.height as usize * CHANNELS
}

pub(super) fn shape(input: &Input) -> [usize; 4] {
    let (width, height) = (input.width as usize, input.height as usize);
    match input.layout {
        Layout::Nhwc => [1, height, width, CHANNELS],
        Layout::Nchw => [1, CHANNELS, height, width],
    }
}

/// Scales, orders and lays out; refuses what is no picture of the right size.
pub(super) fn prepare(input: &Input, mut pixels: Vec<f32>) -> Result<Vec<f32>, Why> {
    let expected = values(input);
    if pixels.len() != expected {
        return Err(Why::new("model.input", format!("{} values instead of {expected}", pixels.len())));
    }
    // NaN is in no range.
    if !pixels.iter().all(|value| (0.0..=255.0).contains(value)) {
        return Err(Why::new("model.input", "a value is not between 0 and 255"));
    }
    if input.color == Color::Bgr {
        pixels.chunks_exact_mut(CHANNELS).for_each(|pixel| pixel.swap(0, 2));
    }
    scale(&input.scaling, &mut pixels);
    Ok(match input.layout {
        Layout::Nhwc => pixels,
        Layout::Nchw => planes(&pixels),
    })
}

fn scale(scaling: &Scaling, pixels: &mut [f32]) {
    let Scaling { divide_by, mean, std } = *scaling;
    // Divided and not multiplied by the reciprocal: the original's scores come from these very roundings.
    if mean == [0.0; 3] && std == [1.0; 3] {
        pixels.iter_mut().for_each(|value| *value /= divide_by);
        return;
    }
    for pixel in pixels.chunks_exact_mut(CHANNELS) {
        for channel in 0..CHANNELS {
            pixel[channel] = (pixel[channel] / divide_by - mean[channel]) / std[channel];
        }
    }
}

fn planes(pixels: &[f32]) -> Vec<f32> {
    (0..CHANNELS).flat_map(|channel| pixels.iter().skip(channel).step_by(CHANNELS).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Resize;

    fn input(layout: Layout, color: Color, scaling: Scaling) -> Input {
        Input { width: 2, height: 1, layout, color, resize: Resize::BilinearAlignCorners, scaling }
    }

    #[test]
    fn scaling_order_and_layout() {
        let pixels = vec![0.0, 51.0, 102.0, 255.0, 204.0, 153.0];
        let by_255 = Scaling { divide_by: 255.0, ..Scaling::default() };
        let shifted = Scaling { divide_by: 51.0, mean: [0.0, 1.0, 2.0], std: [1.0, 2.0, 4.0] };
        let cases = [
            (Layout::Nhwc, Color::Rgb, Scaling::default(), [0.0, 51.0, 102.0, 255.0, 204.0, 153.0]),
            (Layout::Nhwc, Color::Rgb, by_255, [0.0, 0.2, 0.4, 1.0, 0.8, 0.6]),
            (Layout::Nchw, Color::Rgb, by_255, [0.0, 1.0, 0.2, 0.8, 0.4, 0.6]),
            (Layout::Nhwc, Color::Bgr, by_255, [0.4, 0.2, 0.0, 0.6, 0.8, 1.0]),
            (Layout::Nhwc, Color::Rgb, shifted, [0.0, 0.0, 0.0, 5.0, 1.5, 0.25]),
        ];
        for (layout, color, scaling, expected) in cases {
            let prepared = prepare(&input(layout, color, scaling), pixels.clone()).unwrap();
            assert_eq!(prepared, expected, "{layout:?} {color:?} {scaling:?}");
        }
        assert_eq!(shape(&input(Layout::Nhwc, Color::Rgb, by_255)), [1, 1, 2, 3]);
        assert_eq!(shape(&input(Layout::Nchw, Color::Rgb, by_255)), [1, 3, 1, 2]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let input = input(Layout::Nhwc, Color::Rgb, Scaling::default());
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.5, 255.5] {
            let mut pixels = vec![1.0; 6];
            pixels[5] = bad;
            assert_eq!(prepare(&input, pixels).unwrap_err().code, "model.input", "{bad}");
        }
        for length in [0, 5, 7] {
            assert_eq!(prepare(&input, vec![1.0; length]).unwrap_err().code, "model.input", "{length}");
        }
    }
}
