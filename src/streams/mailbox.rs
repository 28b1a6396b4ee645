//! Where a stream's newest frame waits for its turn. An older one that waits there still is skipped.

use super::{frame::Frame, outcome::Reply};
use jiff::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::{sync::Notify, time::Instant};

/// A frame and who waits to hear of it.
#[derive(Debug)]
pub struct Waiting {
    pub frame: Frame,
    pub sequence: u64,
    pub came: Timestamp,
    /// The same moment, to measure from.
    pub since: Instant,
    pub reply: Reply,
}

#[derive(Debug, Default)]
pub struct Mailbox {
    newest: Mutex<Option<Waiting>>,
    bell: Notify,
}

impl Mailbox {
    /// Gives the one that it takes the place of.
    pub fn put(&self, waiting: Waiting) -> Option<Waiting> {
        let older = self.lock().replace(waiting);
        self.bell.notify_one();
        older
    }

    pub fn take(&self) -> Option<Waiting> {
        self.lock().take()
    }

    /// Returns once there is a frame. One caller at a time.
    pub async fn filled(&self) {
        while self.lock().is_none() {
            self.bell.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
