//! The newest frames of streams, for who looks at them from another process than the one that watches them. Who looks asks
//! again and again; who watches puts the newest judged frame there, once a second at most; a minute after the last look it
//! is gone.

use super::{Live, hub::Shared};
use crate::{
    Task,
    ports::{
        Blobs, Kind, PortError, Result, Store,
        blobs::Zone,
        snapshots::{Asked, Snapshot},
    },
    upload::StreamId,
};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How long somebody who looked is thought to look.
const LOOKS: Duration = Duration::from_secs(60);
/// Between two frames of a stream.
const EVERY: Duration = Duration::from_secs(1);
/// Frames that are put there at a time.
const AT_ONCE: usize = 4;
/// Streams whose frames are removed at a time.
const BATCH: u32 = 100;
const KEYS: usize = 1000;

/// What there is of these streams, which somebody looks at now and this process does not watch; and asks for newer frames.
pub async fn look(store: &dyn Store, of: &[StreamId], now: Timestamp) -> Result<HashMap<StreamId, Snapshot>> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let until = now
        .checked_add(LOOKS)
        .map_err(|e| PortError::new(Kind::Fail, "the time is at its end").because(e))?;
    let asked = store.snapshots(of, now).await?;
    // Looks come every second, and a write for each of them would be many.
    let lasts = |asked: &&Asked| asked.until.duration_since(now).unsigned_abs() > LOOKS / 2;
    let lasting: Vec<StreamId> = asked.iter().filter(lasts).map(|asked| asked.stream).collect();
    let fading: Vec<StreamId> = of.iter().copied().filter(|id| !lasting.contains(id)).collect();
    if !fading.is_empty() {
        store.ask_for_snapshots(&fading, until).await?;
    }
    Ok(asked.into_iter().filter_map(|asked| Some((asked.stream, asked.snapshot?))).collect())
}

