//! Members of 7z archives, by the crate `sevenz-rust2`.

use super::meter::{Meter, escape};
use super::packed::behind;
use lazaret_inspect::archive::judge_name;
use lazaret_inspect::archive::seven::{self, Stream};
use lazaret_inspect::quoted;
use lazaret_report::{Evidence, Finding};
use lazaret_sandbox::Coverage;
use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, Coder, Error, Password};
use std::cmp::Ordering;
use std::fs::File;
use std::io;

/// The first header, behind which streams are counted.
const HEADER: u64 = 32;

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
    let streams = streams(&archive);
    for (block, stream) in streams.into_iter().enumerate() {
        if meter.is_full() {
            return Ok(());
        }
        if archive.blocks[block].coders.iter().any(asks_too_much) {
            meter.gap(Coverage::partial("unreadable", "cannot be unpacked: it asks for too much memory"));
            continue;
        }
        // One thread: the crate would ask the system how many there are, and children may ask it nothing.
        let decoder = BlockDecoder::new(1, block, &archive, &password, file);
        let told = decoder.entries().iter().fold(0u64, |sum, entry| sum.saturating_add(entry.size));
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
        match decoded {
            Err(error) => meter.gap(gap(&error)),
            Ok(_) if meter.is_full() => return Ok(()),
            Ok(_) if told != archive.blocks[block].get_unpack_size() => {
                let what = "a block becomes more than its members";
                meter.find(Finding::new("structure.gap", what));
                meter.gap(Coverage::partial("gap", what));
            }
            Ok(_) => ends(file, stream, meter)?,
        }
    }
    for entry in files().filter(|entry| !entry.has_stream) {
        meter.file(&entry.name, &mut io::empty(), Some(entry.size), 0)?;
    }
    Ok(())
}

/// The stream that each block is packed in, with the coder that reads it; `None` for a block that takes several.
fn streams(archive: &Archive) -> Vec<Option<Stream>> {
    const BCJ2: &[u8] = &[3, 3, 1, 0x1b];
    let mut begin = archive.pack_pos();
    let mut sizes = archive.pack_sizes().iter();
    let stream = |block: &Block| {
        // Four streams go in and one comes out; of all other coders here one and one.
        let several = block.coders.iter().filter(|coder| coder.encoder_method_id() == BCJ2).count();
        let at = begin;
        let length = sizes.by_ref().take(1 + 3 * several).fold(0u64, |sum, size| sum.saturating_add(*size));
        begin = begin.saturating_add(length);
        let (index, coder) = block.ordered_coder_iter().next().filter(|_| several == 0)?;
        Some(Stream {
            begin: at,
            length,
            method: coder.encoder_method_id().to_vec(),
            properties: coder.properties().to_vec(),
            unpacked: block.get_unpack_size_at_index(index),
        })
    };
    archive.blocks.iter().map(stream).collect()
}

/// What is packed ends where its stream does: readers go no further, and show nothing of what stands behind.
fn ends(file: &File, stream: Option<Stream>, meter: &mut Meter<'_>) -> io::Result<()> {
    let Some(stream) = stream else {
        meter.gap(Coverage::partial("unreadable", "a block in several streams, whose ends do not show"));
        return Ok(());
    };
    match behind(file, HEADER, &stream) {
        Ok(0) => {}
        Ok(left) => {
            let what = format!("a stream ends {left} bytes before its packed bytes do");
            let offset = HEADER.saturating_add(stream.begin).saturating_add(stream.length - left);
            let evidence = Evidence::Bytes { offset, length: left };
            meter.find(Finding::new("structure.gap", what.clone()).at(evidence));
            meter.gap(Coverage::partial("gap", what));
        }
        Err(e) => {
            let why = format!("a stream cannot be read to its end: {}", escape(&e));
            meter.gap(Coverage::partial("unreadable", why));
        }
    }
    Ok(())
}

/// Between the two headers lie the streams that are packed, one behind the other, and nothing else.
fn claims(file: &mut File, size: u64, archive: &Archive, meter: &mut Meter<'_>) -> io::Result<()> {
    let Some(packed) = seven::packed(file, size)? else {
        meter.gap(Coverage::partial("unreadable", "its list of members is packed as none is"));
        return Ok(());
    };
    if let Some(list) = &packed.list {
        ends(file, Some(list.clone()), meter)?;
    }
    let streams = archive.pack_sizes().iter().fold(0u64, |sum, size| sum.saturating_add(*size));
    let list = packed.list.map(|list| (list.begin, list.length));
    let mut claimed: Vec<_> = list.into_iter().chain([(archive.pack_pos(), streams)]).collect();
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
            // What streams say of themselves may be anything.
            let offset = reached.min(from).saturating_add(HEADER).min(size);
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
