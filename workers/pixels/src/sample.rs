//! From a full frame to a model's input: bilinear, corners aligned, no antialiasing.
//!
//! This is TensorFlow's `resizeBilinear(…, alignCorners = true)`: output pixel i of n lies at `i * (size - 1) / (n - 1)`
//! of the input, and only its four neighbours count. So a frame of any size costs four reads an output pixel, and
//! turning upright and blending are done at those reads alone.

use crate::{Steps, View, swaps_sides};
use image::metadata::Orientation;
use lazaret_sandbox::{Target, Variant};

/// Samples `view`, upright, into `out` as RGB rows of `target`'s size, 0 to 255.
pub fn bilinear(
    view: &View<'_>,
    orientation: Orientation,
    variant: Variant,
    target: &Target,
    out: &mut Vec<f32>,
) {
    let (width, height) =
        if swaps_sides(orientation) { (view.height, view.width) } else { (view.width, view.height) };
    let columns = Taps::all(width, target.width);
    let rows = Taps::all(height, target.height);
    let steps = Steps::of(view, orientation);
    out.clear();
    out.reserve(target.values());
    for row in &rows {
        let (upper, lower) = (row.near * steps.down + steps.origin, row.far * steps.down + steps.origin);
        for column in &columns {
            let (left, right) = (column.near * steps.right, column.far * steps.right);
            let read = |at: isize| pixel(view, at as usize, variant);
            let top = mix(read(upper + left), read(upper + right), column.share);
            let bottom = mix(read(lower + left), read(lower + right), column.share);
            out.extend(mix(top, bottom, row.share));
        }
    }
}

/// The two input positions of one output position, and how much of the second.
struct Taps {
    near: isize,
    far: isize,
    share: f32,
}

impl Taps {
    fn all(size: u32, target: u32) -> Vec<Self> {
        let last = size.saturating_sub(1);
        let ratio = if target > 1 { f64::from(last) / f64::from(target - 1) } else { 0.0 };
        let at = |i: u32| {
            let position = f64::from(i) * ratio;
            // The float product may overshoot the last pixel by a hair.
            let near = (position.floor() as u32).min(last);
            let share = (position - f64::from(near)).clamp(0.0, 1.0) as f32;
            Self { near: near as isize, far: (near + 1).min(last) as isize, share }
        };
        (0..target).map(at).collect()
    }
}

fn mix(a: [f32; 3], b: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * share)
}

fn pixel(view: &View<'_>, at: usize, variant: Variant) -> [f32; 3] {
    let rgb = &view.pixels[at..at + 3];
    let rgb = [f32::from(rgb[0]), f32::from(rgb[1]), f32::from(rgb[2])];
    if variant == Variant::AlphaDropped || !view.has_alpha_channel() {
        return rgb;
    }
    let alpha = f32::from(view.pixels[at + 3]) / 255.0;
    let ground = if variant == Variant::OnWhite { 255.0 } else { 0.0 };
    rgb.map(|value| value * alpha + ground * (1.0 - alpha))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_sandbox::Resize;

    /// The formula written down anew, in f64 and without any of the shortcuts.
    fn naive(pixels: &[u8], (w, h): (u32, u32), (tw, th): (u32, u32), ground: Option<f64>) -> Vec<f64> {
        let channels = if ground.is_some() { 4 } else { 3 };
        let at = |x: u32, y: u32, c: usize| {
            let pixel = &pixels[((y * w + x) as usize) * channels..];
            let value = f64::from(pixel[c]);
            ground.map_or(value, |g| {
                let alpha = f64::from(pixel[3]) / 255.0;
                value * alpha + g * (1.0 - alpha)
            })
        };
        let mut out = Vec::new();
        for ty in 0..th {
            for tx in 0..tw {
                let x = if tw > 1 { f64::from(tx * (w - 1)) / f64::from(tw - 1) } else { 0.0 };
                let y = if th > 1 { f64::from(ty * (h - 1)) / f64::from(th - 1) } else { 0.0 };
                let (x0, y0) = (x.floor() as u32, y.floor() as u32);
                let (x1, y1) = (x.ceil() as u32, y.ceil() as u32);
                let (fx, fy) = (x.fract(), y.fract());
                for c in 0..3 {
                    let top = at(x0, y0, c) * (1.0 - fx) + at(x1, y0, c) * fx;
                    let bottom = at(x0, y1, c) * (1.0 - fx) + at(x1, y1, c) * fx;
                    out.push(top * (1.0 - fy) + bottom * fy);
                }
            }
        }
        out
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn the_sampler_equals_the_formula() {
        let sizes = [
            ((1, 1), (3, 3)),
            ((7, 5), (1, 1)),
            ((640, 427), (224, 224)),
            ((9, 300), (32, 5)),
            ((2, 2), (5, 4)),
        ];
        for ((w, h), (tw, th)) in sizes {
            for (variant, ground) in [
                (Variant::AlphaDropped, None),
                (Variant::OnBlack, Some(0.0)),
                (Variant::OnWhite, Some(255.0)),
            ] {
                let channels = if ground.is_some() { 4 } else { 3 };
                let pixels = noise((w * h * channels) as usize);
                let view = View { width: w, height: h, pixels: &pixels };
                let target = Target { width: tw, height: th, resize: Resize::BilinearAlignCorners };
                let mut out = Vec::new();
                bilinear(&view, Orientation::NoTransforms, variant, &target, &mut out);
                let expected = naive(&pixels, (w, h), (tw, th), ground);
                assert_eq!(out.len(), expected.len());
                for (got, wanted) in out.iter().zip(&expected) {
                    assert!((f64::from(*got) - wanted).abs() < 0.01, "{w}x{h} to {tw}x{th}: {got} {wanted}");
                }
            }
        }
    }

    #[test]
    fn corners_are_the_corners() {
        let pixels = noise(640 * 480 * 3);
        let view = View { width: 640, height: 480, pixels: &pixels };
        let target = Target { width: 224, height: 224, resize: Resize::BilinearAlignCorners };
        let mut out = Vec::new();
        bilinear(&view, Orientation::NoTransforms, Variant::AlphaDropped, &target, &mut out);
        let floats = |bytes: &[u8]| bytes.iter().map(|b| f32::from(*b)).collect::<Vec<_>>();
        assert_eq!(out[..3], floats(&pixels[..3]));
        assert_eq!(out[out.len() - 3..], floats(&pixels[pixels.len() - 3..]));
    }
}
