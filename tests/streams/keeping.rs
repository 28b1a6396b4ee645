//! Frames of episodes, where the blob store is slow or broken.

use crate::{
    common::eventually,
    world::{Open, World},
};
use async_trait::async_trait;
use lazaret::{
    ports::{
        Blobs, Kind, PortError, Result,
        blobs::{Key, Zone},
        streams::Episode,
    },
    streams::Kill,
    upload::KnownBad,
};
use std::{fs::File, sync::Arc};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq)]
enum Puts {
    Well,
    /// Not before the test says so.
    Later,
    Never,
}

struct Slow {
    real: Arc<dyn Blobs>,
    puts: watch::Receiver<Puts>,
}

#[async_trait]
impl Blobs for Slow {
    async fn spool(&self) -> Result<File> {
        self.real.spool().await
    }

    async fn put(&self, zone: Zone, key: &Key, spool: &File) -> Result<()> {
        let mut puts = self.puts.clone();
        let puts = *puts.wait_for(|puts| *puts != Puts::Later).await.unwrap();
        match puts {
            Puts::Never => Err(PortError::new(Kind::Retry, "told to fail")),
            _ => self.real.put(zone, key, spool).await,
        }
    }

    async fn open(&self, zone: Zone, key: &Key) -> Result<Option<File>> {
        self.real.open(zone, key).await
    }

    async fn remove(&self, zone: Zone, key: &Key) -> Result<()> {
        self.real.remove(zone, key).await
    }

    async fn list(&self, zone: Zone, after: &str, limit: usize) -> Result<Vec<String>> {
        self.real.list(zone, after, limit).await
    }

    async fn free_bytes(&self) -> Result<Option<u64>> {
        self.real.free_bytes().await
    }
}

async fn world() -> (World, watch::Sender<Puts>) {
    let (say, puts) = watch::channel(Puts::Well);
    let change = |api: &mut lazaret::http::Api| {
        api.blobs = Arc::new(Slow { real: api.blobs.clone(), puts });
    };
    (World::start_changed(Kill::default(), KnownBad::default(), change).await, say)
}

async fn episode(world: &World, stream: &Open<'_>) -> Option<Episode> {
    world.store().episode(stream.stream(), 1).await.unwrap()
}

#[tokio::test]
async fn a_cut_is_told_before_its_frames_are_kept() {
    let (world, say) = world().await;
    let stream = world.open().await;
    assert_eq!(stream.decision("0.1").await, "pass");
    say.send_replace(Puts::Later);
    assert_eq!(stream.decision("0.995").await, "cut");
    eventually("it is told", async || world.told().await == ["stream.cleared", "stream.cut"]).await;
    let told = episode(&world, &stream).await.unwrap();
    assert!(told.evidence.is_empty(), "no record names what is not there");
    say.send_replace(Puts::Well);
    eventually("its frame is kept", async || episode(&world, &stream).await.unwrap().evidence.len() == 1)
        .await;
}

#[tokio::test]
async fn a_frame_that_cannot_be_kept_takes_no_others_place() {
    let (world, say) = world().await;
    let stream = world.open().await;
    for says in ["0.81", "0.82", "0.83", "0.84", "0.85"] {
        stream.judged(says).await;
    }
    eventually("they are kept", async || {
        episode(&world, &stream).await.is_some_and(|episode| episode.evidence.len() == 5)
    })
    .await;
    let before = episode(&world, &stream).await.unwrap().evidence;
    say.send_replace(Puts::Never);
    stream.judged("0.95").await;
    // Judged once it was tried to keep the one before.
    stream.judged("0.1").await;
    say.send_replace(Puts::Well);
    eventually("the rest of it is on record", async || {
        episode(&world, &stream).await.unwrap().scores["tiny.red"] == 0.95
    })
    .await;
    assert_eq!(episode(&world, &stream).await.unwrap().evidence, before);
    for evidence in before {
        assert!(world.app.api.blobs.open(Zone::Held, &evidence.key).await.unwrap().is_some());
    }
}
