//! The Queue over any Store: what is due is what the store says is due. Nothing is kept here that matters after a
//! restart.

mod ticket;

use crate::{
    ports::{Clock, Queue, Result, Store, queue::Delivery},
    upload::UploadId,
};
use async_trait::async_trait;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use ticket::Held;
use tokio::{sync::Notify, time::Instant};

/// Ids fetched at a time, beside those that are out already.
const BATCH: u32 = 32;

pub struct StoreQueue {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    poll: Duration,
    shelf: Arc<Shelf>,
    wake: Notify,
    /// One receiver asks the store at a time; the others find what it brought.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Shelf(Mutex<Ids>);

#[derive(Default)]
struct Ids {
    /// Due when last asked, oldest first.
    ready: VecDeque<UploadId>,
    /// Not to be handed out now.
    kept_back: HashMap<UploadId, KeptBack>,
}

enum KeptBack {
    /// Somebody has it.
    Out,
    Until(Instant),
}

impl Shelf {
    /// Nothing here can panic half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Ids> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreQueue {
    /// Asks the store at every [`Queue::wake`], and `poll` after it last had nothing: for leases that ran out, and for
    /// uploads that another process accepted.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, poll: Duration) -> Self {
        let (shelf, wake, asking) = Default::default();
        Self { store, clock, poll, shelf, wake, asking }
    }

    /// Takes the next id from the shelf, and whether more are there.
    fn take(&self) -> Option<(Delivery, bool)> {
        let mut ids = self.shelf.lock();
        while let Some(upload) = ids.ready.pop_front() {
            if ids.kept_back.contains_key(&upload) {
                continue;
            }
            ids.kept_back.insert(upload, KeptBack::Out);
            let ticket = Box::new(Held::new(upload, Arc::clone(&self.shelf)));
            return Some((Delivery { upload, ticket }, !ids.ready.is_empty()));
        }
        None
    }

    /// Asks the store. Returns how long to wait at most if that brought nothing.
    async fn ask(&self) -> Result<Duration> {
        let kept_back = self.shelf.lock().kept_back.len();
        let limit = BATCH.saturating_add(u32::try_from(kept_back).unwrap_or(u32::MAX));
        let due = self.store.due(self.clock.now(), limit).await?;
        let mut ids = self.shelf.lock();
        let now = Instant::now();
        ids.kept_back.retain(|_, why| !matches!(why, KeptBack::Until(when) if *when <= now));
        ids.ready = due.into_iter().filter(|id| !ids.kept_back.contains_key(id)).collect();
        let next = ids.kept_back.values().filter_map(|why| match why {
            KeptBack::Until(when) => Some(*when - now),
            KeptBack::Out => None,
        });
        Ok(next.min().unwrap_or(self.poll).min(self.poll))
    }
}

#[async_trait]
impl Queue for StoreQueue {
    /// Cancel-safe: an id is taken and returned without waiting in between.
    async fn receive(&self) -> Result<Delivery> {
        loop {
            let wait = {
                let _turn = self.asking.lock().await;
                if self.shelf.lock().ready.is_empty() { self.ask().await? } else { Duration::ZERO }
            };
            if let Some((delivery, more)) = self.take() {
                if more {
                    self.wake.notify_one();
                }
                return Ok(delivery);
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}
