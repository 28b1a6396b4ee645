//! Keys in order, reading no more folders than are returned.

use super::layout::{from_name, shard, to_name};
use crate::adapters::keys::checked;
use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

pub(super) fn list(zone: &Path, after: &str, limit: usize) -> io::Result<Vec<String>> {
    let mut shards: Vec<String> = names(zone)?.iter().map(|name| from_name(name)).collect();
    shards.retain(|begins| begins.as_str() >= shard(after));
    shards.sort_unstable();
    let mut found = Vec::new();
    for begins in shards {
        if found.len() >= limit {
            break;
        }
        let mut keys: Vec<String> =
            names(&zone.join(to_name(&begins)))?.iter().map(|name| from_name(name)).collect();
        keys.retain(|key| key.as_str() > after && checked(key).is_ok());
        keys.sort_unstable();
        found.append(&mut keys);
    }
    found.truncate(limit);
    Ok(found)
}

/// What is in a folder; nothing where it went meanwhile. Names that are not UTF-8 are not ours.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.filter_map(|entry| entry.map(|e| e.file_name().into_string().ok()).transpose()).collect()
}
