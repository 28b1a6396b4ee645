use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Refuses a library that is cut short: the loader maps it all the same, and touching what is missing kills the
/// process with SIGBUS.
///
/// Reads the ELF64 header and checks that the section header table, which linkers write last, lies inside the file
/// (System V ABI, "ELF Header": `e_shoff` at 40, `e_shentsize` at 58, `e_shnum` at 60). Files of another kind are left
/// to the loader, which has an error for them.
pub(super) fn check_whole(path: &Path) -> Result<(), String> {
    let say = |error: std::io::Error| format!("{}: {}", path.display(), error.to_string().to_lowercase());
    let mut file = File::open(path).map_err(say)?;
    let length = file.metadata().map_err(say)?.len();
    let mut header = [0; 64];
    if file.read_exact(&mut header).is_err() || !header.starts_with(b"\x7fELF\x02\x01") {
        return Err(format!("{} is not a shared library for a 64-bit little-endian system", path.display()));
    }
    let number =
        |at: usize, size: usize| header[at..at + size].iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
    let end = number(40, 8).saturating_add(number(58, 2) * number(60, 2));
    if end > length {
        return Err(format!("{} is cut short: {length} of at least {end} bytes are there", path.display()));
    }
    Ok(())
}
