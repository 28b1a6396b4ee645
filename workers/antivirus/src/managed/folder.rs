//! The daemon's private folder: one owner at a time, and nothing left over from the one before.

use super::process;
use crate::address::{Address, LONGEST_SOCKET_PATH};
use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
};

const LOCK: &str = "lock";
const ADDRESS: &str = "address";
const SOCKET: &str = "clamd.sock";
const SHORT_PREFIX: &str = "lazaret-clamd-";

pub(super) struct Folder {
    path: PathBuf,
    socket: PathBuf,
    /// Where the folder's own path is too long for a socket.
    _short: Option<tempfile::TempDir>,
    _lock: File,
}

impl Folder {
    /// Takes the folder, ends a daemon that an owner before left in it, and clears what that left behind.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let told = |error: io::Error| format!("cannot use the folder {}: {error}", path.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(told)?;
        let lock = File::create(path.join(LOCK)).map_err(told)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!(
                    "another process runs its clamd in {}: use another folder",
                    path.display()
                ));
            }
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        clear(&path).map_err(told)?;
        DirBuilder::new().mode(0o700).create(path.join("tmp")).map_err(told)?;
        let (mut socket, mut short) = (path.join(SOCKET), None);
        if socket.as_os_str().as_bytes().len() > LONGEST_SOCKET_PATH {
            let folder = tempfile::Builder::new().prefix(SHORT_PREFIX).tempdir().map_err(told)?;
            socket = folder.path().join(SOCKET);
            short = Some(folder);
        }
        let address = Address::Unix(socket.clone()).to_string();
        fs::write(path.join(ADDRESS), address).map_err(told)?;
        Ok(Self { path, socket, _short: short, _lock: lock })
    }

    pub(super) fn write_config(&self, text: &str) -> Result<(), String> {
        let path = self.config();
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    pub(super) fn write_pid(&self, pid: rustix::process::Pid) -> Result<(), String> {
        let path = self.pid_file();
        fs::write(&path, format!("{pid}\n"))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path.join("clamd.conf")
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.path.join("clamd.pid")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.path.join("tmp")
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Folder {
    /// The daemon was ended before.
    fn drop(&mut self) {
        for file in [&self.pid_file(), &self.socket, &self.path.join(ADDRESS)] {
            let _gone_already = fs::remove_file(file);
        }
        let _gone_already = fs::remove_dir_all(self.temporary());
    }
}

/// The lock is ours, so whatever still runs with this folder's configuration has lost its owner.
fn clear(path: &Path) -> io::Result<()> {
    let pid_file = path.join("clamd.pid");
    if let Ok(pid) = fs::read_to_string(&pid_file) {
        process::end_stale(pid.trim(), &path.join("clamd.conf"));
    }
    if let Some(Address::Unix(socket)) = written_address(path)
        && let Some(folder) = socket.parent().filter(|f| is_short(f))
    {
        absent_is_fine(fs::remove_dir_all(folder))?;
    }
    for file in [pid_file, path.join(SOCKET), path.join(ADDRESS)] {
        absent_is_fine(fs::remove_file(file))?;
    }
    absent_is_fine(fs::remove_dir_all(path.join("tmp")))
}

fn is_short(folder: &Path) -> bool {
    let ours = folder.file_name().is_some_and(|n| n.as_bytes().starts_with(SHORT_PREFIX.as_bytes()));
    ours && folder.parent() == Some(&std::env::temp_dir())
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn written_address(folder: &Path) -> Option<Address> {
    fs::read_to_string(folder.join(ADDRESS)).ok()?.parse().ok()
}

/// Where the managed clamd of another process listens that holds this folder just now, for use as
/// [`crate::Source::Pool`]. It may still be loading its signatures.
pub fn running(folder: &Path) -> Option<Address> {
    let lock = File::open(folder.join(LOCK)).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => written_address(folder),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}
