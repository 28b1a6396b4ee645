//! The handle of an id that is out.

use super::{KeptBack, Shelf};
use crate::{
    ports::{Result, queue::Ticket},
    upload::UploadId,
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

const LONGEST_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Held {
    upload: UploadId,
    shelf: Arc<Shelf>,
}

impl Held {
    pub fn new(upload: UploadId, shelf: Arc<Shelf>) -> Self {
        Self { upload, shelf }
    }
}

#[async_trait]
impl Ticket for Held {
    /// The store knows already: there is no message to take away.
    async fn ack(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    async fn nack(self: Box<Self>, delay: Duration) -> Result<()> {
        // A restart forgets it, so a longer delay would mean nothing.
        let until = Instant::now() + delay.min(LONGEST_DELAY);
        self.shelf.lock().kept_back.insert(self.upload, KeptBack::Until(until));
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut ids = self.shelf.lock();
        if matches!(ids.kept_back.get(&self.upload), Some(KeptBack::Out)) {
            ids.kept_back.remove(&self.upload);
        }
    }
}
