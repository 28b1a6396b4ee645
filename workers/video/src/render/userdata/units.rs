//! Units of H.264 and HEVC: those that pictures are made of, and no others. Unknown ones go, as do those of a second view,
//! layer or auxiliary picture, which nobody looked at.

/// H.264 (table 7-1): pictures of the base view, parameter sets, delimiters and ends. Not: filler, prefixes, sets and
/// pictures of further views, auxiliary pictures, and what the standard leaves to others.
pub(super) fn belongs_to_h264(unit: &[u8]) -> bool {
    let Some(first) = unit.first() else { return false };
    match first & 0x1f {
        // Not in parts (2 to 4), which decoders pass over.
        1 | 5 | 7 | 8 => true,
        // A delimiter, ends: what is behind them would be talk.
        9 => unit.len() <= 2,
        10 | 11 => unit.len() == 1,
        6 => unit.get(1..).is_some_and(|rest| tells_pictures(rest, &[0, 1, 6, 47, 137, 144, 147])),
        _ => false,
    }
}

/// HEVC (table 7-1), of the base layer alone.
pub(super) fn belongs_to_hevc(unit: &[u8]) -> bool {
    let [first, second, rest @ ..] = unit else { return false };
    let layer = (first & 1) << 5 | second >> 3;
    layer == 0
        && match (first >> 1) & 0x3f {
            0..=9 | 16..=21 | 32..=34 => true,
            35 => rest.len() <= 1,
            36 | 37 => rest.is_empty(),
            39 | 40 => tells_pictures(rest, &[0, 1, 6, 47, 129, 132, 137, 144, 147]),
            _ => false,
        }
}

/// The longest message of a kind that is kept: timing of several fields, or checksums of three planes.
const MESSAGE: usize = 64;

/// Does a unit of supplemental information (H.264, 7.3.2.3) hold nothing but messages of these kinds: timing, recovery,
/// how a picture is turned, and what its colours mean? One that cannot be read is taken for one that does not.
fn tells_pictures(unit: &[u8], kinds: &[usize]) -> bool {
    let plain = unescaped(unit);
    let mut rest = &plain[..];
    loop {
        // The bit at the end, and what fills the last byte.
        if rest == [0x80] {
            return true;
        }
        let (Some(kind), Some(size)) = (varied(&mut rest), varied(&mut rest)) else { return false };
        if !kinds.contains(&kind) || size > rest.len().min(MESSAGE) {
            return false;
        }
        rest = &rest[size..];
    }
}

/// A number in as many bytes of 255 as go into it, and the remainder.
pub(super) fn varied(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    loop {
        let (byte, others) = rest.split_first()?;
        *rest = others;
        number += usize::from(*byte);
        if *byte != 255 {
            return Some(number);
        }
    }
}

/// Without the bytes that keep start codes from showing within a unit.
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        plain.push(*byte);
    }
    plain
}
