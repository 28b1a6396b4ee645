//! What stands behind a container's real end.

use super::foreign;
use super::log::Log;
use super::source::{Source, Stop};
use crate::quote::quoted_bytes;

/// Looks at everything from the source's position to the end of the file. Zeros and white space are padding that
/// cameras and editors leave, and carry nothing.
pub(super) fn look(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let end = source.size();
    gap(source, end, log)
}

/// As [`look`], up to `end`, where something legitimate goes on.
pub(super) fn gap(source: &mut Source<'_>, end: u64, log: &mut Log) -> Result<(), Stop> {
    odd(source, end, "structure.trailing", "after the end", log)
}

/// As [`gap`], for bytes in the middle that no part of the container claims.
pub(super) fn unclaimed(source: &mut Source<'_>, end: u64, log: &mut Log) -> Result<(), Stop> {
    odd(source, end, "structure.gap", "that no part of the container claims", log)
}

fn odd(source: &mut Source<'_>, end: u64, code: &str, place: &str, log: &mut Log) -> Result<(), Stop> {
    let start = source.position();
    if padding_to(source, end)? {
        return Ok(());
    }
    let length = end - start;
    let first = source.position();
    let sample = source.peek(foreign::SAMPLE.min(usize::try_from(end - first).unwrap_or(usize::MAX)))?;
    let detail = format!("{length} bytes {place}, {}", describe(&sample));
    log.add(code, detail, start, length);
    source.seek(end)
}

/// Steps over zeros and white space.
pub(super) fn padding(source: &mut Source<'_>) -> Result<(), Stop> {
    let end = source.size();
    padding_to(source, end).map(|_| ())
}

/// Steps over padding; whether it reaches `end`.
fn padding_to(source: &mut Source<'_>, end: u64) -> Result<bool, Stop> {
    while source.position() < end {
        let left = usize::try_from(end - source.position()).unwrap_or(usize::MAX);
        let have = source.fill()?;
        let have = &have[..have.len().min(left)];
        let padding =
            have.iter().take_while(|b| matches!(b, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')).count();
        let all = padding == have.len();
        source.consume(padding);
        if !all {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What some bytes look like, in words for people.
pub(super) fn describe(sample: &[u8]) -> String {
    if let Some(name) = foreign::at_start(sample) {
        return format!("which look like {name}");
    }
    let known: &[(&[u8], &str)] = &[
        (b"\xff\xd8\xff", "another jpeg"),
        (b"\x89PNG", "a png"),
        (b"GIF8", "a gif"),
        (b"RIFF", "a riff container"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| sample.starts_with(magic)) {
        return format!("which look like {name}");
    }
    if sample.get(4..8) == Some(b"ftyp") {
        return "which look like an mp4 video, as in a motion photo".to_owned();
    }
    let begin = &sample[..sample.len().min(24)];
    if begin.iter().all(|b| (b' '..=b'~').contains(b) || b.is_ascii_whitespace()) {
        return format!("which read as text: {}", quoted_bytes(begin));
    }
    format!("binary data that begins {}", quoted_bytes(&begin[..begin.len().min(8)]))
}
