//! News within this process: an upload has settled. A hint only: who hears it reads the store, which alone knows.

use crate::upload::UploadId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// The hub. Copies share it.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    hub: Arc<Mutex<Hub>>,
    outbox: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Hub {
    uploads: HashMap<UploadId, Waiters>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Waiters {
    count: usize,
    bell: Arc<Notify>,
}

impl Settled {
    /// Wakes all who wait for this upload, and who hands the outbox on; costs next to nothing where nobody does.
    pub fn notify(&self, id: UploadId) {
        self.outbox.notify_one();
        if let Some(waiters) = self.lock().uploads.get(&id) {
            waiters.bell.notify_waiters();
        }
    }

    /// Rings when there may be something new in the outbox.
    pub fn outbox(&self) -> Arc<Notify> {
        Arc::clone(&self.outbox)
    }

    /// Begins to listen. Read the store after this call, and nothing is missed.
    pub fn listen(&self, id: UploadId) -> Listener {
        let mut hub = self.lock();
        let waiters = hub.uploads.entry(id).or_default();
        waiters.count += 1;
        Listener { bell: waiters.bell.clone(), hub: self.clone(), id }
    }

    /// The process is about to stop: wakes everybody, and lets nobody wait again.
    pub fn close(&self) {
        let mut hub = self.lock();
        hub.closed = true;
        hub.uploads.values().for_each(|waiters| waiters.bell.notify_waiters());
    }

    /// How many listen.
    pub fn waiting(&self) -> usize {
        self.lock().uploads.values().map(|waiters| waiters.count).sum()
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Hub> {
        // The map is whole after every statement that changes it, so a panic elsewhere does not spoil it.
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Listener {
    bell: Arc<Notify>,
    hub: Settled,
    id: UploadId,
}

impl Listener {
    /// Resolves at the next notification after this call, not after the first poll.
    pub fn heard(&self) -> impl Future<Output = ()> + '_ {
        self.bell.notified()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut hub = self.hub.lock();
        if let Some(waiters) = hub.uploads.get_mut(&self.id) {
            waiters.count -= 1;
            if waiters.count == 0 {
                hub.uploads.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listeners_of_that_upload_hear_it_even_before_they_are_polled_and_leave_nothing_behind() {
        let hub = Settled::default();
        let id = |n| UploadId::new(jiff::Timestamp::UNIX_EPOCH, &[n; 10]);
        let (one, two, other) = (hub.listen(id(1)), hub.listen(id(1)), hub.listen(id(2)));
        let (first, second, mut third) = (one.heard(), two.heard(), Box::pin(other.heard()));
        hub.notify(id(1));
        first.await;
        second.await;
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(third);
        drop((one, two, other));
        assert!(hub.lock().uploads.is_empty());
    }
}
