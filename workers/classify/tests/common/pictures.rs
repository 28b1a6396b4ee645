//! The pictures of models/nsfw-mobilenet-v2/reference.mjs, by the same formulas.

/// RGB, row by row.
pub fn draw(formula: &str, width: u32, height: u32) -> Vec<u8> {
    let (w, h) = (i64::from(width), i64::from(height));
    let mut seed = 12345u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i64::from(seed >> 24)
    };
    let mut pixel = |x: i64, y: i64| match formula {
        "gradient" => [x * 255 / (w - 1), y * 255 / (h - 1), (x + y) * 255 / (w + h - 2)],
        "checkerboard" if (x / 37 + y / 37) % 2 == 1 => [230, 40, 60],
        "checkerboard" => [20, 200, 240],
        "noise" => [noise(), noise(), noise()],
        "discs" if disc(x, y, w / 2, h / 3, h / 5) => [224, 172, 140],
        "discs" if disc(x, y, w / 2, h * 4 / 5, h / 3) => [198, 134, 100],
        "discs" => [40 + y * 80 / h, 60, 90],
        "stripes" if (x + 2 * y) % 24 < 12 => [250, 250, 245],
        "stripes" => [30, 30, 35],
        "waves" => [(x * y) & 255, (x * x + y) & 255, (x + y * y) & 255],
        "flat" => [128, 64, 32],
        other => panic!("no formula for {other}"),
    };
    (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).map(|v| v as u8).collect()
}

fn disc(x: i64, y: i64, cx: i64, cy: i64, r: i64) -> bool {
    (x - cx).pow(2) + (y - cy).pow(2) <= r * r
}

/// `Resize::BilinearAlignCorners` as its documentation defines it; a second source of the sampler in workers/media.
pub fn resize(
    rgb: &[u8],
    (width, height): (usize, usize),
    (to_width, to_height): (usize, usize),
) -> Vec<f32> {
    let axis = |size: usize, to: usize| -> Vec<(usize, usize, f32)> {
        let step = if to > 1 { (size - 1) as f32 / (to - 1) as f32 } else { 0.0 };
        (0..to)
            .map(|i| {
                let at = i as f32 * step;
                let low = (at.floor() as usize).min(size - 1);
                (low, (at.ceil() as usize).min(size - 1), at - low as f32)
            })
            .collect()
    };
    let (columns, rows) = (axis(width, to_width), axis(height, to_height));
    let mut out = Vec::with_capacity(to_width * to_height * 3);
    for &(top, bottom, dy) in &rows {
        for &(left, right, dx) in &columns {
            for channel in 0..3 {
                let value = |x: usize, y: usize| f32::from(rgb[(y * width + x) * 3 + channel]);
                let upper = value(left, top) + (value(right, top) - value(left, top)) * dx;
                let lower = value(left, bottom) + (value(right, bottom) - value(left, bottom)) * dx;
                out.push(upper + (lower - upper) * dy);
            }
        }
    }
    out
}
