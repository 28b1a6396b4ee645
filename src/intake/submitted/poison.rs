//! How often a message was tried in vain, by this process: a broker's own count is lost where it is published anew.

use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Messages remembered; beyond these all are forgotten, and tried anew.
const MOST: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Tries(Mutex<HashMap<Fingerprint, u64>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

impl Tries {
    /// One more; how many there are now.
    pub(super) fn count(&self, message: Fingerprint) -> u64 {
        let mut tries = self.lock();
        if tries.len() >= MOST && !tries.contains_key(&message) {
            tries.clear();
        }
        let count = tries.entry(message).or_default();
        *count += 1;
        *count
    }

    pub(super) fn forget(&self, message: Fingerprint) {
        self.lock().remove(&message);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, u64>> {
        // Whole after every statement, so that a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_counted_until_it_is_forgotten_and_memory_is_bounded() {
        let (tries, one) = (Tries::default(), Fingerprint::of(b"one"));
        assert_eq!((tries.count(one), tries.count(one), tries.count(Fingerprint::of(b"two"))), (1, 2, 1));
        tries.forget(one);
        assert_eq!(tries.count(one), 1);
        for n in 0..2 * MOST as u64 {
            tries.count(Fingerprint::of(&n.to_be_bytes()));
        }
        assert!(tries.lock().len() <= MOST);
    }
}
