//! Members of TAR archives: they lie there as they are.

use super::meter::Meter;
use lazaret_inspect::archive::tar;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

pub(super) fn unpack(file: &mut File, size: u64, meter: &mut Meter<'_>) -> io::Result<()> {
    let listing = tar::list(file, size)?;
    meter.gap(listing.coverage);
    let files = || listing.members.iter().filter(|m| matches!(m.form, tar::Form::File | tar::Form::Sparse));
    meter.listed = files().count() as u64;
    let declared = files().fold(0u64, |sum, member| sum.saturating_add(member.size));
    if !meter.allows(meter.listed, declared) {
        return Ok(());
    }
    for member in files() {
        if meter.is_full() {
            break;
        }
        if member.form == tar::Form::Sparse {
            meter.refuse(&member.name, "unreadable", "is a sparse file")?;
            continue;
        }
        file.seek(SeekFrom::Start(member.data))?;
        let mut content = BufReader::with_capacity(64 << 10, &*file).take(member.size);
        meter.file(&member.name, &mut content, Some(member.size), 0)?;
    }
    Ok(())
}
