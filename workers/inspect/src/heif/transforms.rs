//! Cropping, turning and mirroring (ISO/IEC 23008-12, 6.5.9, 6.5.10 and 6.5.12; ISO/IEC 14496-12, 12.1.4), in the order in
//! which an item lists them.

use super::Flaw;
use super::fields::Fields;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    Crop(Aperture),
    /// So many quarters of a turn, against the clock.
    Turn(u8),
    /// Left and right change places where it goes `across`, else top and bottom.
    Mirror {
        across: bool,
    },
}

/// Fractions: width, height, and how far its middle is from the picture's, to the right and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aperture([(i64, i64); 4]);

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

pub(super) fn clap(mut fields: Fields<'_>) -> Result<Transform, Flaw> {
    let mut fractions = [(0, 0); 4];
    for (n, fraction) in fractions.iter_mut().enumerate() {
        let (above, below) = (fields.u32()?, fields.u32()?);
        // The offsets may be negative.
        let above = if n < 2 { i64::from(above) } else { i64::from(above.cast_signed()) };
        *fraction = (above, i64::from(below));
    }
    Ok(Transform::Crop(Aperture(fractions)))
}

impl Aperture {
    fn on(self, size: (u32, u32)) -> Result<Crop, Flaw> {
        let [width, height, right, down] = self.0;
        let (left, width) = side(size.0, width, right)?;
        let (top, height) = side(size.1, height, down)?;
        Ok(Crop { left, top, width, height })
    }
}

/// Where it begins on a side of this length, and how long it is.
fn side(full: u32, length: (i64, i64), offset: (i64, i64)) -> Result<(u32, u32), Flaw> {
    let between = || Flaw::unsupported("cropped between two pixels");
    if length.1 == 0 || offset.1 == 0 {
        return Err(Flaw::malformed("a fraction of nothing"));
    }
    if length.0 % length.1 != 0 {
        return Err(between());
    }
    let length = length.0 / length.1;
    // The middle is that of the first and the last pixel.
    let above = i128::from(i64::from(full) - length) * i128::from(offset.1) + 2 * i128::from(offset.0);
    let below = 2 * i128::from(offset.1);
    if above % below != 0 {
        return Err(between());
    }
    let start = above / below;
    if length < 1 || start < 0 || start + i128::from(length) > i128::from(full) {
        return Err(Flaw::malformed("cropped to what lies outside of the picture"));
    }
    let number = |n: i128| u32::try_from(n).map_err(|_| between());
    Ok((number(start)?, number(i128::from(length))?))
}

/// What is left of the picture, and how it is turned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub crop: Option<Crop>,
    turn: Turn,
}

impl Shown {
    /// One more, of a picture of this size as it is stored.
    pub(super) fn then(&mut self, transform: Transform, size: (u32, u32)) -> Result<(), Flaw> {
        match transform {
            Transform::Crop(_) if *self != Self::default() => {
                return Err(Flaw::unsupported("cropped after it was cropped or turned"));
            }
            Transform::Crop(aperture) => self.crop = Some(aperture.on(size)?),
            Transform::Turn(quarters) => self.turn = self.turn.turned(quarters),
            Transform::Mirror { across } => self.turn = self.turn.mirrored(across),
        }
        Ok(())
    }

    pub(super) fn orientation(&self) -> u8 {
        self.turn.exif()
    }
}

/// Left and right change places where it is `mirrored`, and then it is turned with the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turn {
    quarters: u8,
    mirrored: bool,
}

impl Turn {
    fn turned(self, against: u8) -> Self {
        Self { quarters: (self.quarters + 4 - against) % 4, ..self }
    }

    fn mirrored(self, across: bool) -> Self {
        // A mirror after a turn is the turn the other way round after a mirror.
        let quarters = (4 - self.quarters) % 4;
        let upside_down = if across { 0 } else { 2 };
        Self { quarters: (quarters + upside_down) % 4, mirrored: !self.mirrored }
    }

    fn exif(self) -> u8 {
        match (self.quarters, self.mirrored) {
            (1, false) => 6,
            (2, false) => 3,
            (3, false) => 8,
            (0, true) => 2,
            (1, true) => 7,
            (2, true) => 4,
            (3, true) => 5,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_mirrors_come_to_an_orientation() {
        let (turn, across, down) =
            (Transform::Turn, Transform::Mirror { across: true }, Transform::Mirror { across: false });
        let cases: [(&[Transform], u8); 9] = [
            (&[], 1),
            (&[across], 2),
            (&[across, down], 3),
            (&[down], 4),
            (&[turn(3)], 6),
            (&[turn(1)], 8),
            // Mirrored along the diagonal from the upper left, and from the upper right.
            (&[turn(3), across], 5),
            (&[turn(1), across], 7),
            (&[across, turn(1)], 5),
        ];
        for (transforms, expected) in cases {
            let mut shown = Shown::default();
            transforms.iter().for_each(|one| shown.then(*one, (3, 2)).unwrap());
            assert_eq!(shown.orientation(), expected, "{transforms:?}");
        }
    }

    #[test]
    fn a_crop_lies_around_the_middle() {
        let crop = |full, length, offset| side(full, length, offset).ok();
        assert_eq!(crop(10, (4, 1), (0, 1)), Some((3, 4)));
        assert_eq!(crop(10, (8, 2), (-3, 1)), Some((0, 4)));
        assert_eq!(crop(64, (63, 1), (-1, 2)), Some((0, 63)));
        assert_eq!(crop(64, (63, 1), (1, 2)), Some((1, 63)));
        let refused = [
            (10, (5, 1), (0, 1)),
            (10, (7, 2), (0, 1)),
            (10, (4, 1), (-4, 1)),
            (10, (4, 1), (4, 1)),
            (10, (0, 1), (0, 1)),
            (10, (4, 0), (0, 1)),
            (10, (4, 1), (0, 0)),
        ];
        for (full, length, offset) in refused {
            assert_eq!(crop(full, length, offset), None, "{full} {length:?} {offset:?}");
        }
    }
}
