//! The one who decides on a stream: takes its newest frame when it is its turn, has it judged, and puts on record what
//! changes. Worse is shown at once and written as soon as can be; better is written first.

mod evidence;
mod record;

use super::{
    case::Case,
    hub::Shared,
    judge::{Opinion, Unjudged},
    live::{Live, Shown},
    mailbox::Waiting,
    outcome::{Became, Counters},
    pace::{self, Pace},
    rules::Grade,
    window::{Look, State, Window},
};
use crate::{
    ports::streams::{Evidence, Watch},
    upload::{Standing, known::KNOWN_BAD},
};
use evidence::Seen;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

/// How often it looks at the time.
const TICK: Duration = Duration::from_millis(100);
/// An episode's new frames are written no more often.
const QUIET: Duration = Duration::from_secs(1);

pub(super) struct Watcher {
    live: Arc<Live>,
    hub: Arc<Shared>,
    watch: Watch,
    window: Window,
    pace: Pace,
    scene: Vec<f32>,
    /// No frame is judged before.
    due: Instant,
    /// What is on record.
    told: State,
    case: Option<Case>,
    /// A frame that counts was seen since the last episode, under this watch: how the stream stands by then makes none.
    seen: bool,
    /// Whether an episode of another watch goes on still is not known yet.
    unasked: bool,
    /// Frames that are no episode yet.
    before: VecDeque<Seen>,
    last: (BTreeMap<String, f32>, Option<u64>),
    /// How many frames were kept, for their keys.
    kept: u64,
    /// Kept frames whose place another took.
    stale: Vec<String>,
    signed: Instant,
    written: Instant,
    /// When something came last.
    stirred: Instant,
    /// Engines' troubles are logged once an outage.
    blind: bool,
    /// And so is an episode that cannot be read.
    waits: bool,
}

/// Somebody else decides now, or nobody any more.
struct Lost;

impl Watcher {
    pub(super) fn new(hub: Arc<Shared>, live: Arc<Live>, watch: Watch, window: Window) -> Self {
        let (now, told) =
            (Instant::now(), State { standing: watch.stream.standing, because: watch.stream.because });
        let (pace, unasked) = (Pace::new(window.rules()), watch.stream.episode > 0);
        Self {
            live,
            hub,
            watch,
            window,
            pace,
            scene: Vec::new(),
            due: now,
            told,
            case: None,
            seen: false,
            unasked,
            before: VecDeque::new(),
            last: Default::default(),
            kept: 0,
            stale: Vec::new(),
            signed: now,
            written: now,
            stirred: now,
            blind: false,
            waits: false,
        }
    }

    pub(super) async fn run(mut self) {
        let (live, hub, stop) = (Arc::clone(&self.live), Arc::clone(&self.hub), self.hub.stop.clone());
        let turn = |due| turn(Arc::clone(&live), Arc::clone(&hub), due);
        let mut place = Box::pin(turn(self.due));
        let left = loop {
            // The place is waited for across ticks: who waits longest is next.
            tokio::select! {
                biased;
                () = stop.cancelled() => break true,
                () = live.over.cancelled() => break false,
                taken = &mut place => {
                    self.judge(taken).await;
                    place = Box::pin(turn(self.due));
                }
                () = tokio::time::sleep(TICK) => {}
            }
            if self.round().await.is_err() {
                break false;
            }
            if self.stirred.elapsed() > self.hub.options.idle && self.is_idle() {
                self.close_case();
                // To what the broker or a source brings somebody listens on.
                if !self.is_fed() {
                    break true;
                }
            }
        };
        drop(place);
        // Whoever waits for it waits no longer.
        drop(live.mailbox.take());
        if left {
            let shown = self.live.shown.borrow().state;
            let _lost_already = self.write(shown, self.hub.clock.now()).await;
            if let Err(error) = self.hub.store.leave_stream(live.id, self.watch.fence, &self.sign()).await {
                tracing::warn!(stream.id = %live.id, %error, "the next watcher has to wait for this one's term to end");
            }
        }
        self.hub.forget(&live);
    }

    fn is_idle(&self) -> bool {
        self.window.watched_at().is_none() && self.told == self.window.state()
    }

    fn is_fed(&self) -> bool {
        self.watch.stream.queued || self.watch.stream.source.is_some()
    }

    async fn judge(&mut self, place: OwnedSemaphorePermit) {
        let Some(waiting) = self.live.mailbox.take() else { return };
        let began = Instant::now();
        self.stirred = began;
        let shown = self.live.shown.borrow().state;
        if shown.standing == Standing::Cut {
            self.hub.kill_again(&self.watch.stream, shown);
        }
        let known = self.is_known(&waiting.frame.bytes);
        let judged = if known {
            // Nobody needs to look. What it looks like is not known, which is another scene.
            let scores = BTreeMap::from([(KNOWN_BAD.to_owned(), 1.0)]);
            Ok(Opinion { scores, sample: Vec::new() })
        } else {
            let hub = Arc::clone(&self.hub);
            let mut judging = hub.judge.judge(&waiting.frame);
            loop {
                tokio::select! {
                    biased;
                    judged = &mut judging => break judged,
                    () = tokio::time::sleep(TICK) => {}
                }
                // A frame that takes its time holds up nothing that is to be told meanwhile. Whoever has lost the watch finds
                // it out again, and what it would have said counts for nothing.
                if self.round().await.is_err() {
                    return;
                }
            }
        };
        drop(place);
        self.hub.metrics.frame_judged(began.elapsed());
        match judged {
            Ok(opinion) => self.judged(&waiting, opinion, known).await,
            Err(unjudged) => self.unjudged(&waiting, &unjudged, began),
        }
    }

