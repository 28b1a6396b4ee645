//! What nobody's request does: leases that ran out and have no message any more, direct uploads that never came, objects
//! that a crash left. One process of many does it at a time.

use crate::{
    events::{Leader, Settled},
    intake::direct,
    pipeline::{Company, sweep},
    ports::{Blobs, Clock, Direct, Result, Store},
    sabotage::{self, Hole},
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

pub(super) struct Janitor {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Arc<dyn Blobs>,
    /// Where direct uploads come in, if they do.
    pub(super) direct: Option<Arc<dyn Direct>>,
    /// How long their URLs are good.
    pub(super) direct_term: Duration,
    pub(super) settled: Settled,
    pub(super) clock: Arc<dyn Clock>,
    /// This process, among all that use the store.
    pub(super) holder: String,
    /// Leases that ran out this long ago are put back; `None` where the queue finds them by itself.
    pub(super) reap_after: Option<Duration>,
    /// Other processes use these blobs too, so that they are swept while they are used.
    pub(super) sweeps: bool,
}

const EVERY: Duration = Duration::from_secs(2);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
const TERM: Duration = Duration::from_secs(20);
const BATCH: u32 = 256;

impl Janitor {
    /// Ends when it is aborted; nothing that it does is half done then that the next one does not finish.
    pub(super) fn start(self) -> JoinHandle<()> {
        tokio::spawn(self.run())
    }

    async fn run(self) {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let mut leader = Leader::new(store, clock, "janitor", self.holder.clone(), TERM);
        let mut swept: Option<Instant> = None;
        loop {
            let due = swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY);
            match self.round(&mut leader, due).await {
                Ok(true) if due => swept = Some(Instant::now()),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "housekeeping was put off"),
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Whether it was this process's turn.
    async fn round(&self, leader: &mut Leader, sweeping: bool) -> Result<bool> {
        if !leader.leads().await? {
            return Ok(false);
        }
        self.reap().await?;
        if let Some(direct) = &self.direct {
            direct::sweep(&*self.store, &**direct, &self.settled, self.clock.now(), self.direct_term).await?;
        }
        if sweeping && self.sweeps {
            let removed = sweep(&*self.store, &*self.blobs, Company::Others).await?;
            if removed > 0 {
                tracing::info!(removed.objects = removed, "objects that no upload uses were removed");
            }
        }
        Ok(true)
    }

    async fn reap(&self) -> Result<()> {
        let Some(after) = self.reap_after.filter(|_| !sabotage::opens(Hole::Ack)) else { return Ok(()) };
        let now = self.clock.now();
        let Ok(before) = now.checked_sub(after) else { return Ok(()) };
        let reaped = self.store.reap(before, now, BATCH).await?;
        if reaped > 0 {
            tracing::info!(recovered.leases = reaped, "uploads of workers that are gone wait again");
        }
        Ok(())
    }
}
