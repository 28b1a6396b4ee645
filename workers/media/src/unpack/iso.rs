//! Files of ISO 9660 images: they lie there as they are.

use super::meter::Meter;
use lazaret_inspect::archive::iso;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

pub(super) fn unpack(file: &mut File, size: u64, meter: &mut Meter<'_>) -> io::Result<()> {
    let listing = iso::list(file, size)?;
    meter.gap(listing.coverage);
    meter.listed = listing.members.len() as u64;
    let declared = listing.members.iter().fold(0u64, |sum, member| sum.saturating_add(member.size));
    if !meter.allows(meter.listed, declared) {
        return Ok(());
    }
    for member in &listing.members {
        if meter.is_full() {
            break;
        }
        file.seek(SeekFrom::Start(member.data))?;
        let mut content = BufReader::with_capacity(64 << 10, &*file).take(member.size);
        meter.file(&member.name, &mut content, Some(member.size), 0)?;
    }
    Ok(())
}
