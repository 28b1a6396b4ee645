//! Which bytes of an archive belong to what, and what stands in those that belong to nothing.

use super::super::input::{Input, Stop, u64_at};
use super::super::log::{Log, looks_like};
use super::{Form, Member, local, member, shown};

/// Bytes looked at to say what they look like.
const SAMPLE: usize = 4096;
/// Members found beside the directory; more tell nobody anything.
const MOST_HIDDEN: usize = 1000;

/// Pairs of start and end.
#[derive(Debug, Default)]
pub(super) struct Extents(Vec<(u64, u64)>);

impl Extents {
    pub(super) fn add(&mut self, from: u64, to: u64) {
        if from < to {
            self.0.push((from, to));
        }
    }

    /// Whether two of them share bytes, as in the bombs that list one member's data a thousand times (Fifield, "A better
    /// zip bomb", 2019).
    pub(super) fn overlap(&mut self, log: &mut Log) -> bool {
        self.0.sort_unstable();
        let mut end = 0;
        let mut shared = None;
        for (from, to) in &self.0 {
            if *from < end && shared.is_none() {
                shared = Some((*from, end.min(*to)));
            }
            end = end.max(*to);
        }
        let Some((from, to)) = shared else { return false };
        log.add("structure.overlap", "members share bytes", from, to - from);
        log.gap("overlap", "members share bytes");
        true
    }

    /// Looks at what lies between. Zeros are padding; a local header is a member that the directory does not list. Gives
    /// the blocks of signatures, which only Android's packages have.
    pub(super) fn gaps(
        &self,
        input: &mut Input<'_>,
        is_apk: bool,
        members: &mut Vec<Member>,
        log: &mut Log,
    ) -> Result<Vec<(u64, u64)>, Stop> {
        let (mut cursor, mut hidden, mut signed) = (0, 0, Vec::new());
        for (from, to) in self.0.iter().copied().chain([(input.size(), input.size())]) {
            if cursor < from && input.first_set(cursor, from)?.is_some() {
                if is_apk && is_signing_block(input, cursor, from)? {
                    signed.push((cursor, from));
                } else {
                    gap(input, (cursor, from), members, &mut hidden, log)?;
                }
            }
            cursor = cursor.max(to);
        }
        Ok(signed)
    }
}

fn gap(
    input: &mut Input<'_>,
    (from, to): (u64, u64),
    members: &mut Vec<Member>,
    hidden: &mut usize,
    log: &mut Log,
) -> Result<(), Stop> {
    let sample = input.some(from, SAMPLE.min(usize::try_from(to - from).unwrap_or(SAMPLE)))?;
    let (code, place) = match (from, to) {
        (0, _) => ("structure.leading", "before the first member"),
        (_, to) if to == input.size() => ("structure.trailing", "after the end"),
        _ => ("structure.gap", "that belong to no member"),
    };
    log.add(code, format!("{} bytes {place}, {}", to - from, looks_like(&sample)), from, to - from);
    let mut at = from;
    while let Some(hit) = input.find(b"PK\x03\x04", at, to)? {
        at = hit + 4;
        let found = match local::read(input, hit) {
            Ok(Some(local)) if !local.name.is_empty() && local.head.method < 100 => local,
            Ok(_) | Err(Stop::Truncated(_)) => continue,
            Err(stop) => return Err(stop),
        };
        let name = shown(&found.name);
        log.member("structure.hidden", &name, "is there and not listed");
        log.gap("hidden", "a member is there and not listed");
        *hidden += 1;
        if *hidden > MOST_HIDDEN {
            return Ok(());
        }
        let end = found.data.saturating_add(found.head.packed);
        if end <= to && (found.head.packed > 0 || !found.head.is_streamed()) {
            members.push(member(name, Form::File, &found.head, found.data, false));
            at = end.max(at);
        }
    }
    Ok(())
}

/// Longer ones are no signatures.
const SIGNATURES: u64 = 1 << 20;

/// Android's signatures, which stand between the last member and the directory: a length, pairs, the length again, and
/// a mark.
fn is_signing_block(input: &mut Input<'_>, from: u64, to: u64) -> Result<bool, Stop> {
    let Some(foot) = to.checked_sub(24).filter(|foot| *foot > from) else { return Ok(false) };
    let foot: [u8; 24] = input.array(foot)?;
    let head: [u8; 8] = input.array(from)?;
    let length = u64_at(&foot, 0);
    Ok(to - from <= SIGNATURES
        && foot.ends_with(b"APK Sig Block 42")
        && length == u64_at(&head, 0)
        && from.checked_add(length).and_then(|end| end.checked_add(8)) == Some(to))
}
