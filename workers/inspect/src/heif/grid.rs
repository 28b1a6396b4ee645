//! The item `grid` (ISO/IEC 23008-12, 6.6.2.3): tiles of one size in rows, cut off on the right and below.

use super::Flaw;
use super::fields::Fields;

/// Of one picture.
pub(super) const TILES: u32 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub rows: u32,
    pub columns: u32,
    pub size: (u32, u32),
}

impl Grid {
    /// Bytes of the longest one.
    pub(super) const LONGEST: u64 = 12;

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        let mut fields = Fields::new(bytes, 0);
        let (version, flags) = (fields.u8()?, fields.u8()?);
        if version != 0 {
            return Err(Flaw::unsupported("a grid of an unknown version"));
        }
        let (rows, columns) = (u32::from(fields.u8()?) + 1, u32::from(fields.u8()?) + 1);
        let size = (fields.id(flags & 1 == 1)?, fields.id(flags & 1 == 1)?);
        if !fields.is_empty() {
            return Err(Flaw::malformed("a grid with bytes behind it"));
        }
        if rows * columns > TILES {
            return Err(Flaw::Limit(format!("{columns}x{rows} tiles, at most {TILES} are decoded")));
        }
        Ok(Self { rows, columns, size })
    }

    /// Whether tiles of this size cover the picture, and none lies outside of it.
    pub(super) fn fits(&self, tile: (u32, u32)) -> bool {
        let side = |full: u32, tile: u32, count: u32| {
            let (full, tile, count) = (u64::from(full), u64::from(tile), u64::from(count));
            tile * count >= full && tile * (count - 1) < full
        };
        side(self.size.0, tile.0, self.columns) && side(self.size.1, tile.1, self.rows)
    }
}
