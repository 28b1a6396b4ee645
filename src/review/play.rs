//! Held films to be played: copies made in the sandbox, encoded anew from the first picture to the last, with the name of
//! who looks in each. A copy is for one person, lies in a file without a name, and goes when nobody has looked for a while.

use crate::{
    ports::{Blobs, PortError, blobs::Zone, store::Upload},
    upload::UploadId,
};
use lazaret_sandbox::{Name, Pool, RenditionSpec};
use std::{
    collections::HashMap,
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, time::Instant};

/// Copies of one process, those that are being made too.
const MOST: usize = 8;
/// How long one is kept that nobody looks at.
const KEPT: Duration = Duration::from_secs(600);

/// Whose copy of what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CopyOf {
    pub upload: UploadId,
    /// A person's id.
    pub person: String,
}

/// How it stands with a copy.
#[derive(Debug, Clone)]
pub enum Play {
    /// So much of it is made, in percent.
    Making(u16),
    Ready(Film),
    /// Why there is none, in words for people.
    Failed(String),
}

#[derive(Debug, Clone)]
pub struct Film {
    pub file: Arc<File>,
    /// Bytes.
    pub size: u64,
    /// Tells this copy from another.
    pub number: u64,
}

struct Entry {
    play: Play,
    wanted: Instant,
}

#[derive(Default)]
struct Shelf {
    copies: HashMap<CopyOf, Entry>,
    made: u64,
}

/// Copies share everything.
#[derive(Clone)]
pub struct Player {
    blobs: Arc<dyn Blobs>,
    films: Pool,
    shelf: Arc<Mutex<Shelf>>,
}

impl Player {
    pub fn new(blobs: Arc<dyn Blobs>, films: Pool) -> Self {
        Self { blobs, films, shelf: Arc::default() }
    }

    /// `None` where nobody asked for it, or it is gone again.
    pub fn look(&self, copy: &CopyOf) -> Option<Play> {
        let mut shelf = self.shelf();
        let entry = shelf.copies.get_mut(copy)?;
        entry.wanted = Instant::now();
        Some(entry.play.clone())
    }

    /// Begins to make it, unless it is there or on its way; no picture's longer edge is over `max_edge`. False where too
    /// many are there already.
    pub fn make(&self, copy: CopyOf, upload: &Upload, media_type: &str, max_edge: u32, by: &str) -> bool {
        let mut shelf = self.shelf();
        match shelf.copies.get(&copy).map(|entry| &entry.play) {
            Some(Play::Making(_) | Play::Ready(_)) => return true,
            // It is tried again.
            Some(Play::Failed(_)) => {}
            None if shelf.copies.len() >= MOST => return false,
            None => {}
        }
        shelf.copies.insert(copy.clone(), Entry { play: Play::Making(0), wanted: Instant::now() });
        let spec = RenditionSpec::Played { max_edge, by: Name::new(by) };
        let (player, key, media_type) = (self.clone(), upload.id.to_string(), media_type.to_owned());
        tokio::spawn(async move {
            let play = match player.made(&copy, &key, &media_type, spec).await {
                Ok(film) => Play::Ready(film),
                Err(why) => Play::Failed(why),
            };
            player.put(&copy, play);
            player.forget_unwanted(&copy).await;
        });
        true
    }

    async fn made(
        &self,
        copy: &CopyOf,
        key: &str,
        media_type: &str,
        spec: RenditionSpec,
    ) -> Result<Film, String> {
        let away = |error: PortError| {
            tracing::warn!(upload.id = key, %error, "a held film cannot be made ready to be played");
            "the store of files cannot be reached just now".to_owned()
        };
        let held = self.blobs.open(Zone::Held, key).await.map_err(away)?;
        let held = held.ok_or_else(|| "its bytes are gone".to_owned())?;
        let size = held.metadata().map_err(|error| away(error.into()))?.len();
        let file = self.blobs.spool().await.map_err(away)?;
        let out = file.try_clone().map_err(|error| away(error.into()))?;
        let mut out = tokio::io::BufWriter::with_capacity(1 << 20, tokio::fs::File::from_std(out));
        let session = self.films.open(&held, size, media_type).await;
        let mut session = session.map_err(|e| format!("the decoders are not there just now ({e})"))?;
        let told = |thousandths: u16| self.put(copy, Play::Making(thousandths / 10));
        let made = session.render_watched(&spec, &mut out, told).await;
        let made = made.map_err(|trouble| format!("no copy can be made of it ({trouble})"))?;
        out.flush().await.map_err(|error| away(error.into()))?;
        let mut shelf = self.shelf();
        shelf.made += 1;
        Ok(Film { file: Arc::new(file), size: made.bytes, number: shelf.made })
    }

    fn put(&self, copy: &CopyOf, play: Play) {
        if let Some(entry) = self.shelf().copies.get_mut(copy) {
            entry.play = play;
        }
    }

    /// Whoever plays it reads it again and again.
    async fn forget_unwanted(&self, copy: &CopyOf) {
        loop {
            let Some(wanted) = self.shelf().copies.get(copy).map(|entry| entry.wanted) else { return };
            if wanted.elapsed() >= KEPT {
                self.shelf().copies.remove(copy);
                return;
            }
            tokio::time::sleep_until(wanted + KEPT).await;
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
