//! Where items lie (ISO/IEC 14496-12, 8.11.3).

use super::Flaw;
use super::fields::Fields;
use super::meta::ITEMS;
use std::collections::BTreeMap;

/// Pieces of all items together.
const PIECES: usize = 1 << 16;

/// Where one item lies.
#[derive(Debug, Clone)]
pub(super) struct Location {
    /// 0: in the file. 1: in the box `idat`. 2: in other items.
    pub method: u8,
    /// In another file.
    pub elsewhere: bool,
    /// Offset and length of each piece.
    pub pieces: Vec<(u64, u64)>,
}

pub(super) fn read(mut fields: Fields<'_>) -> Result<BTreeMap<u32, Location>, Flaw> {
    let (version, _) = fields.version()?;
    if version > 2 {
        return Err(Flaw::malformed("item locations of an unknown version"));
    }
    let (a, b) = (fields.u8()?, fields.u8()?);
    let (offset, length, base) = (a >> 4, a & 15, b >> 4);
    let index = if version == 0 { 0 } else { b & 15 };
    if [offset, length, base, index].iter().any(|bytes| !matches!(bytes, 0 | 4 | 8)) {
        return Err(Flaw::malformed("item locations with numbers of an odd size"));
    }
    let wide = version == 2;
    let count = fields.id(wide)?;
    let (mut all, mut total) = (BTreeMap::new(), 0);
    for _ in 0..count {
        if all.len() == ITEMS {
            return Err(Flaw::Limit(format!("more than {ITEMS} items")));
        }
        let id = fields.id(wide)?;
        let method = if version == 0 { 0 } else { (fields.u16()? & 15) as u8 };
        let elsewhere = fields.u16()? != 0;
        let base = fields.number(base)?;
        let count = usize::from(fields.u16()?);
        total += count;
        if total > PIECES {
            return Err(Flaw::Limit(format!("more than {PIECES} pieces of items")));
        }
        let mut pieces = Vec::new();
        for _ in 0..count {
            fields.number(index)?;
            let (offset, length) = (fields.number(offset)?, fields.number(length)?);
            let at = base.checked_add(offset).ok_or_else(|| Flaw::malformed("an item behind all bytes"))?;
            pieces.push((at, length));
        }
        if all.insert(id, Location { method, elsewhere, pieces }).is_some() {
            return Err(Flaw::malformed(format!("two places for item {id}")));
        }
    }
    Ok(all)
}
