//! ISO 9660 images (ECMA-119), with the second tree that Joliet adds. The two trees may show different files to
//! different systems, so both are gone through.

mod rock_ridge;

use super::input::{Input, ReadSeek, Stop, u32_at};
use super::log::{Log, looks_like};
use super::{MAX_LISTED, Walked, between, names, through};
use lazaret_report::Coverage;
use std::collections::BTreeSet;
use std::io;

const SECTOR: u64 = 2048;
/// Longest directory that is read.
const LONGEST: u64 = 16 << 20;

/// A file, whose bytes lie there as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// A label: never a path.
    pub name: String,
    pub data: u64,
    pub size: u64,
}

/// All files of an image.
#[derive(Debug)]
pub struct Listing {
    pub members: Vec<Member>,
    pub coverage: Coverage,
}

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<Walked> {
    let mut log = Log::default();
    let members = look(file, size, &mut log)?;
    for member in &members {
        names::look(&member.name, &mut log);
    }
    let data = members.iter().map(|member| (member.data, member.data + member.size)).collect();
    let (coverage, findings) = log.finish();
    Ok((coverage, findings, Some(between(data, size))))
}

/// Lists the files of all trees, each stretch of bytes once.
///
/// # Errors
/// Only what reading gives; a bad image shows in the coverage.
pub fn list(file: &mut dyn ReadSeek, size: u64) -> io::Result<Listing> {
    let mut log = Log::default();
    let members = look(file, size, &mut log)?;
    Ok(Listing { members, coverage: log.finish().0 })
}

fn look(file: &mut dyn ReadSeek, size: u64, log: &mut Log) -> io::Result<Vec<Member>> {
    let mut tree = Tree::default();
    through(file, size, log, |input, log| volumes(input, &mut tree, log))?;
    Ok(tree.members)
}

#[derive(Default)]
struct Tree {
    members: Vec<Member>,
    /// Directories and files that were seen, by where they begin and how long they are: trees may go in circles.
    seen: BTreeSet<(u64, u64)>,
}

fn volumes(input: &mut Input<'_>, tree: &mut Tree, log: &mut Log) -> Result<(), Stop> {
    let (mut any, mut reached) = (false, 0);
    system_area(input, log)?;
    for sector in 16..80 {
        let at = sector * SECTOR;
        let descriptor: [u8; SECTOR as usize] = input.array(at)?;
        if &descriptor[1..6] != b"CD001" {
            return Err(Stop::Malformed(at, "no descriptor of a volume".into()));
        }
        match descriptor[0] {
            255 if any => {
                behind(input, reached, log)?;
                // UDF has a tree of its own behind this one, which other systems prefer.
                if input.find(b"NSR0", at, (at + 32 * SECTOR).min(input.size()))?.is_some() {
                    log.gap("unreadable", "a udf tree that nothing here reads");
                }
                return Ok(());
            }
            1 | 2 => {
                any = true;
                // Joliet names are UCS-2.
                let wide = descriptor[0] == 2 && &descriptor[88..90] == b"%/";
                let length = u64::from(u32_at(&descriptor, 80)) * SECTOR;
                if length > input.size() {
                    return Err(Stop::Truncated(input.size()));
                }
                reached = length.max(reached);
                let root =
                    (u64::from(u32_at(&descriptor, 158)) * SECTOR, u64::from(u32_at(&descriptor, 166)));
                directories(input, root, wide, tree, log)?;
            }
            _ => {}
        }
    }
    Err(Stop::Malformed(16 * SECTOR, "descriptors of volumes without an end".into()))
}

/// What stands before the descriptors is no part of the image: loaders of systems, and whatever another reader makes of
/// the file's beginning.
fn system_area(input: &mut Input<'_>, log: &mut Log) -> Result<(), Stop> {
    if let Some(set) = input.first_set(0, (16 * SECTOR).min(input.size()))? {
        let what = looks_like(&input.some(set, 4096)?);
        log.add(
            "structure.leading",
            format!("bytes before the first descriptor, {what}"),
            set,
            16 * SECTOR - set,
        );
    }
    Ok(())
}

/// Behind the largest volume there is nothing but padding.
fn behind(input: &mut Input<'_>, end: u64, log: &mut Log) -> Result<(), Stop> {
    let size = input.size();
    if let Some(set) = input.first_set(end, size)? {
        let what = looks_like(&input.some(set, 4096)?);
        log.add("structure.trailing", format!("{} bytes after the end, {what}", size - set), set, size - set);
    }
    Ok(())
}

fn directories(
    input: &mut Input<'_>,
    root: (u64, u64),
    wide: bool,
    tree: &mut Tree,
    log: &mut Log,
) -> Result<(), Stop> {
    let mut open = vec![(root, String::new())];
    while let Some((place, path)) = open.pop() {
        if !tree.seen.insert(place) {
            continue;
        }
        if place.1 > LONGEST {
            return Err(Stop::Malformed(place.0, "a directory of more than 16 MiB".into()));
        }
        let bytes = input.bytes(place.0, usize::try_from(place.1).unwrap_or(usize::MAX))?;
        let mut at = 0;
        while at < bytes.len() {
            let length = usize::from(bytes[at]);
            if length == 0 {
                // Records do not cross sectors.
                at = (at / SECTOR as usize + 1) * SECTOR as usize;
                continue;
            }
            let record = bytes.get(at..at + length).filter(|record| record.len() > 33);
            let Some(record) = record else {
                return Err(Stop::Malformed(place.0 + at as u64, "a broken record of a directory".into()));
            };
            at += length;
            let name = record.get(33..33 + usize::from(record[32])).unwrap_or_default();
            if matches!(name, [0] | [1]) {
                continue;
            }
            let name = format!("{path}{}", shown(name, wide));
            rock_ridge::look(input, record, &name, log)?;
            let place = (u64::from(u32_at(record, 2)) * SECTOR, u64::from(u32_at(record, 10)));
            if record[25] & 0x80 != 0 || record[26] != 0 {
                log.gap("unreadable", "files in several pieces");
            }
            if record[25] & 2 != 0 {
                open.push((place, format!("{name}/")));
            } else if place.0.checked_add(place.1).is_none_or(|end| end > input.size()) {
                return Err(Stop::Truncated(place.0));
            } else if tree.members.len() == MAX_LISTED {
                log.gap("limit.members", format!("there are more than {MAX_LISTED} files"));
                return Ok(());
            } else if tree.seen.insert(place) {
                tree.members.push(Member { name, data: place.0, size: place.1 });
            }
        }
    }
    Ok(())
}

/// Without the version that follows a semicolon.
fn shown(name: &[u8], wide: bool) -> String {
    let text = if wide {
        let units = name.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
        char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect()
    } else {
        String::from_utf8_lossy(name).into_owned()
    };
    text.rsplit_once(';').map_or(text.clone(), |(name, _)| name.to_owned())
}