    fn unjudged(&mut self, waiting: &Waiting, unjudged: &Unjudged, began: Instant) {
        Counters::add(&self.live.counters.failed, 1);
        if let Unjudged::Engine(error) = unjudged
            && !std::mem::replace(&mut self.blind, true)
        {
            tracing::error!(stream.id = %self.live.id, %error, "frames cannot be judged");
        }
        // One that costs as much as it may does not have the next place at once.
        self.due = began + self.window.rules().fastest.max(began.elapsed());
        self.window.beside(self.live.beside());
        let look = if matches!(unjudged, Unjudged::Engine(_)) { Look::BLIND } else { Look::FAILED };
        let state = self.window.failed(look, self.hub.clock.now());
        if state.standing > self.live.shown.borrow().state.standing {
            self.show(state);
        }
        self.live.tell(waiting, Became::Failed, Some(unjudged.to_string()), BTreeMap::new());
    }

    /// Are these the very bytes of what is known to be bad?
    fn is_known(&self, bytes: &[u8]) -> bool {
        let known = &self.hub.known;
        !known.is_empty() && known.has(Some(self.live.tenant.as_str()), &Sha256::digest(bytes).into())
    }

    async fn judged(&mut self, waiting: &Waiting, opinion: Opinion, known: bool) {
        self.blind = false;
        Counters::add(&self.live.counters.judged, 1);
        let rules = self.window.rules();
        let (grade, scores) = match known {
            true => (Grade::Certain, opinion.scores),
            false => (rules.grade(&opinion.scores), rules.telling(&opinion.scores)),
        };
        let scene = !self.scene.is_empty() && pace::is_another_scene(&self.scene, &opinion.sample);
        self.scene = opinion.sample;
        self.live.saw(&waiting.frame, scores.clone());
        self.window.beside(self.live.beside());
        self.window.holds_more(self.live.holds_more());
        let state = self.window.judged(grade, waiting.came);
        let pause = self.pace.after(grade, state.standing, scene, self.hub.load());
        // From when it came, or whoever once waited for a place would always wait as long.
        self.due = waiting.since + pause;
        self.live.pause(pause.saturating_sub(waiting.since.elapsed()));
        self.last = (scores.clone(), Some(waiting.sequence));
        let better = state.standing < self.live.shown.borrow().state.standing;
        if better {
            // Whoever hears of it can rely on it.
            let _next_round_knows = self.round().await;
        } else {
            self.show(state);
        }
        self.live.tell(waiting, Became::Judged, None, scores.clone());
        if grade > Grade::Clean {
            let evidence = Evidence {
                key: String::new(),
                media_type: waiting.frame.media_type.to_owned(),
                sequence: waiting.sequence,
                came_at: waiting.came,
                captured_at: waiting.frame.captured,
                scores,
            };
            self.may_keep(Seen { since: waiting.since, grade, bytes: waiting.frame.bytes.clone(), evidence });
        }
    }

    /// Looks at the time, and writes what there is to write.
    async fn round(&mut self) -> Result<(), Lost> {
        let now = self.hub.clock.now();
        self.window.holds_more(self.live.holds_more());
        let state = self.window.tick(now);
        if state.standing >= self.live.shown.borrow().state.standing {
            self.show(state);
        }
        self.begin_case(now).await;
        let (told, shown) = (self.told, self.live.shown.borrow().state);
        if shown != self.told {
            // What was shown goes on record, also where it is over by now.
            self.write(shown, now).await?;
        }
        if shown == self.told && state != self.told {
            self.write(state, now).await?;
        } else if self.signed.elapsed() >= self.sign_every() {
            self.renew(now).await?;
        }
        // The event waited for no frame of its episode, and the frames wait for nobody.
        let kept = self.keep_frames().await;
        let is_time = self.written.elapsed() >= QUIET || (kept && self.told != told);
        if is_time && state == self.told && self.case.as_ref().is_some_and(|case| case.dirty) {
            self.write(state, self.hub.clock.now()).await?;
        }
        // Nothing was written for so long that somebody else may have taken over.
        if self.hub.clock.now() > self.watch.until {
            return Err(Lost);
        }
        Ok(())
    }

    fn show(&self, state: State) {
        let now = self.hub.clock.now();
        let changed = self.live.shown.send_if_modified(|shown| {
            let changed = shown.state != state;
            if changed {
                *shown = Shown { state, since: now, key: shown.key.clone() };
            }
            changed
        });
        if changed && state.standing == Standing::Cut {
            self.hub.kill(&self.watch.stream, state);
        }
    }
}

/// Waits until there is a frame that is due, and a place to judge it.
async fn turn(live: Arc<Live>, hub: Arc<Shared>, due: Instant) -> OwnedSemaphorePermit {
    loop {
        tokio::time::sleep_until(due).await;
        live.mailbox.filled().await;
        hub.wanting.fetch_add(1, Ordering::Relaxed);
        let _wanting = Wanting(&hub);
        // It is never closed.
        if let Ok(place) = Arc::clone(&hub.places).acquire_owned().await {
            return place;
        }
    }
}

struct Wanting<'a>(&'a Shared);

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.0.wanting.fetch_sub(1, Ordering::Relaxed);
    }
}
