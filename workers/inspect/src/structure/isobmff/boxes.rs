//! The head of a box, and which boxes may stand on the first level.

use crate::quote::quoted_bytes;
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};

pub(super) struct Head {
    pub kind: [u8; 4],
    /// Where the box ends.
    pub end: u64,
}

impl Head {
    /// Reads a head; the box must end by `limit`. On the first level a length of 0 means: to the file's end.
    pub(super) fn read(source: &mut Source<'_>, limit: u64, top: bool) -> Result<Self, Stop> {
        let at = source.position();
        let short = u64::from(u32::from_be_bytes(source.bytes()?));
        let kind: [u8; 4] = source.bytes()?;
        let (length, head) = match short {
            0 if top => (limit - at, 8),
            1 => (u64::from_be_bytes(source.bytes()?), 16),
            _ => (short, 8),
        };
        if length < head {
            return Err(Stop::Malformed(at, format!("box {} shorter than its head", quoted_bytes(&kind))));
        }
        match at.checked_add(length) {
            Some(end) if end <= limit => Ok(Self { kind, end }),
            _ if top => Err(Stop::Truncated(source.size())),
            _ => Err(Stop::Malformed(
                at,
                format!("box {} does not fit the one around it", quoted_bytes(&kind)),
            )),
        }
    }
}

/// Whether bytes are the head of a box that may stand on the first level. Anything may, says the specification, and
/// readers step over what they do not know: here what nobody knows is not the file's own any more.
pub(super) fn on_first_level(head: &[u8]) -> bool {
    const KNOWN: &[&[u8; 4]] = &[
        b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"imda", b"mfra", b"meta", b"free", b"skip", b"wide",
        b"pnot", b"PICT", b"udta", b"uuid", b"sidx", b"ssix", b"prft", b"pdin", b"emsg", b"meco", b"mere",
        b"bloc",
    ];
    let Some(kind) = head.get(4..8) else { return false };
    KNOWN.iter().any(|known| *known == kind)
}

/// Fewer than eight bytes at the end of a box: zeros, or a finding.
pub(super) fn filler(source: &mut Source<'_>, end: u64, log: &mut Log) -> Result<(), Stop> {
    let at = source.position();
    let mut zeros = true;
    source.pass(end - at, |bytes| zeros &= bytes.iter().all(|b| *b == 0))?;
    if !zeros {
        log.malformed(at, "bytes at the end of a box that are no box");
    }
    Ok(())
}
