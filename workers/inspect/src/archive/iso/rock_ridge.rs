//! What Rock Ridge (IEEE P1282) says of a file in the rest of its record, by the System Use Sharing Protocol (P1281): links,
//! devices, other names, and compressed content.

use super::super::input::{Input, Stop, u32_at};
use super::super::log::Log;
use super::super::names;
use super::SECTOR;

/// Areas that one record goes on in.
const AREAS: usize = 16;

/// Looks at a directory's record of the file that is called `name` without it.
pub(super) fn look(input: &mut Input<'_>, record: &[u8], name: &str, log: &mut Log) -> Result<(), Stop> {
    let length = usize::from(record[32]);
    // Names of even length are padded.
    let from = 33 + length + usize::from(length % 2 == 0);
    let mut area = record.get(from..).unwrap_or_default().to_vec();
    let mut alias = Vec::new();
    for _ in 0..AREAS {
        let Some((place, long)) = fields(&area, name, &mut alias, log) else {
            if !alias.is_empty() {
                names::look(&String::from_utf8_lossy(&alias), log);
            }
            return Ok(());
        };
        area = input.bytes(place, long)?;
    }
    log.member("structure.malformed", name, "has a record that does not end");
    log.gap("malformed", "a record that does not end");
    Ok(())
}

/// Gives where the fields go on, if they do.
fn fields(area: &[u8], name: &str, alias: &mut Vec<u8>, log: &mut Log) -> Option<(u64, usize)> {
    // Fields may begin some bytes later than they should, if another record says so.
    if area.windows(4).any(|field| matches!(field, [b'S', b'L', 5..=u8::MAX, 1])) {
        log.member("structure.link", name, "is a link");
    }
    let mut goes_on = None;
    let mut rest = area;
    while let [a, b, length, _, ..] = *rest {
        let length = usize::from(length);
        let Some(field) = rest.get(..length).filter(|field| field.len() >= 4) else { break };
        match &[a, b] {
            b"PN" => log.member("structure.link", name, "is a device"),
            b"PX" if matches!(u32_at(field, 4) >> 12 & 0o17, 0o12 | 0o1 | 0o2 | 0o6 | 0o14) => {
                log.member("structure.link", name, "is a link, a device or a pipe");
            }
            b"NM" => alias.extend_from_slice(field.get(5..).unwrap_or_default()),
            b"ZF" => log.gap("unreadable", "there are compressed files"),
            b"CE" if field.len() >= 28 => {
                let place = u64::from(u32_at(field, 4)) * SECTOR + u64::from(u32_at(field, 12));
                goes_on =
                    Some((place, usize::try_from(u32_at(field, 20)).unwrap_or(usize::MAX).min(64 << 10)));
            }
            b"ST" => break,
            _ => {}
        }
        rest = &rest[length..];
    }
    goes_on
}
