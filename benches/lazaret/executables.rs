//! The executables to measure: those of this benchmark's own profile.

use anyhow::{Context, ensure};
use std::path::PathBuf;

/// Where cargo puts executables, above its own `deps`.
pub fn folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this executable's own path is not known")?;
    own.ancestors().nth(2).map(PathBuf::from).context("this benchmark was moved")
}

pub fn lazaret() -> anyhow::Result<PathBuf> {
    let folder = folder()?;
    for name in ["lazaret", "lazaret-media", "lazaret-video"] {
        let path = folder.join(name);
        ensure!(path.is_file(), "{} is not there; run `make bench`, which builds it", path.display());
    }
    Ok(folder.join("lazaret"))
}

/// A peer's executable; Debian keeps some where only root looks.
pub fn peer(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not installed; run scripts/setup.sh --bench"))
}
