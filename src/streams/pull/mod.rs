//! Sources: streams whose frames are fetched. Every connection is made here, by the process that watches the stream, to an
//! address that was checked in the resolution that it is connected by (`place`, `http`); of what comes only as much is
//! understood as it takes to fetch the next bytes (`hls`, `rtmp`, `rtsp`); SRT alone is left to a confined program (`srt`). A confined child, which has no network and knows no
//! address, gets bytes through a pipe, unpacks and decodes them (`screen`), and its frames go the way of pushed ones.

mod attribute;
mod backoff;
mod crowd;
mod edge;
pub mod hls;
mod http;
mod line;
pub mod network;
mod piece;
pub mod place;
pub mod rtmp;
pub mod rtsp;
mod screen;
pub mod sealed;
pub mod srt;
mod trouble;

pub use place::BadSource;

use super::{hub::Hub, live::Live, order::Order};
use crate::{
    access::Vault,
    ports::streams::{Pull, PullState, Sign, Source},
    upload::{Standing, StreamId},
};
use bytes::Bytes;
use crowd::Crowd;
use http::Http;
use lazaret_sandbox::Pool;
use line::Dial;
use piece::Out;
use place::{Rules, Speech};
use screen::{NO_PLACE, SPOILED, Screen};
use srt::Caller;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use trouble::Trouble;
use url::Url;

/// Of a playlist, in bytes.
const PLAYLIST: usize = 1 << 20;
/// Three times that, or the stall if it is longer, is all the time that a first frame has.
const SOON: Duration = Duration::from_secs(10);
/// How often it is looked whether a stream passes still, and for how long at most.
const LOOK: Duration = Duration::from_millis(200);
const UNWATCHED: Duration = Duration::from_secs(60);
/// One that has no place and is not left, for it passes still or is sent frames, is asked again after so long.
const CROWDED: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A source that brings nothing for so long is asked anew.
    pub stall: Duration,
    /// One that brought no frame for so long is given up.
    pub patience: Duration,
    pub max_pixels: u64,
    /// The pause after a first failure.
    pub first: Duration,
}

/// What fetches frames. Copies share children and connections.
#[derive(Debug, Clone)]
pub struct Puller {
    /// What opens the URLs of sources.
    vault: Option<Arc<Vault>>,
    children: Pool,
    crowd: Crowd,
    rules: Rules,
    http: Http,
    dial: Dial,
    caller: Caller,
    options: Options,
}

