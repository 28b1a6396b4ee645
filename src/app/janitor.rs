//! What nobody's request does: leases that ran out and have no message any more, direct uploads that never came, objects
//! that a crash left, live streams that ended long ago. One process of many does it at a time.

use crate::{
    Task,
    events::{Leader, Settled},
    intake::direct,
    pipeline::{Company, sweep},
    ports::{Blobs, Clock, Direct, Result, Store},
    sabotage::{self, Hole},
    streams::{retention, snapshots},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
    /// How long what is over of live streams is kept.
    pub(super) keep_streams: Duration,
}

const EVERY: Duration = Duration::from_secs(2);
/// Listing what came in and was never completed costs the store of blobs more.
const DIRECT_EVERY: Duration = Duration::from_secs(60);
/// An upload that has been due for so long and that nobody claimed may have lost its message: to the dead letters, or
/// because it was accepted under another `queue.url`. Where it only stands in a long line, a second message is harmless.
const UNHEARD: Duration = Duration::from_secs(1800);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// What is kept for days goes an hour sooner or later, and most rounds find nothing.
const ERASE_EVERY: Duration = Duration::from_secs(600);
/// What nobody looks at any more is not kept for long.
const TIDY_EVERY: Duration = Duration::from_secs(20);
const TERM: Duration = Duration::from_secs(20);
const BATCH: u32 = 256;

impl Janitor {
    /// Ends in the middle of its round; nothing is half done then that the next one does not finish.
    pub(super) fn start(self) -> Task {
        Task::start("housekeeping", |stop| self.run(stop))
    }

    async fn run(self, stop: CancellationToken) {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let mut leader = Leader::new(store, clock, "janitor", self.holder.clone(), TERM);
        let mut done = Done::default();
        loop {
            // Taking office is not broken off: who does not know that it leads cannot resign.
            let round = match leader.leads().await {
                Ok(true) => stop.run_until_cancelled(self.round(&mut done)).await.unwrap_or(Ok(())),
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = round {
                tracing::warn!(%error, "housekeeping was put off");
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                break;
            }
        }
        leader.resign().await;
    }

    async fn round(&self, done: &mut Done) -> Result<()> {
        // First, and whatever else goes wrong: what is shown for a minute is not to stay for longer.
        if is_due(done.tidied, TIDY_EVERY) {
            match snapshots::tidy(&*self.store, &*self.blobs, self.clock.now()).await {
                Ok(_) => done.tidied = Some(Instant::now()),
                Err(error) => tracing::warn!(%error, "frames that nobody looks at any more stay for now"),
            }
        }
        self.reap().await?;
        if let Some(direct) = self.direct.as_ref().filter(|_| is_due(done.direct, DIRECT_EVERY)) {
            direct::sweep(&*self.store, &**direct, &self.settled, self.clock.now(), self.direct_term).await?;
            done.direct = Some(Instant::now());
        }
        if self.sweeps && is_due(done.swept, SWEEP_EVERY) {
            done.swept = Some(Instant::now());
            let removed = sweep(&*self.store, &*self.blobs, Company::Others).await?;
            if removed > 0 {
                tracing::info!(removed.objects = removed, "objects that no upload uses were removed");
            }
        }
        if is_due(done.erased, ERASE_EVERY) {
            let now = self.clock.now();
            let erased = retention::erase(&*self.store, &*self.blobs, now, self.keep_streams).await?;
            done.erased = Some(Instant::now());
            if erased != retention::Erased::default() {
                tracing::info!(?erased, "what was over of live streams was erased");
            }
        }
        Ok(())
    }

    async fn reap(&self) -> Result<()> {
        let Some(after) = self.reap_after.filter(|_| !sabotage::opens(Hole::Ack)) else { return Ok(()) };
        let now = self.clock.now();
        let (Ok(before), Ok(unheard)) = (now.checked_sub(after), now.checked_sub(UNHEARD)) else {
            return Ok(());
        };
        let reaped = self.store.reap(before, unheard, now, BATCH).await?;
        if reaped > 0 {
            tracing::info!(
                recovered.uploads = reaped,
                "uploads of workers that are gone, or that nobody claimed, are announced again"
            );
        }
        Ok(())
    }
}

/// When what is done rarely was done last.
#[derive(Default)]
struct Done {
    direct: Option<Instant>,
    swept: Option<Instant>,
    tidied: Option<Instant>,
    erased: Option<Instant>,
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|at| at.elapsed() >= every)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::{fs::Fs, sqlite::Sqlite};

    /// A clock that stands still: no term ends.
    struct Still;

    impl Clock for Still {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }
    }

    #[tokio::test]
    async fn when_it_is_drained_the_next_one_leads_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("a.db")).await.unwrap());
        let janitor = Janitor {
            store: Arc::clone(&store),
            blobs: Arc::new(Fs::open(folder.path().join("blobs")).unwrap()),
            direct: None,
            direct_term: TERM,
            settled: Settled::default(),
            clock: Arc::new(Still),
            holder: "one".into(),
            reap_after: None,
            sweeps: false,
            keep_streams: TERM,
        };
        // Asking is taking the office, where nobody has it: this one gives it back at once.
        let free = async |holder| {
            let now = Still.now();
            let led = store.lead("janitor", holder, now, now + TERM).await.unwrap();
            if led {
                store.lead("janitor", holder, now, now).await.unwrap();
            }
            led
        };
        let running = janitor.start();
        let began = Instant::now();
        while free("two").await {
            assert!(began.elapsed() < 4 * TERM, "it never leads");
            tokio::time::sleep(EVERY / 100).await;
        }
        assert!(!free("two").await, "it leads for its term");
        running.drain(TERM).await;
        assert!(free("two").await, "and no longer, once it is drained");
    }
}
