//! ZIP (PKWARE APPNOTE.TXT 6.3.10), and the kinds of file that are made of it.
//!
//! Some readers take the directory at the end at its word, others go from one local header to the next. Both ways are
//! gone here, and every byte of the file must be accounted for by both.

mod directory;
mod end;
mod extents;
mod kind;
mod local;

use super::input::{Input, ReadSeek, Stop};
use super::log::Log;
use super::{Spans, Walked, holds, merged, names, stopped};
use directory::{Entry, Head};
use extents::Extents;
pub use kind::Kind;
use lazaret_report::Coverage;
use std::collections::BTreeSet;
use std::io;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    File,
    Folder,
    Link,
}

/// A member, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// A label: never a path.
    pub name: String,
    pub form: Form,
    /// As in APPNOTE 4.4.5.
    pub method: u16,
    pub crc: u32,
    /// Where its data begin, how many bytes they are, and how many they are said to become.
    pub data: u64,
    pub packed: u64,
    pub size: u64,
    pub encrypted: bool,
    /// In the directory, or only found beside it.
    pub listed: bool,
}

/// All members of an archive.
#[derive(Debug)]
pub struct Listing {
    pub members: Vec<Member>,
    /// Members share bytes: a bomb, which nobody should unpack.
    pub overlaps: bool,
    pub kind: Kind,
    pub coverage: Coverage,
    /// Bytes that are no member's, but for the marks by which headers begin.
    own: Spans,
}

pub(super) fn walk(media_type: &str, file: &mut dyn ReadSeek, size: u64) -> io::Result<Walked> {
    let mut log = Log::default();
    let mut listing = look(file, size, &mut log)?;
    listing.kind.hold_against(media_type, &mut log);
    for member in &listing.members {
        names::look(&member.name, &mut log);
        listing.kind.judge(&member.name, &mut log);
        if member.form == Form::Link {
            log.member("structure.link", &member.name, "is a link");
        }
        if member.encrypted {
            log.member("structure.encrypted", &member.name, "is encrypted");
            log.gap("encrypted", "there are encrypted members");
        }
    }
    let own = merged(std::mem::take(&mut listing.own));
    let (coverage, findings) = log.finish();
    Ok((coverage, findings, Some(own)))
}

/// Lists the members, those that the directory leaves out too.
///
/// # Errors
/// Only what reading gives; a bad archive shows in the coverage.
pub fn list(file: &mut dyn ReadSeek, size: u64) -> io::Result<Listing> {
    let mut log = Log::default();
    let mut listing = look(file, size, &mut log)?;
    listing.coverage = log.finish().0;
    Ok(listing)
}

fn look(file: &mut dyn ReadSeek, size: u64, log: &mut Log) -> io::Result<Listing> {
    let mut listing = Listing {
        members: Vec::new(),
        overlaps: false,
        kind: Kind::Plain,
        coverage: Coverage::Complete,
        own: Vec::new(),
    };
    if let Some(short) = holds(file, size)? {
        log.gap_of(short);
        return Ok(listing);
    }
    let mut input = Input::new(file, size);
    if let Err(stop) = members(&mut input, &mut listing, log) {
        stopped(stop, log)?;
    }
    listing.kind = match kind::of(&mut input, &listing.members) {
        Ok(kind) => kind,
        Err(Stop::Io(e)) => return Err(e),
        Err(_) => Kind::Plain,
    };
    Ok(listing)
}

fn members(input: &mut Input<'_>, listing: &mut Listing, log: &mut Log) -> Result<(), Stop> {
    let end = end::find(input, log)?;
    let mut entries = directory::read(input, &end, log)?;
    let mut extents = Extents::default();
    extents.add(end.directory, end.directory_end);
    listing.own.push((end.directory, end.directory_end));
    for (from, to) in &end.extents {
        extents.add(*from, *to);
        listing.own.push((from + 4, *to));
    }
    duplicates(&entries, log);
    entries.sort_by_key(|entry| entry.offset);
    for entry in &entries {
        let stop = match listed(input, entry, log) {
            Ok((member, extent)) => {
                extents.add(extent.0, extent.1);
                listing.own.push((extent.0 + 4, member.data));
                listing.own.push((member.data + member.packed, extent.1));
                listing.members.push(member);
                continue;
            }
            Err(stop) => stop,
        };
        let name = shown(&entry.name);
        match stop {
            Stop::Io(e) => return Err(Stop::Io(e)),
            Stop::Truncated(_) => log.member("structure.hidden", &name, "is listed and not there"),
            Stop::Malformed(_, why) => log.member("structure.hidden", &name, &why),
        }
        log.gap("hidden", "a member is listed and not there");
    }
    listing.overlaps = extents.overlap(log);
    let is_apk = kind::of(input, &listing.members).is_ok_and(|kind| kind == Kind::Apk);
    let found = extents.gaps(input, is_apk, &mut listing.members, log);
    // As the directory gives them: what is first there is what matters to some kinds.
    listing.members.sort_by_key(|member| member.data);
    listing.own.extend(found?);
    Ok(())
}

fn duplicates(entries: &[Entry], log: &mut Log) {
    let mut seen = BTreeSet::new();
    for entry in entries {
        if !seen.insert(entry.name.as_slice()) {
            log.member("structure.duplicate", &shown(&entry.name), "is listed more than once");
        }
    }
}

/// A listed member, with the bytes that it takes.
fn listed(input: &mut Input<'_>, entry: &Entry, log: &mut Log) -> Result<(Member, (u64, u64)), Stop> {
    let Some(local) = local::read(input, entry.offset)? else {
        return Err(Stop::Malformed(entry.offset, "is listed and not there".into()));
    };
    let name = shown(&entry.name);
    if let Some(difference) = local::compare(entry, &local) {
        log.member("structure.hidden", &name, difference);
        log.gap("hidden", format!("a member {difference}"));
    }
    if entry.odd || local.odd {
        log.member("structure.gap", &name, "has bytes in its extra fields that are none");
    }
    if local::ends_within(input, &entry.head, &local)? {
        log.member(
            "structure.hidden",
            &name,
            "holds what may pass for its end, and nothing before it tells that",
        );
        log.gap("hidden", "a member holds what may pass for its end");
    }
    let end = local::end_of(input, &entry.head, local.data, local.head.is_streamed(), log)?;
    // What holds data is no folder, whatever it is called.
    let form = match entry.name.last() {
        _ if entry.link => Form::Link,
        Some(b'/') if entry.head.size == 0 && entry.head.packed <= 2 => Form::Folder,
        _ => Form::File,
    };
    Ok((member(name, form, &entry.head, local.data, true), (entry.offset, end)))
}

fn member(name: String, form: Form, head: &Head, data: u64, listed: bool) -> Member {
    Member {
        name,
        form,
        method: head.method,
        crc: head.crc,
        data,
        packed: head.packed,
        size: head.size,
        encrypted: head.is_encrypted(),
        listed,
    }
}

/// Names are UTF-8 or of some old code page; what is not UTF-8 is shown with marks for what cannot be read.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
