//! Files during whose scan the daemon died or hung. One that does it again and again is itself the trouble, and must
//! not keep the daemon down for all the others.

use std::{collections::VecDeque, fs::Metadata, os::unix::fs::MetadataExt, sync::Mutex};

/// So often may the daemon fail on one file, scanned alone after the first time.
pub(crate) const STRIKES: u32 = 3;

const REMEMBERED: usize = 1024;

/// A file that the caller gave no name, as far as the file system can tell it from others.
pub(crate) fn key_of(m: &Metadata) -> String {
    format!("{}:{}:{}:{}.{}", m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec())
}

#[derive(Debug, Default)]
pub(crate) struct Suspects(Mutex<VecDeque<(String, u32)>>);

impl Suspects {
    pub(crate) fn strikes(&self, key: &str) -> u32 {
        self.list().iter().find(|(k, _)| k == key).map_or(0, |(_, n)| *n)
    }

    /// Counts one more and says how many there are now.
    pub(crate) fn strike(&self, key: &str) -> u32 {
        let strikes = self.strikes(key) + 1;
        let mut list = self.list();
        list.retain(|(k, _)| k != key);
        list.push_back((key.to_owned(), strikes));
        if list.len() > REMEMBERED {
            list.pop_front();
        }
        strikes
    }

    pub(crate) fn clear(&self, key: &str) {
        self.list().retain(|(k, _)| k != key);
    }

    fn list(&self) -> std::sync::MutexGuard<'_, VecDeque<(String, u32)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
