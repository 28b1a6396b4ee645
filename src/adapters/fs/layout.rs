//! Where things lie.

use crate::{
    adapters::{keys::CheckedKey, spools::make_folder},
    ports::blobs::Zone,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

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
        self.zone(zone).join(to_name(shard(key.as_str()))).join(to_name(key.as_str()))
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

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::keys::checked;

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
