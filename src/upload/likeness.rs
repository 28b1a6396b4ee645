//! What a picture looks like, in 64 bits, so that pictures that look alike can be found: the difference hash ("dHash",
//! N. Krawetz, "Kind of Like That", 2013). The picture's brightness is averaged over 9 by 8 fields; a bit says whether a
//! field is brighter than its neighbour at the right. It survives scaling, compression and most marks; not cropping,
//! turning or mirroring. It is evidence of nothing: no verdict rests on it.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const COLUMNS: usize = 9;
const ROWS: usize = 8;
/// Of 255: how much brighter is brighter. Less is what compression leaves of an even field.
const MARGIN: f32 = 2.0;
/// With fewer bits set, or fewer not set, it says too little of a picture: even fields and plain gradients come to these.
const LEAST: u32 = 6;
/// Bits of 64 that may differ between pictures that look alike.
pub const ALIKE: u32 = 8;
/// What is looked for in an index: so many bits at a time.
const BAND: u32 = 16;

/// Written as 16 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Likeness(u64);

impl Likeness {
    /// Of RGB between 0 and 255, rows from the top, channels last. `None`: there is too little to be seen, or the pixels
    /// are not as many.
    pub fn of(pixels: &[f32], width: usize, height: usize) -> Option<Self> {
        let (pixels, rest) = pixels.as_chunks::<3>();
        if !rest.is_empty() || pixels.len() != width * height || width < COLUMNS || height < ROWS {
            return None;
        }
        let mut bits = 0;
        for row in 0..ROWS {
            let field = |column| {
                let rows = row * height / ROWS..(row + 1) * height / ROWS;
                let columns = column * width / COLUMNS..(column + 1) * width / COLUMNS;
                let all = (rows.len() * columns.len()) as f32;
                let lines = rows.map(|y| &pixels[y * width..][columns.clone()]);
                lines.flatten().map(brightness).sum::<f32>() / all
            };
            let fields: [f32; COLUMNS] = std::array::from_fn(field);
            for pair in fields.windows(2) {
                bits = bits << 1 | u64::from(pair[0] > pair[1] + MARGIN);
            }
        }
        let set: u32 = u64::count_ones(bits);
        (LEAST..=64 - LEAST).contains(&set).then_some(Self(bits))
    }

    /// Bits that differ.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// The lowest 16 bits, the next ones, and so on. Two that differ in fewer bits than there are bands share one.
    pub fn bands(self) -> [u16; 4] {
        std::array::from_fn(|n| (self.0 >> (n as u32 * BAND) & u64::from(u16::MAX)) as u16)
    }

    /// The places of those bands that tell it from others: even fields, as of a sky or a margin, come to the same bits in
    /// half of all pictures. Where there is no other, all.
    pub fn telling(self) -> Vec<usize> {
        let bands = self.bands();
        let telling: Vec<usize> = (0..bands.len()).filter(|n| !matches!(bands[*n], 0 | u16::MAX)).collect();
        if telling.is_empty() { (0..bands.len()).collect() } else { telling }
    }

    /// As a database keeps it.
    pub fn stored(self) -> i64 {
        self.0.cast_signed()
    }

    pub fn of_stored(stored: i64) -> Self {
        Self(stored.cast_unsigned())
    }
}

/// Rec. ITU-R BT.601.
fn brightness([red, green, blue]: &[f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Likeness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits =
            text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let bits = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        bits.map(Self).ok_or_else(|| format!("not 16 lower-case hex digits: {text:?}"))
    }
}

impl TryFrom<String> for Likeness {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Likeness> for String {
    fn from(likeness: Likeness) -> Self {
        likeness.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIDE: usize = 224;

    /// Of brightness by place, both from 0 to 1.
    fn picture(of: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let at = |n: usize| n as f32 / SIDE as f32;
        (0..SIDE * SIDE).flat_map(|n| [of(at(n % SIDE), at(n / SIDE)) * 255.0; 3]).collect()
    }

    fn hash(of: impl Fn(f32, f32) -> f32) -> Option<Likeness> {
        Likeness::of(&picture(of), SIDE, SIDE)
    }

    fn waves(x: f32, y: f32) -> f32 {
        0.5 + 0.5 * (x * 19.0 + y * y * 11.0).sin()
    }

    #[test]
    fn a_bit_is_a_field_brighter_than_the_next() {
        // Stripes of a field each, light first; of the last row but one the other way round.
        let stripes = |x: f32, y: f32| {
            let light = ((x * 9.0) as u32).is_multiple_of(2);
            f32::from(u8::from(light != ((y * 8.0) as u32 == 6)))
        };
        assert_eq!(hash(stripes).unwrap().to_string(), "aaaaaaaaaaaa55aa");
    }

    #[test]
    fn what_is_even_or_a_plain_gradient_has_none() {
        for even in [|_, _| 0.0, |_, _| 1.0, |x, _| x, |x: f32, _| 1.0 - x, |_, y| y] {
            assert_eq!(hash(even), None);
        }
        assert_eq!(Likeness::of(&[1.0; 300], SIDE, SIDE), None, "not as many pixels");
        assert_eq!(Likeness::of(&[1.0; 8 * 8 * 3], 8, 8), None, "too small");
    }

    #[test]
    fn other_light_contrast_and_noise_look_alike_and_another_picture_does_not() {
        let whole = hash(waves).unwrap();
        let noise = |x: f32, y: f32| ((x * 7919.0).sin() * (y * 6101.0).cos()) * 0.08;
        for (what, other) in [
            ("darker", hash(|x, y| waves(x, y) * 0.7)),
            ("less contrast", hash(|x, y| 0.3 + waves(x, y) * 0.4)),
            ("noise", hash(|x, y| (waves(x, y) + noise(x, y)).clamp(0.0, 1.0))),
            // A mark in a corner.
            ("a mark", hash(|x, y| if x > 0.8 && y > 0.9 { 1.0 } else { waves(x, y) })),
        ] {
            let distance = whole.distance(other.unwrap());
            assert!(distance <= ALIKE, "{what}: {distance}");
        }
        let other = hash(|x, y| waves(y, x)).unwrap();
        assert!(whole.distance(other) > 2 * ALIKE, "{}", whole.distance(other));
    }

    #[test]
    fn a_band_of_even_fields_tells_nothing_unless_all_are_such() {
        for (text, telling) in [
            ("0123456789abcdef", &[0, 1, 2, 3][..]),
            ("0000456789abffff", &[1, 2]),
            ("ffff00000000ffff", &[0, 1, 2, 3]),
        ] {
            assert_eq!(text.parse::<Likeness>().unwrap().telling(), telling, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_stored_and_written_comes_back(bits: u64) {
            let likeness = Likeness(bits);
            prop_assert_eq!(Likeness::of_stored(likeness.stored()), likeness);
            prop_assert_eq!(likeness.to_string().parse(), Ok(likeness));
        }

        /// Which is what an index is asked for.
        #[test]
        fn three_bits_leave_a_band_as_it_is(bits: u64, at in proptest::array::uniform3(0u32..64)) {
            let other = Likeness(at.iter().fold(bits, |bits, at| bits ^ 1 << at));
            let pairs = Likeness(bits).bands().into_iter().zip(other.bands());
            prop_assert!(pairs.into_iter().any(|(a, b)| a == b));
        }

        #[test]
        fn nothing_else_is_read(text in "\\PC{0,20}") {
            let is = text.len() == 16 && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
            prop_assert_eq!(text.parse::<Likeness>().is_ok(), is);
        }
    }
}
