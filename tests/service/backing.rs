//! What this binary's sites stand on: the embedded mode, all of it in the data folder.

use std::{fs, path::Path};

/// One process alone uses a site, and puts everything right when it starts.
pub const ALONE: bool = true;

pub struct Backing;

impl Backing {
    pub fn new() -> Self {
        Self
    }

    pub fn settings(&self) -> String {
        String::new()
    }

    /// Names and bytes of all objects in a zone, in order of names: in `published` `ID~FENCE~NAME`.
    pub fn objects(&self, data: &Path, zone: &str) -> Vec<(String, Vec<u8>)> {
        let files = walkdir::WalkDir::new(data.join("blobs").join(zone)).sort_by_file_name().into_iter();
        let files = files.flatten().filter(|entry| entry.file_type().is_file());
        files
            .map(|entry| (entry.file_name().to_str().unwrap().to_owned(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    /// All that the store knows, in whatever form.
    pub async fn stored(&self, data: &Path) -> Vec<u8> {
        let files = ["lazaret.db", "lazaret.db-wal"];
        files.iter().flat_map(|name| fs::read(data.join(name)).unwrap_or_default()).collect()
    }
}