/// Puts the newest frames of this process's streams where others look for them, for as long as anybody does.
pub(super) fn start(hub: Arc<Shared>) -> Task {
    Task::start("showing streams", |stop| async move {
        let mut put = HashMap::new();
        loop {
            if let Err(error) = hub.show(&mut put).await {
                tracing::warn!(%error, "what others see of streams is not the newest");
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    })
}

/// The fence under which a stream's frame was put there last, and its number.
type Put = HashMap<StreamId, (u64, u64)>;

impl Shared {
    async fn show(&self, put: &mut Put) -> Result<()> {
        let lives = self.all();
        if lives.is_empty() {
            put.clear();
            return Ok(());
        }
        let wanted = self.store.wanted_snapshots(self.clock.now()).await?;
        put.retain(|id, _| wanted.contains(id));
        let newer = lives.into_iter().filter(|live| wanted.contains(&live.id)).filter_map(|live| {
            let newest = live.newest()?;
            (put.get(&live.id) != Some(&(live.fence, newest.number))).then_some((live, newest.number))
        });
        let newer: Vec<_> = newer.collect();
        let mut done = stream::iter(newer)
            .map(|(live, number)| async move { (live.id, (live.fence, number), self.show_one(&live).await) })
            .buffer_unordered(AT_ONCE);
        let mut trouble = None;
        while let Some((id, what, shown)) = done.next().await {
            match shown {
                Ok(()) => drop(put.insert(id, what)),
                Err(error) => trouble = Some(error),
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    async fn show_one(&self, live: &Live) -> Result<()> {
        let Some(newest) = live.newest() else { return Ok(()) };
        let snapshot = Snapshot {
            key: format!("{}{}", folder_of(live.id), live.fence),
            media_type: newest.media_type.to_owned(),
            scores: newest.scores,
            at: self.clock.now(),
        };
        self.keep(&snapshot.key, &newest.bytes).await?;
        let stale = match self.store.put_snapshot(live.id, live.fence, &snapshot).await? {
            Ok(before) => before,
            // Nobody asks any more, or somebody else watches.
            Err(_) => Some(snapshot.key),
        };
        match stale {
            Some(key) => self.blobs.remove(Zone::Held, &key).await,
            None => Ok(()),
        }
    }
}

/// What the keys of a stream's newest frames begin with.
fn folder_of(id: StreamId) -> String {
    format!("{id}/newest/")
}

/// Removes frames that nobody asks for any more; how many streams had one. Bytes go first: what breaks off in between is done
/// again, and no row is gone whose bytes are left.
pub async fn tidy(store: &dyn Store, blobs: &dyn Blobs, now: Timestamp) -> Result<usize> {
    let mut gone = 0;
    loop {
        let ids = store.unwanted_snapshots(now, BATCH).await?;
        for id in &ids {
            remove(blobs, &folder_of(*id)).await?;
            store.drop_snapshot(*id, now).await?;
        }
        gone += ids.len();
        if ids.len() < BATCH as usize {
            return Ok(gone);
        }
    }
}

/// Removes all frames whose keys begin so.
pub(super) async fn remove(blobs: &dyn Blobs, begins: &str) -> Result<u64> {
    let mut removed = 0;
    loop {
        let listed = blobs.list(Zone::Held, begins, KEYS).await?;
        let keys: Vec<_> = listed.into_iter().take_while(|key| key.starts_with(begins)).collect();
        if keys.is_empty() {
            return Ok(removed);
        }
        for key in keys {
            blobs.remove(Zone::Held, &key).await?;
            removed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        adapters::{fs::Fs, sqlite::Sqlite},
        ports::{
            Snapshots, Streams,
            contract::{
                samples::at,
                wall::{id, open},
            },
        },
        upload::StreamId,
    };

    #[tokio::test]
    async fn who_goes_on_looking_asks_again_before_it_is_over_and_not_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("a.db")).await.unwrap();
        open(&store, 1, "acme").await;
        let until = async |second| store.snapshots(&[id(1)], at(second)).await.unwrap()[0].until;
        for (second, asked) in [(10, 70), (11, 70), (39, 70), (40, 100), (99, 159)] {
            assert!(look(&store, &[id(1)], at(second)).await.unwrap().is_empty());
            assert_eq!(until(second).await, at(asked), "{second}");
        }
        // Somebody else has asked for another since.
        open(&store, 2, "acme").await;
        look(&store, &[id(1), id(2)], at(100)).await.unwrap();
        assert_eq!(store.wanted_snapshots(at(158)).await.unwrap().len(), 2);
        assert!(look(&store, &[], at(100)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_nobody_looks_at_any_more_is_removed_and_no_other_frame() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("a.db")).await.unwrap();
        let blobs = Fs::open(folder.path().join("blobs")).unwrap();
        let spool = blobs.spool().await.unwrap();
        let key = |of: StreamId, fence: u64| format!("{}{fence}", folder_of(of));
        let mut evidence = Vec::new();
        for n in 1..=2 {
            open(&store, n, "acme").await;
            look(&store, &[id(n)], at(60 * i64::from(n))).await.unwrap();
            let watch = store.watch_stream(id(n), "w", at(60), at(900)).await.unwrap().unwrap();
            // An earlier watcher died before it removed its own.
            for fence in [watch.fence + 9, watch.fence] {
                blobs.put(Zone::Held, &key(id(n), fence), &spool).await.unwrap();
            }
            evidence.push(format!("{}/1-1-1", id(n)));
            blobs.put(Zone::Held, &evidence[usize::from(n) - 1], &spool).await.unwrap();
        }
        assert_eq!(tidy(&store, &blobs, at(119)).await.unwrap(), 0);
        assert_eq!(tidy(&store, &blobs, at(120)).await.unwrap(), 1);
        let left = blobs.list(Zone::Held, "", 9).await.unwrap();
        let mut expected = vec![evidence[0].clone(), evidence[1].clone(), key(id(2), 1), key(id(2), 10)];
        expected.sort();
        assert_eq!(left, expected);
        assert_eq!(tidy(&store, &blobs, at(180)).await.unwrap(), 1);
        assert_eq!(blobs.list(Zone::Held, "", 9).await.unwrap(), evidence);
    }
}