/// Why nothing could be fetched at all.
#[derive(Debug, thiserror::Error)]
pub enum Unable {
    #[error("the HTTP client cannot be made")]
    Http(#[from] reqwest::Error),
    #[error("TLS cannot be used")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

impl Puller {
    pub fn new(children: Pool, caller: Caller, rules: Rules, options: Options) -> Result<Self, Unable> {
        let http = Http::new(rules.clone(), options.stall)?;
        let dial = Dial::new(rules.clone())?;
        let crowd = Crowd::default();
        Ok(Self { vault: None, children, crowd, rules, http, dial, caller, options })
    }

    pub fn with(self, vault: Option<Arc<Vault>>) -> Self {
        Self { vault, ..self }
    }

    /// Those of these streams, which nobody watches, that are not to be watched here: there was no place for their sources,
    /// and there is none now.
    pub(super) fn crowded_out(&self, found: &[StreamId]) -> HashSet<StreamId> {
        self.crowd.of(found, self.children.free(), std::time::Instant::now())
    }

    /// Whether what this takes is here.
    pub fn can(&self, speech: Speech) -> Result<(), BadSource> {
        match speech {
            Speech::Srt => self.caller.program().map(drop).map_err(BadSource::Mute),
            Speech::Http | Speech::Rtmp | Speech::Rtsp => Ok(()),
        }
    }

    /// Brings what the source brings to `out`, until it is over. `lost` is told how much of it is left out.
    async fn fetch(
        &self,
        url: &Url,
        speech: Speech,
        out: Out,
        lost: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Trouble> {
        let stall = self.options.stall;
        match speech {
            Speech::Rtmp => rtmp::play(&self.dial, url, stall, &out).await,
            Speech::Rtsp => rtsp::play(&self.dial, url, stall, &out).await,
            Speech::Srt => srt::play(&self.caller, &self.rules, url, stall, &out).await,
            Speech::Http => {
                let (mut answer, from) = self.http.get(url, None).await?;
                let mut first = Bytes::new();
                while first.len() < 10
                    && let Some(more) = self.http.more(&mut answer).await?
                {
                    first = [first, more].concat().into();
                }
                if first
                    .trim_ascii_start()
                    .strip_prefix("\u{feff}".as_bytes())
                    .unwrap_or(&first)
                    .starts_with(b"#EXTM3U")
                {
                    let text = self.http.whole(&mut answer, first, PLAYLIST).await?;
                    return hls::follow(&self.http, &text, from, stall, &out, lost).await;
                }
                out.bytes(first).await?;
                while let Some(bytes) = self.http.more(&mut answer).await? {
                    out.bytes(bytes).await?;
                }
                Ok(())
            }
        }
    }
}

/// What is pulled, and as whose watcher.
pub(super) struct Of {
    pub(super) source: Source,
    pub(super) fence: u64,
    pub(super) fastest: Duration,
    /// Frames come through the broker as well, for which there is always a place: it is not left to others.
    pub(super) queued: bool,
    /// It is over, as is on record, and the stream not closed yet.
    pub(super) over: bool,
}

/// How following the source once ended.
struct Attempt {
    ended: Result<(), Trouble>,
    /// Frames came.
    any: bool,
    /// Its end may be that of a connection alone: who publishes may come back.
    may_return: bool,
}

impl Attempt {
    fn failed(trouble: Trouble) -> Self {
        Self { ended: Err(trouble), any: false, may_return: false }
    }
}

/// Fetches frames until the source is over, or somebody else watches the stream.
pub(super) async fn pull(hub: Hub, live: Arc<Live>, of: Of) {
    let over = live.over();
    let pulling = Pulling { hub, live, of };
    let _over: Option<()> = over.run_until_cancelled(pulling.run()).await;
}

struct Pulling {
    hub: Hub,
    live: Arc<Live>,
    of: Of,
}

impl Pulling {
    async fn run(self) {
        let options = self.hub.0.puller.options;
        if self.of.over {
            return self.close().await;
        }
        let (mut failures, mut seen) = (0, Instant::now());
        // The source came to its end, with this trouble or none, and nothing came since.
        let mut over: Option<Option<Trouble>> = None;
        self.reseal().await;
        loop {
            self.tell(PullState::Connecting, None, failures).await;
            let Attempt { ended, any, may_return } = self.attempt().await;
            if any {
                (failures, seen, over) = (0, Instant::now(), None);
            }
            let trouble = match ended {
                // One that ends before it has begun may be one that has not begun yet.
                Ok(()) if !any => Trouble::new("source.empty", "it ended without a frame"),
                Err(trouble) if !any || trouble.code != SPOILED => trouble,
                ended if !may_return => return self.end(PullState::Ended, ended.err(), 0).await,
                ended => {
                    let trouble = ended.err();
                    over = Some(trouble.clone());
                    trouble.unwrap_or_else(|| Trouble::new("source.ended", "it ended"))
                }
            };
            if trouble.code == NO_PLACE {
                // That is not the source's failure, and its patience begins anew.
                seen = Instant::now();
                tracing::info!(stream.id = %self.live.id, %trouble, "a source has no place here");
                self.tell(PullState::Waiting, Some(trouble), failures).await;
                // Whoever heard that it passes hears first that nobody watches it.
                let unwatched = async {
                    match self.of.queued {
                        true => std::future::pending().await,
                        false => self.unwatched().await,
                    }
                };
                if tokio::time::timeout(CROWDED, unwatched).await.is_ok() {
                    return self.leave().await;
                }
                continue;
            }
            failures += 1;
            tracing::info!(stream.id = %self.live.id, failures, %trouble, "a source cannot be followed");
            if seen.elapsed() >= options.patience {
                return match over {
                    Some(trouble) => self.end(PullState::Ended, trouble, 0).await,
                    None => self.end(PullState::GaveUp, Some(trouble), failures).await,
                };
            }
            self.tell(PullState::Waiting, Some(trouble), failures).await;
            tokio::time::sleep(backoff::pause(options.first, failures)).await;
        }
    }

    /// What is used is sealed under the key of now, for that of before is to go.
    async fn reseal(&self) {
        let (hub, id, source) = (&self.hub.0, self.live.id, &self.of.source);
        let Some(anew) = sealed::reseal(hub.puller.vault.as_deref(), id, source) else { return };
        if let Err(error) = hub.store.reseal_source(id, source, &anew).await {
            tracing::warn!(stream.id = %id, %error, "a source stays sealed under the key of before");
        }
    }

    /// Follows the source once.
    async fn attempt(&self) -> Attempt {
        let puller = &self.hub.0.puller;
        // What may be asked may have been changed since it was opened.
        let source = match sealed::open(puller.vault.as_deref(), self.live.id, &self.of.source) {
            Ok(source) => source,
            Err(trouble) => return Attempt::failed(trouble),
        };
        let (url, speech) = match puller.rules.check(&source) {
            Ok(checked) => checked,
            Err(bad) => return Attempt::failed(Trouble::new("source.forbidden", bad.to_string())),
        };
        let (out, mut pieces) = piece::channel();
        let came = AtomicBool::new(false);
        // What is told of its reading: nothing yet, or what is not seen of it.
        let reading = watch::Sender::new(None::<Option<String>>);
        let mark = |unseen: Option<String>| {
            came.store(true, Ordering::Relaxed);
            reading.send_if_modified(|told| {
                let changed = told.as_ref() != Some(&unseen);
                *told = Some(unseen);
                changed
            });
        };
        let lost = |frames| self.live.lost(frames);
        let mut screen = Screen {
            live: &self.live,
            clock: &*self.hub.0.clock,
            children: &puller.children,
            max_pixels: puller.options.max_pixels,
            fastest: self.of.fastest,
            is_ahead: speech == Speech::Http,
            patience: puller.options.stall * 3 / 2,
            came: &mark,
            order: Order::default(),
        };
        let following = async {
            // A screen that gave up takes no more pieces, which ends the fetching.
            let show = async {
                let shown = screen.show(&mut pieces).await;
                pieces.close();
                shown
            };
            let (fetched, shown) = tokio::join!(puller.fetch(&url, speech, out, &lost), show);
            match shown {
                Err(trouble) if trouble.code != SPOILED => Err(trouble),
                shown => fetched.and(shown),
            }
        };
        let telling = async {
            let mut told = reading.subscribe();
            while told.changed().await.is_ok() {
                let Some(unseen) = told.borrow_and_update().clone() else { continue };
                let trouble = unseen.map(|what| Trouble::new("source.unseen", what));
                self.tell(PullState::Reading, trouble, 0).await;
            }
            std::future::pending().await
        };
        // What drips (answers to pings, a playlist byte by byte) never stalls, and never shows anything either.
        let starving = async {
            tokio::time::sleep(puller.options.stall.max(SOON) * 3).await;
            if came.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = following => ended,
            never = telling => never,
            () = starving => Err(Trouble::new("source.no_frames", "what it brings is no frame")),
        };
        Attempt { ended, any: came.load(Ordering::Relaxed), may_return: speech != Speech::Http }
    }

    async fn end(&self, state: PullState, trouble: Option<Trouble>, failures: u32) {
        self.tell(state, trouble, failures).await;
        self.close().await;
    }

    /// Closes the stream once it does not pass any more, as whoever heard that it passes is told before.
    async fn close(&self) {
        let (hub, live) = (&self.hub.0, &self.live);
        if tokio::time::timeout(UNWATCHED, self.unwatched()).await.is_err() {
            tracing::warn!(stream.id = %live.id, "a stream whose source is over is closed while it passes");
        }
        let actor = format!("watcher:{}", hub.options.holder);
        loop {
            match hub.store.close_stream(&live.tenant, live.id, &actor, hub.clock.now()).await {
                Ok(_) => return self.hub.close(live.id),
                Err(error) => {
                    tracing::warn!(stream.id = %live.id, %error, "a stream whose source is over is not closed yet");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Lets another process watch the stream, which may have a place for its source.
    async fn leave(&self) {
        let (hub, live) = (&self.hub.0, &self.live);
        hub.puller.crowd.left(live.id, std::time::Instant::now());
        loop {
            let sign = Sign {
                until: hub.clock.now(),
                watched_until: None,
                counts: live.counts(),
                last: live.last(),
            };
            match hub.store.leave_stream(live.id, self.of.fence, &sign).await {
                Ok(()) => return live.over.cancel(),
                Err(error) => {
                    tracing::warn!(stream.id = %live.id, %error, "a stream whose source has no place is not left yet");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Waits until the stream's row does not say that it passes: no frames come, so its watcher writes that soon.
    async fn unwatched(&self) {
        loop {
            match self.hub.0.store.stream(self.live.id).await {
                Ok(Some(stream)) if stream.is_open() && stream.standing == Standing::Pass => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::debug!(stream.id = %self.live.id, %error, "how a stream stands could not be read");
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Puts on record how it goes.
    async fn tell(&self, state: PullState, trouble: Option<Trouble>, failures: u32) {
        let hub = &self.hub.0;
        let pull = Pull { state, trouble: trouble.map(Into::into), failures, since: hub.clock.now() };
        match hub.store.pulled_stream(self.live.id, self.of.fence, &pull).await {
            Ok(Ok(())) => {}
            // Another process follows it now, as this one's watcher finds out.
            Ok(Err(crate::ports::store::Stale)) => {}
            Err(error) => {
                tracing::warn!(stream.id = %self.live.id, %error, "how a source is was not written down");
            }
        }
    }
}
