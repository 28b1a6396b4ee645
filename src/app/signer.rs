//! The keys that sign URLs: those of the settings, or one that the embedded mode makes for itself.

use crate::{
    config::{Config, units::Secret},
    delivery::Signer,
    ports::{Random, random::SystemRandom},
};
use anyhow::Context;
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The id of the key that the embedded mode makes.
const OWN: &str = "local";

pub fn signer(config: &Config) -> anyhow::Result<Signer> {
    let delivery = &config.delivery;
    let (keys, current) = if delivery.keys.is_empty() {
        super::folder::make(&config.server.data)?;
        let key = own(&config.data("signing.key"))?;
        (BTreeMap::from([(OWN.to_owned(), key.0)]), OWN.to_owned())
    } else {
        let keys: BTreeMap<_, _> = delivery.keys.iter().map(|(kid, key)| (kid.clone(), key.0)).collect();
        let only = || keys.keys().next().cloned().unwrap_or_default();
        let current = if delivery.current.is_empty() { only() } else { delivery.current.clone() };
        (keys, current)
    };
    Signer::new(&delivery.public_url, &keys, &current).context("[delivery]")
}

/// Reads the key, making it where there is none. Two processes that make one at the same time end up with the same.
pub(super) fn own(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    match fs::read_to_string(path) {
        Ok(text) => {
            return text.trim().parse().map_err(|why: String| anyhow::anyhow!("{shown}: expected {why}"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("{shown} cannot be read")),
    }
    let mut bytes = [0; 32];
    SystemRandom.fill(&mut bytes)?;
    // Whole or not at all, and never over a key that another process has just made.
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(crate::hex(&bytes).as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    };
    let written = write();
    let _ = fs::remove_file(&draft);
    written.with_context(|| format!("{shown} cannot be written"))?;
    let text = fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
    text.trim().parse().map_err(|why: String| anyhow::anyhow!("{shown}: expected {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing.key");
        let first = own(&path).unwrap();
        assert!(own(&path).unwrap() == first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "short").unwrap();
        assert!(own(&path).unwrap_err().to_string().contains("64 hex digits"));
    }
}
