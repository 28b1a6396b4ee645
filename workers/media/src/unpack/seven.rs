//! Members of 7z archives, by the crate `sevenz-rust2`.

use super::meter::Meter;
use lazaret_inspect::archive::{judge_name, seven};
use lazaret_inspect::quoted;
use lazaret_report::{Evidence, Finding};
use lazaret_sandbox::Coverage;
use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Coder, Error, Password};
use std::cmp::Ordering;
use std::fs::File;
use std::io;

pub(super) fn unpack(file: &mut File, size: u64, meter: &mut Meter<'_>) -> io::Result<()> {
    let password = Password::empty();
    let archive = match Archive::read(file, &password) {
        Ok(archive) => archive,
        Err(error) => {
            meter.gap(gap(&error));
            return Ok(());
        }
    };
    claims(file, size, &archive, meter)?;
    let files = || archive.files.iter().filter(|entry| !entry.is_directory);
    meter.listed = files().count() as u64;
    for entry in files() {
        judge_name(&entry.name).into_iter().for_each(|finding| meter.find(finding));
    }
    for entry in archive.files.iter().filter(|entry| is_link(entry)) {
        let name = quoted(&entry.name);
        let finding = Finding::new("structure.link", format!("member {name} is a link"));
        meter.find(finding.at(Evidence::Member { name }));
    }
    let declared = files().fold(0u64, |sum, entry| sum.saturating_add(entry.size));
    if !meter.allows(meter.listed, declared) {
        return Ok(());
    }
    for block in 0..archive.blocks.len() {
        if meter.is_full() {
            return Ok(());
        }
        if archive.blocks[block].coders.iter().any(asks_too_much) {
            meter.gap(Coverage::partial("unreadable", "cannot be unpacked: it asks for too much memory"));
            continue;
        }
        // One thread: the crate would ask the system how many there are, and children may ask it nothing.
        let decoder = BlockDecoder::new(1, block, &archive, &password, file);
        let mut lost = None;
        let decoded = decoder.for_each_entries(&mut |entry, content| {
            if entry.is_directory {
                return Ok(true);
            }
            match meter.file(&entry.name, content, Some(entry.size), 0) {
                Ok(_) => Ok(!meter.is_full()),
                Err(error) => {
                    lost = Some(error);
                    Ok(false)
                }
            }
        });
        if let Some(error) = lost {
            return Err(error);
        }
        if let Err(error) = decoded {
            meter.gap(gap(&error));
        }
    }
    for entry in files().filter(|entry| !entry.has_stream) {
        meter.file(&entry.name, &mut io::empty(), Some(entry.size), 0)?;
    }
    Ok(())
}

/// Between the two headers lie the streams that are packed, one behind the other, and nothing else.
fn claims(file: &mut File, size: u64, archive: &Archive, meter: &mut Meter<'_>) -> io::Result<()> {
    let Some(packed) = seven::packed(file, size)? else {
        meter.gap(Coverage::partial("unreadable", "its list of members lies in several streams"));
        return Ok(());
    };
    let streams = archive.pack_sizes().iter().fold(0u64, |sum, size| sum.saturating_add(*size));
    let mut claimed: Vec<_> = packed.list.into_iter().chain([(archive.pack_pos(), streams)]).collect();
    claimed.retain(|(_, length)| *length > 0);
    claimed.sort_unstable();
    let mut reached = 0;
    for (from, length) in claimed.into_iter().chain([(packed.length, 0)]) {
        let (code, gap, what) = match from.cmp(&reached) {
            Ordering::Less => ("structure.overlap", "overlap", "bytes that streams share"),
            Ordering::Greater => ("structure.gap", "gap", "bytes that belong to no stream"),
            Ordering::Equal => ("", "", ""),
        };
        if !code.is_empty() {
            // Counted from behind the first header, of 32 bytes; what streams say of themselves may be anything.
            let offset = reached.min(from).saturating_add(32).min(size);
            let length = from.abs_diff(reached).min(size - offset);
            meter.find(
                Finding::new(code, format!("{what}: {length} of them"))
                    .at(Evidence::Bytes { offset, length }),
            );
            meter.gap(Coverage::partial(gap, what));
        }
        reached = reached.max(from.saturating_add(length));
    }
    Ok(())
}

/// What 7-Zip's highest setting asks for, in bytes.
const DICTIONARY: u64 = 256 << 20;

/// LZMA's dictionary is told by its four bytes behind the first, LZMA2's by half an exponent (xz's file format, 5.3.1).
fn asks_too_much(coder: &Coder) -> bool {
    let dictionary = match (coder.encoder_method_id(), coder.properties()) {
        ([3, 1, 1], [_, size @ ..]) => {
            size.first_chunk().map_or(u64::MAX, |size| u64::from(u32::from_le_bytes(*size)))
        }
        ([0x21], [bits, ..]) => u64::from(2 | bits & 1) << (bits.min(&63) / 2 + 11),
        _ => 0,
    };
    dictionary > DICTIONARY
}

/// Of Windows (a reparse point), or of Unix, whose mode p7zip and 7-Zip keep in the upper half behind a bit that says so.
fn is_link(entry: &ArchiveEntry) -> bool {
    let attributes = entry.windows_attributes;
    let unix = attributes & 0x8000 != 0 && attributes >> 28 == 0o12;
    entry.has_windows_attributes && (unix || attributes & 0x400 != 0)
}

fn gap(error: &Error) -> Coverage {
    let shown: String = error.to_string().chars().take(200).flat_map(char::escape_debug).collect();
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => {
            Coverage::partial("encrypted", "there are encrypted members")
        }
        Error::UnsupportedCompressionMethod(name) if name.contains("AES") => {
            Coverage::partial("encrypted", "there are encrypted members")
        }
        _ => Coverage::partial("unreadable", format!("cannot be unpacked: {shown}")),
    }
}
