//! Plain text, to its last byte: UTF-8, UTF-16 with its mark, or an 8-bit character set, without the control characters
//! that no text holds. What looks like text at its head and goes on as something else is told by them.

use super::log::Log;
use super::source::{Source, Stop};
use crate::content::is_control;

/// Read at a time, of characters of two bytes.
const PIECE: usize = 64 * 1024;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let unit: Option<fn([u8; 2]) -> u16> = match source.peek(2)?[..] {
        [0xff, 0xfe] => Some(u16::from_le_bytes),
        [0xfe, 0xff] => Some(u16::from_be_bytes),
        _ => None,
    };
    let end = source.size();
    let mut told = false;
    while source.position() < end {
        let at = source.position();
        let (odd, length) = match unit {
            Some(_) if end - at == 1 => {
                log.malformed(at, "a text of two bytes a character that ends within one");
                return source.skip(1);
            }
            Some(unit) => {
                let pair = source.peek(PIECE)?;
                let (units, _) = pair.as_chunks::<2>();
                let odd = units.iter().position(|&u| matches!(u8::try_from(unit(u)), Ok(b) if is_control(b)));
                (odd.map(|i| 2 * i), 2 * units.len())
            }
            None => {
                let have = source.fill()?;
                (have.iter().position(|&b| is_control(b)), have.len())
            }
        };
        if let (Some(odd), false) = (odd, told) {
            log.malformed(at + odd as u64, "a control character that no text holds");
            told = true;
        }
        source.skip(length as u64)?;
    }
    Ok(())
}
