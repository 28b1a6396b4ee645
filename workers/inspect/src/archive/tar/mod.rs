//! TAR: POSIX.1-2017 `pax` (ustar and its extended headers), with GNU tar's own kinds of member.

mod header;

use super::input::{Input, ReadSeek, Stop};
use super::log::{Log, looks_like};
use super::{MAX_LISTED, Walked, between, names, through};
use crate::quote::quoted_bytes;
use header::Header;
use lazaret_report::Coverage;
use std::collections::BTreeSet;
use std::io;

const BLOCK: u64 = 512;
/// Longest name or extended header that is read.
const LONGEST: u64 = 1 << 20;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    File,
    Folder,
    /// Hard or symbolic.
    Link,
    /// A device or a pipe.
    Device,
    /// A file with holes, or a part of one, that only GNU tar can put together.
    Sparse,
}

/// A member, and where its bytes are: they are never compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// A label: never a path.
    pub name: String,
    pub form: Form,
    pub data: u64,
    pub size: u64,
}

/// All members of an archive.
#[derive(Debug)]
pub struct Listing {
    pub members: Vec<Member>,
    pub coverage: Coverage,
}

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<Walked> {
    let mut log = Log::default();
    let members = look(file, size, &mut log)?;
    let mut seen = BTreeSet::new();
    for member in &members {
        names::look(&member.name, &mut log);
        match member.form {
            Form::File | Form::Folder => {}
            Form::Link => log.member("structure.link", &member.name, "is a link"),
            Form::Device => log.member("structure.link", &member.name, "is a device or a pipe"),
            Form::Sparse => log.gap("unreadable", "there are sparse members"),
        }
        if member.form == Form::File && !seen.insert(member.name.as_str()) {
            log.member("structure.duplicate", &member.name, "is there more than once");
        }
    }
    let data = members.iter().map(|member| (member.data, member.data + member.size)).collect();
    let (coverage, findings) = log.finish();
    Ok((coverage, findings, Some(between(data, size))))
}

/// Lists the members.
///
/// # Errors
/// Only what reading gives; a bad archive shows in the coverage.
pub fn list(file: &mut dyn ReadSeek, size: u64) -> io::Result<Listing> {
    let mut log = Log::default();
    let members = look(file, size, &mut log)?;
    Ok(Listing { members, coverage: log.finish().0 })
}

fn look(file: &mut dyn ReadSeek, size: u64, log: &mut Log) -> io::Result<Vec<Member>> {
    let mut members = Vec::new();
    through(file, size, log, |input, log| read(input, &mut members, log))?;
    Ok(members)
}

fn read(input: &mut Input<'_>, members: &mut Vec<Member>, log: &mut Log) -> Result<(), Stop> {
    let mut at = 0;
    let mut told = header::Told::default();
    loop {
        let block: [u8; BLOCK as usize] = input.array(at)?;
        if block == [0; BLOCK as usize] {
            return end(input, at, log);
        }
        let header =
            Header::read(&block).ok_or_else(|| Stop::Malformed(at, "no header of a member".into()))?;
        at += BLOCK;
        let extends = matches!(header.kind, b'L' | b'K' | b'x' | b'X' | b'g');
        // To some readers the size is the extended header's own.
        if extends && told.size.is_some() {
            return Err(Stop::Malformed(at, "an extended header behind one that tells a size".into()));
        }
        let size = told.size.unwrap_or(header.size);
        let after = size.div_ceil(BLOCK).checked_mul(BLOCK).and_then(|length| at.checked_add(length));
        let Some(after) = after.filter(|_| size <= input.size() - at) else {
            return Err(Stop::Truncated(at));
        };
        match header.kind {
            _ if extends && size > LONGEST => {
                return Err(Stop::Malformed(at, "an extended header of more than a megabyte".into()));
            }
            b'L' => told.name = Some(header::text(&input.bytes(at, size as usize)?)),
            // The target of a link, which nobody here follows.
            b'K' => {}
            // Solaris has a letter of its own for the same.
            b'x' | b'X' if told.extend(&input.bytes(at, size as usize)?) => {}
            b'g' if global(&input.bytes(at, size as usize)?, at, log) => {}
            b'x' | b'X' | b'g' => {
                return Err(Stop::Malformed(at, "an extended header that readers read differently".into()));
            }
            kind => {
                if members.len() == MAX_LISTED {
                    log.gap("limit.members", format!("there are more than {MAX_LISTED} members"));
                    return Ok(());
                }
                let told = std::mem::take(&mut told);
                let name = told.name.unwrap_or(header.name);
                let form = match kind {
                    _ if told.sparse => Form::Sparse,
                    b'0' | 0 | b'7' if name.ends_with('/') && size == 0 => Form::Folder,
                    b'0' | 0 | b'7' => Form::File,
                    b'1' | b'2' => Form::Link,
                    b'3' | b'4' | b'6' => Form::Device,
                    b'5' | b'D' | b'V' if size == 0 => Form::Folder,
                    b'S' | b'M' => Form::Sparse,
                    // POSIX: what is not known is taken for a file.
                    _ => Form::File,
                };
                // POSIX has no data behind these: some readers pass over them, others read them as the next header.
                if size > 0 && matches!(kind, b'1'..=b'6') {
                    log.member("structure.hidden", &name, "has data where its kind has none");
                    log.gap("hidden", "a member has data where its kind has none");
                }
                if form == Form::Sparse && kind == b'S' {
                    // GNU's sparse maps go on behind the header.
                    return Err(Stop::Malformed(at, "a sparse member of gnu tar's own kind".into()));
                }
                members.push(Member { name, form, data: at, size });
            }
        }
        let padding =
            input.bytes(at + size, usize::try_from(after.min(input.size()) - at - size).unwrap_or(0))?;
        if padding.iter().any(|byte| *byte != 0) {
            log.add("structure.gap", "bytes in the padding behind a member", at + size, padding.len() as u64);
        }
        at = after;
    }
}

/// What all members of an archive have in common. Git writes a comment; most readers know no such header, so that what
/// it says of names and sizes is seen by few. False where it cannot be read.
fn global(records: &[u8], at: u64, log: &mut Log) -> bool {
    let Some(records) = header::records(records) else { return false };
    for (key, value) in records {
        if !HARMLESS.contains(&key) {
            let key = quoted_bytes(key);
            log.add("structure.hidden", format!("{key} is told of all members together"), at, 0);
            log.gap("hidden", "something is told of all members together");
        }
        if key == b"path" {
            names::look(&String::from_utf8_lossy(value), log);
        }
    }
    true
}

/// What changes no member's name, size or kind.
const HARMLESS: [&[u8]; 9] = [
    b"comment",
    b"atime",
    b"ctime",
    b"mtime",
    b"LIBARCHIVE.creationtime",
    b"uid",
    b"gid",
    b"uname",
    b"gname",
];

/// Two blocks of zeros end an archive; tools pad them to their own record size.
fn end(input: &mut Input<'_>, at: u64, log: &mut Log) -> Result<(), Stop> {
    let size = input.size();
    if size - at < 2 * BLOCK {
        log.add("structure.truncated", "one block of zeros at the end where two should be", at, 0);
    }
    if let Some(set) = input.first_set(at, size)? {
        let what = looks_like(&input.some(set, 4096)?);
        log.add("structure.trailing", format!("{} bytes after the end, {what}", size - set), set, size - set);
        // GNU tar reads on with --ignore-zeros: there may be members there.
        log.gap("hidden", "bytes after the end of the archive");
    }
    Ok(())
}
