//! What is over of live streams, erased after its time: first the row decides that it is, then bytes go, then the row, so
//! that a crash between leaves work for the next round, and neither frames that nobody finds nor a row without its frames.

use super::snapshots::remove;
use crate::{
    ports::{Blobs, Kind, PortError, Result, Store},
    upload::StreamId,
};
use jiff::Timestamp;
use std::time::Duration;

/// Rows listed at a time.
const BATCH: u32 = 100;

/// How much went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub episodes: u32,
    pub streams: u32,
    pub frames: u64,
    /// Streams that their opener forgot, which are closed now and kept as long as others.
    pub closed: u32,
}

/// Erases episodes that were ruled on longer than `keep` ago, then streams that were closed so long ago and have no episode
/// any more. What nobody has ruled on stays.
pub async fn erase(store: &dyn Store, blobs: &dyn Blobs, now: Timestamp, keep: Duration) -> Result<Erased> {
    let before = now
        .checked_sub(keep)
        .map_err(|e| PortError::new(Kind::Fail, "streams.keep is longer than there is time").because(e))?;
    let mut erased =
        Erased { closed: store.close_forgotten_streams(before, now, BATCH).await?, ..Erased::default() };
    loop {
        let batch = store.ruled_episodes(before, BATCH).await?;
        let mut went = 0;
        for episode in &batch {
            let of = (episode.stream, episode.number);
            // Somebody may just have taken back what they said.
            if !store.condemn_episode(of, before).await? {
                continue;
            }
            erased.frames += remove(blobs, &format!("{}/{}-", of.0, of.1)).await?;
            went += u32::from(store.erase_episode(of, before, now).await?);
        }
        erased.episodes += went;
        if went == 0 {
            break;
        }
    }
    loop {
        let batch: Vec<StreamId> = store.ended_streams(before, BATCH).await?;
        let mut went = 0;
        for id in batch {
            // Those that no episode ever named: a crash came between.
            erased.frames += remove(blobs, &format!("{id}/")).await?;
            went += u32::from(store.erase_stream(id, before, now).await?);
        }
        erased.streams += went;
        if went == 0 {
            break;
        }
    }
    Ok(erased)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::blobs::{Key, Zone};
    use crate::{
        adapters::{fs::Fs, sqlite::Sqlite},
        ports::{
            Streams, Wall,
            accounts::Deed,
            contract::samples::{at, tenant},
            streams::{
                Change, Counts, Episode, EpisodeRuling, EpisodeState, Evidence, NewStream, Sign, StreamKey,
                Watch,
            },
        },
        upload::{Because, Standing},
    };
    use async_trait::async_trait;
    use std::{
        fs::File,
        sync::atomic::{AtomicBool, Ordering},
    };

    const DAY: i64 = 86_400;

    fn id(n: u8) -> StreamId {
        StreamId::new(at(i64::from(n)), &[n; 10])
    }

    async fn opened(store: &Sqlite, n: u8) -> Watch {
        let new = NewStream {
            id: id(n),
            tenant: tenant("acme"),
            external_id: None,
            key: StreamKey { hash: [n; 32], expires_at: at(1000 * DAY) },
            tuning: "{}".into(),
            queued: false,
            source: None,
            actor: "key:k1".into(),
            at: at(1),
        };
        assert!(store.open_stream(&new, 9).await.unwrap());
        store.watch_stream(id(n), "p1", at(1), at(9)).await.unwrap().unwrap()
    }

    /// With two frames, of which its record names one.
    async fn seen(store: &Sqlite, blobs: &Fs, watch: &Watch, number: u32) {
        let of = watch.stream.id;
        let keys = [1, 2].map(|frame| format!("{of}/{number}-{}-{frame}", watch.fence));
        let spool = blobs.spool().await.unwrap();
        for key in &keys {
            blobs.put(Zone::Held, key, &spool).await.unwrap();
        }
        let evidence = Evidence {
            key: keys[0].clone(),
            media_type: "image/jpeg".into(),
            sequence: 1,
            came_at: at(2),
            captured_at: None,
            scores: Default::default(),
        };
        let episode = Episode {
            stream: of,
            tenant: tenant("acme"),
            number,
            state: EpisodeState::InReview,
            began_at: at(2),
            ended_at: Some(at(3)),
            worst: Standing::Cut,
            because: Because::Bad,
            scores: Default::default(),
            evidence: vec![evidence],
            ruling: None,
            fence: 0,
            holder: None,
            held_until: None,
        };
        let change = Change {
            standing: Standing::Pass,
            because: Because::Clean,
            told: true,
            scores: Default::default(),
            sequence: None,
            sign: Sign {
                until: at(9),
                watched_until: Some(at(9)),
                counts: Counts::default(),
                last: Default::default(),
            },
            episode: Some(episode),
            at: at(3),
        };
        store.change_stream(watch, &change).await.unwrap().unwrap();
    }

    async fn ruled(store: &Sqlite, n: u8, number: u32, second: i64) {
        let until = at(second + 9);
        let known = store.take_episode((id(n), number), "u1", at(second), until).await.unwrap().unwrap();
        let ruling =
            EpisodeRuling { said: "confirmed".into(), note: String::new(), by: "u1".into(), at: at(second) };
        let deed = Deed { actor: "user:u1", action: "episode.ruled", at: at(second) };
        assert!(store.rule_episode(&known, &ruling, deed).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_over_goes_with_its_frames_and_what_nobody_has_ruled_on_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("a.db")).await.unwrap();
        let blobs = Fs::open(folder.path().join("blobs")).unwrap();
        // The first two are closed, one of them with an episode in review; the third goes on.
        for n in 1..=3 {
            let watch = opened(&store, n).await;
            // More digits than one, and a number that begins like another.
            for number in [1, 10, 11] {
                seen(&store, &blobs, &watch, number).await;
            }
            ruled(&store, n, 1, 5).await;
            ruled(&store, n, 11, 5).await;
        }
        ruled(&store, 1, 10, 5).await;
        let stray = format!("{}/12-1-1", id(1));
        blobs.put(Zone::Held, &stray, &blobs.spool().await.unwrap()).await.unwrap();
        for n in 1..=2 {
            assert!(store.close_stream(&tenant("acme"), id(n), "key:k1", at(6)).await.unwrap());
        }
        let keep = Duration::from_secs(30 * DAY.unsigned_abs());
        let run = async |second| erase(&store, &blobs, at(second), keep).await.unwrap();
        assert_eq!(run(5 + 30 * DAY).await, Erased::default(), "to the second");
        let gone = Erased { episodes: 7, streams: 1, frames: 15, closed: 0 };
        assert_eq!(run(7 + 30 * DAY).await, gone);
        assert_eq!(run(7 + 30 * DAY).await, Erased::default());
        let left = blobs.list(Zone::Held, "", 100).await.unwrap();
        let kept = [2, 3].map(|n| [1, 2].map(|frame| format!("{}/10-1-{frame}", id(n))));
        assert_eq!(left, kept.concat());
        assert_eq!(store.stream(id(1)).await.unwrap(), None);
        for n in 2..=3 {
            let episode = store.episode(id(n), 10).await.unwrap().unwrap();
            assert_eq!(episode.state, EpisodeState::InReview, "{n}");
        }
        // Once somebody has ruled on the last one, years later, it goes too, and its stream.
        ruled(&store, 2, 10, 400 * DAY).await;
        assert_eq!(run(430 * DAY).await, Erased::default());
        assert_eq!(run(431 * DAY).await, Erased { episodes: 1, streams: 1, frames: 2, closed: 0 });
        assert!(store.stream(id(3)).await.unwrap().is_some_and(|stream| stream.is_open()));
    }

    /// Blobs that cannot be removed, until they can.
    struct Stuck(Fs, AtomicBool);

    #[async_trait]
    impl Blobs for Stuck {
        async fn spool(&self) -> Result<File> {
            self.0.spool().await
        }

        async fn put(&self, zone: Zone, key: &Key, spool: &File) -> Result<()> {
            self.0.put(zone, key, spool).await
        }

        async fn open(&self, zone: Zone, key: &Key) -> Result<Option<File>> {
            self.0.open(zone, key).await
        }

        async fn remove(&self, zone: Zone, key: &Key) -> Result<()> {
            self.0.remove(zone, key).await?;
            match self.1.load(Ordering::SeqCst) {
                true => Err(PortError::new(Kind::Retry, "told to fail")),
                false => Ok(()),
            }
        }

        async fn list(&self, zone: Zone, after: &str, limit: usize) -> Result<Vec<String>> {
            self.0.list(zone, after, limit).await
        }

        async fn free_bytes(&self) -> Result<Option<u64>> {
            self.0.free_bytes().await
        }
    }

    /// Regression: frames went first, and whoever took back their ruling then had an episode without them.
    #[tokio::test]
    async fn once_a_frame_is_gone_nobody_takes_the_ruling_back_and_the_next_round_finishes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("a.db")).await.unwrap();
        let blobs = Stuck(Fs::open(folder.path().join("blobs")).unwrap(), AtomicBool::new(true));
        let watch = opened(&store, 1).await;
        seen(&store, &blobs.0, &watch, 1).await;
        ruled(&store, 1, 1, 5).await;
        let run = async || erase(&store, &blobs, at(6), Duration::from_millis(500)).await;
        run().await.unwrap_err();
        assert_eq!(blobs.list(Zone::Held, "", 9).await.unwrap().len(), 1, "it broke off in the middle");
        let deed = Deed { actor: "user:u1", action: "episode.undone", at: at(7) };
        assert!(!store.undo_episode((id(1), 1), 1, "u1", at(0), at(99), deed).await.unwrap());
        let left = store.episode(id(1), 1).await.unwrap().unwrap();
        assert_eq!((left.state, left.evidence.len()), (EpisodeState::Ruled, 0), "it names none of them");
        blobs.1.store(false, Ordering::SeqCst);
        assert_eq!(run().await.unwrap(), Erased { episodes: 1, frames: 1, ..Erased::default() });
        assert_eq!(store.episode(id(1), 1).await.unwrap(), None);
    }
}
