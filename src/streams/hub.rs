//! All streams that this process watches.

use super::{
    called::Called,
    feed::feed,
    judge::Judge,
    kill::Kill,
    live::{Live, Shown},
    pull::{self, BadSource, Puller, place::Speech},
    rules::{Rules, Tuning},
    snapshots,
    untaken::Untaken,
    watcher::Watcher,
    window::{State, Window},
};
use crate::{
    Task,
    events::Settled,
    ports::{
        Blobs, Clock, Frames, Kind, PortError, Result, Store,
        streams::{Change, Pull, PullState, Stream},
    },
    telemetry::Metrics,
    upload::{Because, KnownBad, Standing, StreamId, TenantId},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Handle, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often streams are looked for that nobody watches.
const LOOK: Duration = Duration::from_secs(1);
const FOUND: u32 = 64;
/// The episode of a stream that nothing came on for so long is over, and the stream is left unless it is fed; who sends to it
/// again finds it as it was.
pub const IDLE: Duration = Duration::from_secs(30);
const BY_HAND: State = State { standing: Standing::Cut, because: Because::Person };

#[derive(Debug, Clone)]
pub struct Options {
    /// This process, among all that use the store.
    pub holder: String,
    /// For how long one that is not heard of keeps its streams.
    pub term: Duration,
    /// Frames that are judged at a time.
    pub places: usize,
    /// Frames that are kept of an episode.
    pub evidence: usize,
    /// The largest frame that the broker may bring, in bytes.
    pub max_frame: usize,
    /// [`IDLE`], as a rule.
    pub idle: Duration,
}

/// The rules of streams that set none of their own.
#[derive(Debug, Clone)]
pub struct Book {
    pub rules: Rules,
    pub tenants: BTreeMap<TenantId, Rules>,
}

impl Book {
    /// # Errors
    /// What cannot be meant, with the key to change.
    pub fn rules(&self, tenant: &TenantId, tuning: &Tuning) -> std::result::Result<Rules, String> {
        self.tenants.get(tenant).unwrap_or(&self.rules).tuned(tuning)
    }
}

pub struct Parts {
    pub store: Arc<dyn Store>,
    pub blobs: Arc<dyn Blobs>,
    pub clock: Arc<dyn Clock>,
    pub judge: Arc<dyn Judge>,
    pub settled: Settled,
    pub metrics: Arc<Metrics>,
    pub kill: Kill,
    pub book: Book,
    /// The broker, where there is one.
    pub frames: Option<Arc<dyn Frames>>,
    /// What fetches frames.
    pub puller: Puller,
    pub known: Arc<KnownBad>,
    pub options: Options,
}

/// Copies share everything.
#[derive(Clone)]
pub struct Hub(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) judge: Arc<dyn Judge>,
    pub(super) metrics: Arc<Metrics>,
    settled: Settled,
    killer: Kill,
    called: Mutex<Called>,
    book: Book,
    frames: Option<Arc<dyn Frames>>,
    pub(super) puller: Puller,
    pub(super) known: Arc<KnownBad>,
    pub(super) options: Options,
    pub(super) places: Arc<Semaphore>,
    /// Streams that wait for a place.
    pub(super) wanting: AtomicUsize,
    lives: Mutex<HashMap<StreamId, Arc<Live>>>,
    /// One at a time takes a watch, or two of this process would take it from each other.
    taking: tokio::sync::Mutex<()>,
    /// Where streams are watched: HTTP threads have runtimes of their own, which end with them.
    runtime: Handle,
    tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Hub {
    /// Whether sources that are spoken to so can be pulled here.
    pub fn can_pull(&self, speech: Speech) -> std::result::Result<(), BadSource> {
        self.0.puller.can(speech)
    }

    /// To be called on the runtime that is to watch.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            store,
            blobs,
            clock,
            judge,
            settled,
            metrics,
            kill,
            book,
            frames,
            puller,
            known,
            options,
        } = parts;
        Self(Arc::new(Shared {
            store,
            blobs,
            clock,
            judge,
            metrics,
            settled,
            killer: kill,
            called: Mutex::default(),
            book,
            frames,
            puller,
            known,
            places: Arc::new(Semaphore::new(options.places.max(1))),
            options,
            wanting: AtomicUsize::new(0),
            lives: Mutex::default(),
            taking: tokio::sync::Mutex::default(),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// The stream, watched here from now on. `None` where it is not open, or another process watches it.
    pub async fn live(&self, id: StreamId) -> Result<Option<Arc<Live>>> {
        if let Some(live) = self.here(id) {
            return Ok(Some(live));
        }
        let _one_at_a_time = self.0.taking.lock().await;
        if let Some(live) = self.here(id) {
            return Ok(Some(live));
        }
        if self.0.stop.is_cancelled() {
            return Ok(None);
        }
        let (hub, now) = (&self.0, self.0.clock.now());
        let until = now
            .checked_add(hub.options.term)
            .map_err(|e| PortError::new(Kind::Fail, "the term of a watch is too long").because(e))?;
        let Some(watch) = hub.store.watch_stream(id, &hub.options.holder, now, until).await? else {
            return Ok(None);
        };
        let stream = &watch.stream;
        let rules = hub.rules(stream)?;
        let content = State { standing: stream.standing, because: stream.because };
        let window = Window::new(rules, content, now);
        if content == BY_HAND {
            // It may have been cut where nobody could end it. What frames cut waits for its first one.
            hub.kill_again(stream, content);
        }
        let shown = Shown { state: window.state(), since: stream.since, key: stream.key.clone() };
        let over = hub.stop.child_token();
        let live = Arc::new(Live::new(
            (id, stream.tenant.clone(), watch.fence),
            (stream.counts, stream.last),
            shown,
            over,
            Arc::clone(&hub.metrics),
        ));
        hub.lives().insert(id, Arc::clone(&live));
        hub.metrics.streams_live.inc();
        tracing::info!(stream.id = %id, stream.fence = watch.fence, "a stream is watched");
        if let Some(frames) = hub.frames.clone().filter(|_| stream.queued) {
            hub.tasks.spawn_on(feed(Arc::clone(hub), Arc::clone(&live), frames), &hub.runtime);
        }
        if let Some(source) = stream.source.clone() {
            // Whoever watched before did not come to close it.
            let is_over = |pull: &Pull| matches!(pull.state, PullState::Ended | PullState::GaveUp);
            let over = stream.pull.as_ref().is_some_and(is_over);
            let (fastest, queued) = (window.rules().fastest, stream.queued);
            let of = pull::Of { source, fence: watch.fence, fastest, queued, over };
            hub.tasks.spawn_on(pull::pull(self.clone(), Arc::clone(&live), of), &hub.runtime);
        }
        let watcher = Watcher::new(Arc::clone(hub), Arc::clone(&live), watch, window);
        hub.tasks.spawn_on(watcher.run(), &hub.runtime);
        Ok(Some(live))
    }

    /// The stream, if it is watched here.
    pub fn here(&self, id: StreamId) -> Option<Arc<Live>> {
        self.0.lives().get(&id).filter(|live| !live.over.is_cancelled()).cloned()
    }

    /// The stream was closed, here or elsewhere.
    pub fn close(&self, id: StreamId) {
        if let Some(live) = self.here(id) {
            live.over.cancel();
        }
        if let Some(frames) = self.0.frames.clone() {
            let close = async move {
                // It goes away by itself, only later.
                if let Err(error) = frames.close(id).await {
                    tracing::debug!(stream.id = %id, %error, "a stream's queue is left to its end");
                }
            };
            self.0.tasks.spawn_on(close, &self.0.runtime);
        }
    }

    /// A person has ruled on the stream: who watches it here begins anew, from what is on record.
    pub fn ruled(&self, stream: &Stream, cut: bool) {
        if let Some(live) = self.here(stream.id) {
            live.over.cancel();
        }
        self.0.settled.notify(stream.id.subject());
        if cut {
            self.0.kill(stream, BY_HAND);
        }
    }

    /// Looks for streams that nobody watches and somebody should, and shows to other processes what is seen here.
    pub fn start(&self) -> [Task; 2] {
        [self.start_adopting(), snapshots::start(Arc::clone(&self.0))]
    }

    fn start_adopting(&self) -> Task {
        let hub = self.clone();
        Task::start("watching streams", |stop| async move {
            let mut untaken = Untaken::default();
            loop {
                if let Err(error) = hub.adopt(&mut untaken).await {
                    tracing::warn!(%error, "streams could not be looked for");
                }
                if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                    return;
                }
            }
        })
    }

    /// The others do not wait for those that cannot be watched, or have no place here: so many were not last time, and stand
    /// before them.
    async fn adopt(&self, untaken: &mut Untaken) -> Result<()> {
        let most = FOUND.saturating_add(untaken.count);
        let found = self.0.store.deserted_streams(self.0.clock.now(), most).await?;
        if found.len() < most as usize {
            untaken.found(&found);
        }
        let mut failed = 0;
        let crowded = self.0.puller.crowded_out(&found);
        for id in found {
            if crowded.contains(&id) {
                failed += 1;
            } else if let Err(error) = self.live(id).await {
                failed += 1;
                if untaken.is_news(id) {
                    tracing::warn!(stream.id = %id, %error, "a stream that nobody watches could not be taken over");
                }
            }
        }
        untaken.count = failed;
        Ok(())
    }

    /// Leaves all streams to others, and waits until they are left.
    pub async fn drain(&self, grace: Duration) {
        self.0.stop.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(grace, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(
                "some streams were not left in time; their next watchers wait for the term to end"
            );
        }
    }
}

impl Shared {
    fn lives(&self) -> MutexGuard<'_, HashMap<StreamId, Arc<Live>>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is watched here.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        self.lives().values().filter(|live| !live.over.is_cancelled()).cloned().collect()
    }

    /// By its own tuning; where the settings of today do not permit that any more, by its tenant's.
    fn rules(&self, stream: &Stream) -> Result<Rules> {
        let own = serde_json::from_str::<Tuning>(&stream.tuning).map_err(|error| error.to_string());
        let own = own.and_then(|tuning| self.book.rules(&stream.tenant, &tuning));
        own.or_else(|why| {
            tracing::warn!(
                stream.id = %stream.id,
                stream.tenant = %stream.tenant,
                why,
                "a stream's own rules are no good any more; it is watched by its tenant's"
            );
            let rules = self.book.rules(&stream.tenant, &Tuning::default());
            rules.map_err(|why| PortError::new(Kind::Fail, format!("a tenant's rules: {why}")))
        })
    }

    pub(super) fn forget(&self, live: &Arc<Live>) {
        live.over.cancel();
        let mut lives = self.lives();
        if lives.get(&live.id).is_some_and(|known| Arc::ptr_eq(known, live)) {
            lives.remove(&live.id);
        }
        self.metrics.streams_live.dec();
    }

    /// Streams that want to be judged now, for each place.
    pub(super) fn load(&self) -> u32 {
        let wanting = self.wanting.load(Ordering::Relaxed);
        u32::try_from(wanting / self.options.places.max(1)).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// An event stands in the outbox.
    pub(super) fn told(&self, stream: &Stream, change: &Change) {
        self.metrics.stream_changed(change.standing);
        self.settled.notify(stream.id.subject());
        tracing::info!(
            stream.id = %stream.id,
            stream.tenant = %stream.tenant,
            decision = %change.standing,
            reason = %change.because,
            "a stream stands otherwise"
        );
    }

    /// It was cut: it is to end where it is published.
    pub(super) fn kill(self: &Arc<Self>, stream: &Stream, state: State) {
        if self.killer.concerns(&stream.tenant) && self.called().cut(stream.id, self.clock.now()) {
            self.call(stream, state);
        }
    }

    /// It is cut and goes on: its publisher came back, or nobody could end it.
    pub(super) fn kill_again(self: &Arc<Self>, stream: &Stream, state: State) {
        if self.killer.concerns(&stream.tenant) && self.called().goes_on(stream.id, self.clock.now()) {
            self.call(stream, state);
        }
    }

    fn call(self: &Arc<Self>, stream: &Stream, state: State) {
        let (hub, stream) = (Arc::clone(self), stream.clone());
        let call = async move {
            hub.killer.kill(&stream, state).await;
            hub.called().ended(stream.id);
        };
        self.tasks.spawn_on(call, &self.runtime);
    }

    fn called(&self) -> MutexGuard<'_, Called> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
