//! The multi-picture index of CIPA DC-007: an APP2 segment in which phones list the pictures behind the first one,
//! such as a depth or gain map. Such pictures belong there.

use super::source::{Source, Stop};

/// A picture that the index lists: where in the file, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub offset: u64,
    pub length: u64,
}

/// A phone lists two or three, a camera's panorama some dozens.
const MOST: usize = 256;

const MP_ENTRY: u16 = 0xb002;

/// Reads an APP2 segment of `length` bytes, and steps over it. Empty where it is no index, or not a readable one:
/// what it would have listed is then seen as trailing bytes.
pub(super) fn read(source: &mut Source<'_>, length: u64) -> Result<Vec<Listed>, Stop> {
    let start = source.position();
    let mut segment = vec![0; usize::try_from(length).unwrap_or(0)];
    source.read(&mut segment)?;
    let Some(index) = segment.strip_prefix(b"MPF\0") else { return Ok(Vec::new()) };
    Ok(entries(index, start + 4).unwrap_or_default())
}

/// The entries of an index that stands at `base`, from which all its offsets count.
fn entries(index: &[u8], base: u64) -> Option<Vec<Listed>> {
    let numbers = Numbers { index, big: index.starts_with(b"MM\0\x2a") };
    if !numbers.big && !index.starts_with(b"II\x2a\0") {
        return None;
    }
    let directory = numbers.u32(4)?;
    for field in 0..usize::from(numbers.u16(directory)?) {
        let at = directory.checked_add(2)?.checked_add(field.checked_mul(12)?)?;
        if numbers.u16(at)? == MP_ENTRY {
            let count = numbers.u32(at.checked_add(4)?)? / 16;
            let table = numbers.u32(at.checked_add(8)?)?;
            let all: Option<Vec<Listed>> =
                (0..count.min(MOST)).map(|i| numbers.entry(table, i, base)).collect();
            // The first picture's offset is 0 by definition, whatever stands before it.
            return all.map(|all| all.into_iter().filter(|l| l.offset != base).collect());
        }
    }
    None
}

struct Numbers<'a> {
    index: &'a [u8],
    big: bool,
}

impl Numbers<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.index.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let bytes = self.index.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }).ok()
    }

    /// Entry `i` of the table.
    fn entry(&self, table: usize, i: usize, base: u64) -> Option<Listed> {
        let at = table.checked_add(i.checked_mul(16)?)?;
        let length = self.u32(at.checked_add(4)?)? as u64;
        let offset = self.u32(at.checked_add(8)?)? as u64;
        Some(Listed { offset: base.saturating_add(offset), length })
    }
}
