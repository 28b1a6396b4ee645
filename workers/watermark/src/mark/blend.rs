//! Integer "source over" blending, one run of pixels at a time. The source is premultiplied RGBA.
//! Formula: Porter and Duff, "Compositing Digital Images", 1984.

/// `a * b / 255`, rounded, without a division.
#[inline]
fn mul(a: u8, b: u8) -> u32 {
    let t = u32::from(a) * u32::from(b) + 128;
    (t + (t >> 8)) >> 8
}

pub(super) fn over_rgb(target: &mut [u8], source: &[u8]) {
    for (t, s) in target.chunks_exact_mut(3).zip(source.chunks_exact(4)) {
        let rest = 255 - s[3];
        for c in 0..3 {
            t[c] = (u32::from(s[c]) + mul(t[c], rest)).min(255) as u8;
        }
    }
}

/// The target's alpha is straight.
pub(super) fn over_rgba(target: &mut [u8], source: &[u8]) {
    for (t, s) in target.chunks_exact_mut(4).zip(source.chunks_exact(4)) {
        let rest = 255 - s[3];
        if t[3] == 255 {
            for c in 0..3 {
                t[c] = (u32::from(s[c]) + mul(t[c], rest)).min(255) as u8;
            }
            continue;
        }
        let under = mul(t[3], rest);
        let alpha = u32::from(s[3]) + under;
        if alpha == 0 {
            continue;
        }
        for c in 0..3 {
            // The sum is premultiplied and in 1/255 steps; dividing by the new alpha makes it straight again.
            let sum = u32::from(s[c]) * 255 + u32::from(t[c]) * under;
            t[c] = ((sum + alpha / 2) / alpha).min(255) as u8;
        }
        t[3] = alpha.min(255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_free_product_is_exact() {
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                let exact = (f64::from(a) * f64::from(b) / 255.0).round() as u32;
                assert_eq!(mul(a, b), exact, "{a} * {b}");
            }
        }
    }

    #[test]
    fn a_half_transparent_target_keeps_straight_alpha() {
        // Half-opaque white over half-opaque black: three quarters opaque, two thirds white.
        let mut target = [0, 0, 0, 128];
        over_rgba(&mut target, &[128, 128, 128, 128]);
        assert_eq!(target[3], 192);
        assert!((169..=171).contains(&target[0]), "{target:?}");
        // On nothing at all, the mark itself shows, in its own straight colour.
        let mut target = [9, 9, 9, 0];
        over_rgba(&mut target, &[100, 50, 0, 100]);
        assert_eq!(target, [255, 128, 0, 100]);
    }
}
