//! Files without a name on the local disk, gone when they are closed.

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

/// A file without a name in `folder`, which a name can be given to where the kernel can do that.
pub(super) fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        // What file systems answer that have no O_TMPFILE.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => tempfile::tempfile_in(folder),
        Err(e) => Err(e.into()),
    }
}

/// A folder for this account alone, if it is not there.
pub(super) fn make_folder(path: &Path, with_parents: bool) -> io::Result<()> {
    let made = DirBuilder::new().recursive(with_parents).mode(0o700).create(path);
    match made {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Bytes that can still be written to the disk of `folder`.
pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
