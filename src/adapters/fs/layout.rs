//! Where things lie, and which keys may be.

use crate::ports::{
    Kind, PortError, Result,
    blobs::{Key, Zone},
};
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// The longest key: a file name on every file system that matters.
const LONGEST: usize = 255;
/// Characters of a key that name its folder.
const SHARD: usize = 7;
/// Stands for `/` in file names, and in no key.
const SLASH: &str = "~";

pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub fn make(root: PathBuf) -> io::Result<Self> {
        make_folder(&root, true)?;
        // The kernel's spelling: a spool is known by its path later on.
        let layout = Self { root: root.canonicalize()? };
        for folder in [layout.zone(Zone::Held), layout.zone(Zone::Published), layout.spool()] {
            make_folder(&folder, false)?;
        }
        sync_folder(&layout.root)?;
        Ok(layout)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn zone(&self, zone: Zone) -> PathBuf {
        self.root.join(match zone {
            Zone::Held => "held",
            Zone::Published => "published",
        })
    }

    pub fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    pub fn object(&self, zone: Zone, key: &CheckedKey) -> PathBuf {
        self.zone(zone).join(to_name(shard(&key.0))).join(to_name(&key.0))
    }

    pub fn clear_spool(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.spool())? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// What keys in one folder begin with. Keys in order have these in order.
pub(super) fn shard(key: &str) -> &str {
    &key[..key.floor_char_boundary(SHARD)]
}

pub(super) fn to_name(key: &str) -> String {
    key.replace('/', SLASH)
}

/// The key, or the beginning of one, that this name stands for.
pub(super) fn from_name(name: &str) -> String {
    name.replace(SLASH, "/")
}

/// A key that is known to be safe in a path.
pub(super) struct CheckedKey(String);

pub(super) fn checked(key: &Key) -> Result<CheckedKey> {
    if is_key(key) {
        return Ok(CheckedKey(key.to_owned()));
    }
    let why = format!(
        "{key:?} is not a key: up to {LONGEST} bytes, parts of a-z, 0-9, '.', '_' and '-' joined by '/', none \
         beginning with a dot"
    );
    Err(PortError::new(Kind::Fail, why))
}

fn is_key(key: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
    };
    key.len() <= LONGEST && key.split('/').all(fits)
}

pub(super) fn make_folder(path: &Path, with_parents: bool) -> io::Result<()> {
    let made = DirBuilder::new().recursive(with_parents).mode(0o700).create(path);
    match made {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_key_stays_inside_its_zone_and_comes_back(key in "[a-z0-9._/-]{0,40}|.{0,20}") {
            let Ok(safe) = checked(&key) else { return Ok(()) };
            let layout = Layout { root: "/r".into() };
            let path = layout.object(Zone::Held, &safe);
            let names: Vec<_> = path.strip_prefix("/r/held").unwrap().components().collect();
            proptest::prop_assert_eq!(names.len(), 2);
            proptest::prop_assert!(names.iter().all(|c| matches!(c, std::path::Component::Normal(_))));
            proptest::prop_assert_eq!(from_name(path.file_name().unwrap().to_str().unwrap()), key);
        }
    }
}
