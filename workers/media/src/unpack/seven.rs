//! Members of 7z archives, by the crate `sevenz-rust2`.

use super::meter::Meter;
use lazaret_inspect::archive::judge_name;
use lazaret_sandbox::Coverage;
use sevenz_rust2::{Archive, BlockDecoder, Error, Password};
use std::fs::File;
use std::io;

pub(super) fn unpack(file: &mut File, meter: &mut Meter<'_>) -> io::Result<()> {
    let password = Password::empty();
    let archive = match Archive::read(file, &password) {
        Ok(archive) => archive,
        Err(error) => {
            meter.gap(gap(&error));
            return Ok(());
        }
    };
    let files = || archive.files.iter().filter(|entry| !entry.is_directory);
    meter.listed = files().count() as u64;
    for entry in files() {
        judge_name(&entry.name).into_iter().for_each(|finding| meter.find(finding));
    }
    let declared = files().fold(0u64, |sum, entry| sum.saturating_add(entry.size));
    if !meter.allows(meter.listed, declared) {
        return Ok(());
    }
    for block in 0..archive.blocks.len() {
        if meter.is_full() {
            return Ok(());
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
