//! One object: in whole, or not at all.

use super::layout::{Layout, sync_folder};
use crate::{
    adapters::{keys::CheckedKey, spools::make_folder},
    ports::blobs::Zone,
};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags},
    io::Errno,
};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

/// Bytes copied at a time where the spool cannot be given a name.
const CHUNK: usize = 1 << 20;

pub(super) fn put(layout: &Layout, zone: Zone, key: &CheckedKey, spool: &File) -> io::Result<()> {
    spool.sync_all()?;
    let target = layout.object(zone, key);
    // A folder that `remove` found empty may go just before we link into it.
    for _ in 0..8 {
        match put_into(layout, zone, &target, spool) {
            Err(e) if e.kind() == ErrorKind::NotFound => make_shard(layout, zone, &target)?,
            done => return done,
        }
    }
    Err(io::Error::new(ErrorKind::TimedOut, "the object's folder keeps vanishing"))
}

fn put_into(layout: &Layout, zone: Zone, target: &Path, spool: &File) -> io::Result<()> {
    let folder = parent(target)?;
    if !folder.try_exists()? {
        make_shard(layout, zone, target)?;
    }
    if is_ours(layout, spool) {
        match link(spool, target) {
            Ok(()) => return sync_folder(folder),
            Err(Errno::EXIST) => {
                let temporary = Temporary::new(layout)?;
                if link(spool, &temporary.path).is_ok() {
                    fs::rename(&temporary.path, target)?;
                    return sync_folder(folder);
                }
            }
            Err(_) => {}
        }
    }
    let temporary = Temporary::new(layout)?;
    copy(spool, &temporary.path)?;
    fs::rename(&temporary.path, target)?;
    sync_folder(folder)
}

/// May this very inode become an object? Only one that nobody outside of this store can name: a nameless file in our
/// spool folder, or an object of ours (publishing what is held).
fn is_ours(layout: &Layout, spool: &File) -> bool {
    let inside = fs::read_link(descriptor(spool)).is_ok_and(|path| path.starts_with(layout.root()));
    inside && spool.metadata().is_ok_and(|metadata| metadata.mode() & 0o177 == 0)
}

fn link(file: &File, target: &Path) -> Result<(), Errno> {
    rustix::fs::linkat(CWD, descriptor(file), CWD, target, AtFlags::SYMLINK_FOLLOW)
}

fn descriptor(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// All bytes of `from`, without moving its offset, into a new file.
fn copy(from: &File, to: &Path) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut to = File::from(rustix::fs::open(to, flags, Mode::RUSR | Mode::WUSR)?);
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        match from.read_at(&mut buffer, offset) {
            Ok(0) => break,
            Ok(n) => {
                to.write_all(&buffer[..n])?;
                offset += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    to.sync_all()
}

fn make_shard(layout: &Layout, zone: Zone, target: &Path) -> io::Result<()> {
    make_folder(parent(target)?, false)?;
    sync_folder(&layout.zone(zone))
}

fn parent(target: &Path) -> io::Result<&Path> {
    target.parent().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "an object without a folder"))
}

/// A name in the spool folder that is taken away in the end. (A rename between two names of one inode leaves both.)
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn new(layout: &Layout) -> io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        Ok(Self { path: layout.spool().join(crate::hex(&random)) })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Renamed away, as a rule; else the next start takes it away.
        let _ = fs::remove_file(&self.path);
    }
}

/// What can be opened without asking the disk: its whole path is in the kernel's memory (openat2(2), Linux 5.12).
/// `None` says nothing.
pub(super) fn open_at_once(path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok().map(File::from)
}

pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    match rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

pub(super) fn remove(layout: &Layout, zone: Zone, key: &CheckedKey) -> io::Result<()> {
    let target = layout.object(zone, key);
    let folder = parent(&target)?;
    match fs::remove_file(&target) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    // Gone with the last of its objects; else it is not empty, and the removal is made durable in it.
    match fs::remove_dir(folder) {
        Ok(()) => sync_folder(&layout.zone(zone)),
        Err(_) => match sync_folder(folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => sync_folder(&layout.zone(zone)),
            synced => synced,
        },
    }
}
