//! Cabinets ([MS-CAB]): headers, folders with their blocks of data, and the files that are listed. Every byte must be one
//! of theirs, and no more than one's.

use super::input::{Input, ReadSeek, Stop, u16_at, u32_at};
use super::log::{Log, looks_like};
use super::{Spans, between, merged, names, through};
use lazaret_report::{Coverage, Finding};
use std::io;

/// Longest name, with the zero that ends it ([MS-CAB] 2.2).
const NAME: usize = 257;
/// What a signature keeps in the header for itself is 20 bytes.
const RESERVED: u64 = 32;

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<(Coverage, Vec<Finding>)> {
    let mut log = Log::default();
    through(file, size, &mut log, read)?;
    Ok(log.finish())
}

fn read(input: &mut Input<'_>, log: &mut Log) -> Result<(), Stop> {
    let header: [u8; 36] = input.array(0)?;
    if !header.starts_with(b"MSCF") {
        return Err(Stop::Malformed(0, "no cabinet begins here".into()));
    }
    let told = u64::from(u32_at(&header, 8));
    let [folders, files, flags] = [26, 28, 30].map(|at| u16_at(&header, at));
    if told > input.size() {
        return Err(Stop::Truncated(input.size()));
    }
    if told < input.size() {
        let left = input.size() - told;
        let what = looks_like(&input.some(told, 4096)?);
        log.add("structure.trailing", format!("{left} bytes after the end, {what}"), told, left);
    }
    if flags & 3 != 0 {
        log.malformed(30, "a part of a set of cabinets");
        log.gap("multi_disk", "the cabinet goes on in other files");
    }
    let (mut at, mut reserved) = (36, (0, 0));
    if flags & 4 != 0 {
        let sizes: [u8; 4] = input.array(at)?;
        reserved = (u64::from(sizes[2]), u64::from(sizes[3]));
        let own = u64::from(u16_at(&sizes, 0));
        if own + reserved.0 * u64::from(folders) > RESERVED {
            log.add("structure.gap", "bytes in the headers that no reader of cabinets reads", at + 4, own);
        }
        at += 4 + own;
    }
    // Names of the cabinets before and after.
    for _ in 0..2 * (flags & 1).count_ones() + 2 * (flags & 2).count_ones() {
        at += name(input, at)?.len() as u64 + 1;
    }
    let mut claimed: Spans = Vec::new();
    for _ in 0..folders {
        let folder: [u8; 8] = input.array(at)?;
        at += 8 + reserved.0;
        let begin = u64::from(u32_at(&folder, 0));
        let mut block = begin;
        for _ in 0..u16_at(&folder, 4) {
            let head: [u8; 8] = input.array(block)?;
            block += 8 + reserved.1 + u64::from(u16_at(&head, 4));
            if block > told {
                return Err(Stop::Truncated(told));
            }
        }
        claimed.push((begin, block));
    }
    claimed.push((0, at));
    at = u32_at(&header, 16).into();
    let list = at;
    for _ in 0..files {
        let name = name(input, at + 16)?;
        names::look(&String::from_utf8_lossy(&name), log);
        at += 16 + name.len() as u64 + 1;
    }
    claimed.push((list, at));
    unclaimed(input, claimed, told, log)
}

/// What is left between the parts, and what two of them share.
fn unclaimed(input: &mut Input<'_>, claimed: Spans, end: u64, log: &mut Log) -> Result<(), Stop> {
    let length = |spans: &Spans| spans.iter().map(|(from, to)| to.saturating_sub(*from)).sum::<u64>();
    let all = length(&claimed);
    let claimed = merged(claimed);
    if length(&claimed) < all {
        log.add("structure.overlap", "parts of the cabinet share bytes", 0, end);
    }
    for (from, to) in between(claimed, end) {
        let what = looks_like(&input.some(from, usize::try_from(to - from).unwrap_or(4096).min(4096))?);
        log.add(
            "structure.gap",
            format!("{} bytes that no header claims, {what}", to - from),
            from,
            to - from,
        );
    }
    Ok(())
}

fn name(input: &mut Input<'_>, at: u64) -> Result<Vec<u8>, Stop> {
    let mut name = input.some(at, NAME)?;
    let end = name.iter().position(|byte| *byte == 0);
    name.truncate(end.ok_or_else(|| Stop::Malformed(at, "a name that does not end".into()))?);
    Ok(name)
}
