use super::{Art, MAX_AREA};

/// Turns premultiplied pixels counter-clockwise, bilinear, into the smallest upright box around them.
pub(super) fn turn(art: &Art, degrees: f32) -> Art {
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let around = |(w, h): (u32, u32)| {
        let (w, h) = (f64::from(w), f64::from(h));
        (w * cos.abs() + h * sin.abs(), w * sin.abs() + h * cos.abs())
    };
    let (box_w, box_h) = around(art.size());
    let shrink = (f64::from(MAX_AREA) / (box_w * box_h)).sqrt().min(1.0);
    let edge = |length: u32| ((f64::from(length) * shrink) as u32).max(1);
    let art = art.resized(edge(art.width), edge(art.height));

    let (box_w, box_h) = around(art.size());
    let (width, height) = ((box_w.ceil() as u32).max(1), (box_h.ceil() as u32).max(1));
    let mut rgba = vec![0; width as usize * height as usize * 4];
    let (mid_x, mid_y) = (f64::from(art.width) / 2.0, f64::from(art.height) / 2.0);
    for (row, y) in rgba.chunks_exact_mut(width as usize * 4).zip(0u32..) {
        let dy = f64::from(y) + 0.5 - f64::from(height) / 2.0;
        for (pixel, x) in row.chunks_exact_mut(4).zip(0u32..) {
            let dx = f64::from(x) + 0.5 - f64::from(width) / 2.0;
            // Rows go down, so counter-clockwise on screen is the inverse map with this sign.
            let from_x = dx * cos - dy * sin + mid_x - 0.5;
            let from_y = dx * sin + dy * cos + mid_y - 0.5;
            if let Some(value) = sample(&art, from_x, from_y) {
                pixel.copy_from_slice(&value);
            }
        }
    }
    Art { width, height, rgba }
}

/// The pixel at a point between pixel centres; outside is transparent.
fn sample(art: &Art, x: f64, y: f64) -> Option<[u8; 4]> {
    if x <= -1.0 || y <= -1.0 || x >= f64::from(art.width) || y >= f64::from(art.height) {
        return None;
    }
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (((x - left) * 256.0) as u32, ((y - top) * 256.0) as u32);
    let mut sum = [0u32; 4];
    for (dx, dy, share) in [
        (0, 0, (256 - right_share) * (256 - bottom_share)),
        (1, 0, right_share * (256 - bottom_share)),
        (0, 1, (256 - right_share) * bottom_share),
        (1, 1, right_share * bottom_share),
    ] {
        let (px, py) = (left as i64 + dx, top as i64 + dy);
        if px < 0 || py < 0 || px >= i64::from(art.width) || py >= i64::from(art.height) {
            continue;
        }
        let at = (py as usize * art.width as usize + px as usize) * 4;
        for (total, value) in sum.iter_mut().zip(&art.rgba[at..at + 4]) {
            *total += u32::from(*value) * share;
        }
    }
    Some(sum.map(|v| ((v + (1 << 15)) >> 16) as u8))
}
