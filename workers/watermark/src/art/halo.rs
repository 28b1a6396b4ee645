//! The thin contrasting edge that keeps a mark readable on light and on dark.

use super::Art;

/// Coverage of the halo at its strongest.
const STRENGTH: u32 = 170;
/// Blurred coverage times this: what makes a soft edge out of a blur.
const GAIN: u32 = 3;

/// Puts a soft edge of `radius` pixels, black or white, under premultiplied `ink`. The ink must keep `2 * radius`
/// pixels of room around it.
pub(super) fn under(ink: &mut Art, radius: usize, white: bool) {
    let (width, height) = (ink.width as usize, ink.height as usize);
    let mut mask: Vec<u8> = ink.rgba.chunks_exact(4).map(|p| p[3]).collect();
    let mut scratch = vec![0; mask.len()];
    // Two box blurs, one after the other, come near to a round brush.
    for _ in 0..2 {
        blur_rows(&mask, &mut scratch, width, radius);
        blur_columns(&scratch, &mut mask, width, height, radius);
    }
    for (pixel, blurred) in ink.rgba.chunks_exact_mut(4).zip(mask) {
        let rest = 255 - u32::from(pixel[3]);
        let halo = (u32::from(blurred) * GAIN).min(255) * STRENGTH / 255 * rest / 255;
        if halo == 0 {
            continue;
        }
        if white {
            for value in &mut pixel[..3] {
                *value = (u32::from(*value) + halo).min(255) as u8;
            }
        }
        pixel[3] = (u32::from(pixel[3]) + halo).min(255) as u8;
    }
}

fn blur_rows(from: &[u8], to: &mut [u8], width: usize, radius: usize) {
    let window = 2 * radius as u32 + 1;
    for (from, to) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
        let mut sum: u32 = from.iter().take(radius).map(|v| u32::from(*v)).sum();
        for (x, out) in to.iter_mut().enumerate() {
            sum += from.get(x + radius).map_or(0, |v| u32::from(*v));
            *out = (sum / window) as u8;
            sum -= x.checked_sub(radius).map_or(0, |x| u32::from(from[x]));
        }
    }
}

/// Row by row with one running sum a column: memory is read in its order.
fn blur_columns(from: &[u8], to: &mut [u8], width: usize, height: usize, radius: usize) {
    let window = 2 * radius as u32 + 1;
    let mut sums = vec![0u32; width];
    let row = |y: usize| &from[y * width..(y + 1) * width];
    for y in 0..radius.min(height) {
        sums.iter_mut().zip(row(y)).for_each(|(sum, v)| *sum += u32::from(*v));
    }
    for y in 0..height {
        if y + radius < height {
            sums.iter_mut().zip(row(y + radius)).for_each(|(sum, v)| *sum += u32::from(*v));
        }
        for (out, sum) in to[y * width..(y + 1) * width].iter_mut().zip(&sums) {
            *out = (sum / window) as u8;
        }
        if let Some(first) = y.checked_sub(radius) {
            sums.iter_mut().zip(row(first)).for_each(|(sum, v)| *sum -= u32::from(*v));
        }
    }
}
