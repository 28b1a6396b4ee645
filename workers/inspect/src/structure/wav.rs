//! WAV, after Microsoft's and IBM's Multimedia Programming Interface 1.0 (RIFF), and RF64 and BW64 after EBU Tech 3306
//! and ITU-R BS.2088: chunk by chunk to the end that the header gives.

use super::log::Log;
use super::source::{Source, Stop};
use crate::quote::quoted_bytes;
use std::collections::HashMap;

/// A length of 32 bits that says: look into the chunk `ds64`.
const ELSEWHERE: u64 = 0xffff_ffff;

/// Lengths from the chunk `ds64`.
#[derive(Default)]
struct Long {
    riff: u64,
    data: u64,
    /// Of other chunks, by name.
    others: HashMap<[u8; 4], u64>,
}

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let riff: [u8; 4] = source.bytes()?;
    let stated = u64::from(u32::from_le_bytes(source.bytes()?));
    let form: [u8; 4] = source.bytes()?;
    let long = matches!(&riff, b"RF64" | b"BW64");
    if !long && &riff != b"RIFF" || &form != b"WAVE" {
        return Err(Stop::Malformed(0, "no wav header".to_owned()));
    }
    let mut sizes = if long { long_sizes(source)? } else { Long::default() };
    let body = if long && stated == ELSEWHERE { sizes.riff } else { stated };
    let end = body.checked_add(8).filter(|end| *end >= source.position());
    let Some(end) = end else {
        return Err(Stop::Malformed(4, "a container of no possible length".to_owned()));
    };
    let (mut format, mut data) = (false, 0_u32);
    while source.position() < end {
        let at = source.position();
        let name: [u8; 4] = source.bytes()?;
        let mut length = u64::from(u32::from_le_bytes(source.bytes()?));
        if long && length == ELSEWHERE {
            length = if &name == b"data" { sizes.data } else { sizes.others.remove(&name).unwrap_or(length) };
        }
        if source.position().checked_add(length).is_none_or(|chunk| chunk > end) {
            return Err(Stop::Malformed(
                at,
                format!("chunk {} does not fit its container", quoted_bytes(&name)),
            ));
        }
        match &name {
            b"fmt " if format => log.malformed(at, "a second format chunk"),
            b"fmt " if length < 14 => return Err(Stop::Malformed(at, "a format chunk too short".to_owned())),
            b"fmt " => format = true,
            b"data" | b"wavl" if !format => {
                return Err(Stop::Malformed(at, "sound before its format".to_owned()));
            }
            b"data" | b"wavl" => data += 1,
            _ => {}
        }
        source.skip(length)?;
        pad(source, length, end, log)?;
    }
    if data == 0 {
        return Err(source.malformed("the container holds no sound"));
    }
    if data > 1 {
        log.malformed(12, format!("{data} chunks of sound, of which players play one"));
    }
    Ok(())
}

/// The byte behind a chunk of odd length; some writers forget it at the very end.
fn pad(source: &mut Source<'_>, length: u64, end: u64, log: &mut Log) -> Result<(), Stop> {
    let at = source.position();
    if length & 1 == 1 && at < end && source.byte()? != 0 {
        log.malformed(at, "a padding byte that is not 0");
    }
    Ok(())
}

/// The chunk `ds64`, which must be the first.
fn long_sizes(source: &mut Source<'_>) -> Result<Long, Stop> {
    let at = source.position();
    let name: [u8; 4] = source.bytes()?;
    let length = u64::from(u32::from_le_bytes(source.bytes()?));
    if &name != b"ds64" || length < 28 {
        return Err(Stop::Malformed(at, "no chunk of long sizes at the beginning".to_owned()));
    }
    let end = source.position() + length;
    let mut number = || Ok::<_, Stop>(u64::from_le_bytes(source.bytes()?));
    let (riff, data, _samples) = (number()?, number()?, number()?);
    let count = u64::from(u32::from_le_bytes(source.bytes()?));
    if count > 1024 || 28 + count * 12 > length {
        return Err(Stop::Malformed(at, format!("a table of {count} long sizes")));
    }
    let mut others = HashMap::new();
    for _ in 0..count {
        let name = source.bytes()?;
        others.insert(name, u64::from_le_bytes(source.bytes()?));
    }
    source.seek(end)?;
    Ok(Long { riff, data, others })
}
