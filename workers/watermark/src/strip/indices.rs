//! Which colours of its palette a PNG's pixels have: lines are unpacked one by one, and their filters undone (third edition,
//! 9.2), for pixels of no more than a byte.

use flate2::bufread::ZlibDecoder;
use std::io::Read;

/// Marks those of `data`, whose lines are of so many pixels, and so many one after another, of `depth` bits. `None` where
/// there are fewer, or a filter is unknown.
pub(super) fn mark(data: &[u8], passes: &[(u64, u64)], depth: u8, used: &mut [bool; 256]) -> Option<()> {
    let mut stream = ZlibDecoder::new(data);
    let depth = usize::from(depth);
    for (width, lines) in passes.iter().filter(|(width, _)| *width > 0) {
        let width = usize::try_from(*width).ok()?;
        let mut above = vec![0; (width * depth).div_ceil(8)];
        let mut line = above.clone();
        for _ in 0..*lines {
            let mut filter = [0];
            stream.read_exact(&mut filter).ok()?;
            stream.read_exact(&mut line).ok()?;
            undo(filter[0], &mut line, &above)?;
            for at in (0..width).map(|pixel| pixel * depth) {
                let index = line[at / 8] >> (8 - depth - at % 8) & (0xff >> (8 - depth));
                used[usize::from(index)] = true;
            }
            std::mem::swap(&mut above, &mut line);
        }
    }
    Some(())
}

fn undo(filter: u8, line: &mut [u8], above: &[u8]) -> Option<()> {
    let (mut left, mut corner) = (0, 0);
    for (byte, up) in line.iter_mut().zip(above) {
        let guess = match filter {
            0 => 0,
            1 => left,
            2 => *up,
            3 => (u16::from(left) + u16::from(*up)).div_euclid(2) as u8,
            4 => paeth(left, *up, corner),
            _ => return None,
        };
        *byte = byte.wrapping_add(guess);
        (left, corner) = (*byte, *up);
    }
    Some(())
}

/// Of the three neighbours the one that is nearest to what they make together.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let together = a + b - c;
    let (a, b, c) = (together.abs_diff(a), together.abs_diff(b), together.abs_diff(c));
    if a <= b && a <= c {
        left
    } else if b <= c {
        up
    } else {
        corner
    }
}
