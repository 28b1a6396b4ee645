//! Held films, animations and sound to be played: copies made in the sandbox, encoded anew from beginning to end, with the
//! name of who looks in each picture. A copy is for one person, lies in a file without a name, and goes when nobody has
//! looked for a while, or when its place is needed.

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
/// Of these, one person's.
const EACH: usize = 3;
/// Characters of what a child says is not in one.
const LEFT_OUT: usize = 200;
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
    /// What of the file is not in it, in words for people; empty where that is nothing.
    pub left_out: String,
}

/// Why no copy is made: as many as may be are being made or read just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// By this person.
    Theirs,
    /// By all together.
    All,
}

struct Entry {
    /// Tells this making of the copy from another.
    number: u64,
    play: Play,
    wanted: Instant,
    /// When something of it was shown last, in a view that is on record.
    shown: Option<Instant>,
}

impl Entry {
    /// Nothing lies there that takes a place.
    fn has_failed(&self) -> bool {
        matches!(self.play, Play::Failed(_))
    }

    /// Neither made nor read just now: whoever reads it has its file.
    fn is_idle(&self) -> bool {
        match &self.play {
            Play::Making(_) => false,
            Play::Ready(film) => Arc::strong_count(&film.file) == 1,
            Play::Failed(_) => true,
        }
    }
}

#[derive(Default)]
struct Shelf {
    copies: HashMap<CopyOf, Entry>,
    made: u64,
}

impl Shelf {
    /// Puts one there that is to be made, and gives its number. What was looked at longest ago goes for it, the person's own
    /// first.
    fn begin(&mut self, copy: &CopyOf) -> Result<u64, Full> {
        // Why one failed is told until the person asks for another.
        self.copies.retain(|other, entry| other.person != copy.person || !entry.has_failed());
        if !self.makes_room(EACH, |other| other.person == copy.person) {
            return Err(Full::Theirs);
        }
        if !self.makes_room(MOST, |_| true) {
            return Err(Full::All);
        }
        self.made += 1;
        let entry = Entry { number: self.made, play: Play::Making(0), wanted: Instant::now(), shown: None };
        self.copies.insert(copy.clone(), entry);
        Ok(self.made)
    }

    /// For one more among these: where there are as many as may be, the one goes that was looked at longest ago. False where
    /// none can.
    fn makes_room(&mut self, most: usize, among: impl Fn(&CopyOf) -> bool) -> bool {
        let there = || self.copies.iter().filter(|(copy, entry)| among(copy) && !entry.has_failed());
        if there().count() < most {
            return true;
        }
        let idle = there().filter(|(_, entry)| entry.is_idle());
        let oldest = idle.min_by_key(|(_, entry)| entry.wanted).map(|(copy, _)| copy.clone());
        oldest.is_some_and(|copy| self.copies.remove(&copy).is_some())
    }

    fn goes_on(&mut self, copy: &CopyOf, gap: Duration) -> bool {
        let Some(entry) = self.copies.get_mut(copy) else { return false };
        let goes_on = entry.shown.is_some_and(|last| last.elapsed() < gap);
        if goes_on {
            entry.shown = Some(Instant::now());
        }
        goes_on
    }

    fn shown(&mut self, copy: &CopyOf) {
        if let Some(entry) = self.copies.get_mut(copy) {
            entry.shown = Some(Instant::now());
        }
    }

    fn entry(&mut self, copy: &CopyOf, number: u64) -> Option<&mut Entry> {
        self.copies.get_mut(copy).filter(|entry| entry.number == number)
    }
}

/// A copy, and the number of its making.
type Making<'a> = (&'a CopyOf, u64);

/// Copies share everything.
#[derive(Clone)]
pub struct Player {
    blobs: Arc<dyn Blobs>,
    /// Of children that decode films, and sound.
    films: Pool,
    /// Of children that decode pictures.
    animations: Pool,
    shelf: Arc<Mutex<Shelf>>,
}

impl Player {
    pub fn new(blobs: Arc<dyn Blobs>, films: Pool, animations: Pool) -> Self {
        Self { blobs, films, animations, shelf: Arc::default() }
    }

    /// `None` where nobody asked for it, or it is gone again.
    pub fn look(&self, copy: &CopyOf) -> Option<Play> {
        let mut shelf = self.shelf();
        let entry = shelf.copies.get_mut(copy)?;
        entry.wanted = Instant::now();
        Some(entry.play.clone())
    }

    /// Does a view that is on record go on? It does while parts of the copy are asked for within `gap`.
    pub fn goes_on(&self, copy: &CopyOf, gap: Duration) -> bool {
        self.shelf().goes_on(copy, gap)
    }

    /// A view of it is on record, which begins.
    pub fn shown(&self, copy: &CopyOf) {
        self.shelf().shown(copy);
    }

    /// Begins to make it, unless it is there or on its way; no picture's longer edge is over `max_edge`.
    pub fn make(
        &self,
        copy: CopyOf,
        upload: &Upload,
        media_type: &str,
        max_edge: u32,
        by: &str,
    ) -> Result<(), Full> {
        let mut shelf = self.shelf();
        // One that failed is tried again.
        if shelf.copies.get(&copy).is_some_and(|entry| !entry.has_failed()) {
            return Ok(());
        }
        let number = shelf.begin(&copy)?;
        drop(shelf);
        let spec = RenditionSpec::Played { max_edge, by: Name::new(by) };
        let (player, key, media_type) = (self.clone(), upload.id.to_string(), media_type.to_owned());
        tokio::spawn(async move {
            let play = match player.made((&copy, number), &key, &media_type, spec).await {
                Ok(film) => Play::Ready(film),
                Err(why) => Play::Failed(why),
            };
            player.put((&copy, number), play);
            player.forget_unwanted((&copy, number)).await;
        });
        Ok(())
    }

    async fn made(
        &self,
        making: Making<'_>,
        key: &str,
        media_type: &str,
        spec: RenditionSpec,
    ) -> Result<Film, String> {
        let away = |error: PortError| {
            tracing::warn!(upload.id = key, %error, "what is held cannot be made ready to be played");
            "the store of files cannot be reached just now".to_owned()
        };
        let held = self.blobs.open(Zone::Held, key).await.map_err(away)?;
        let held = held.ok_or_else(|| "its bytes are gone".to_owned())?;
        let size = held.metadata().map_err(|error| away(error.into()))?.len();
        let file = self.blobs.spool().await.map_err(away)?;
        let out = file.try_clone().map_err(|error| away(error.into()))?;
        let mut out = tokio::io::BufWriter::with_capacity(1 << 20, tokio::fs::File::from_std(out));
        let pool = if media_type.starts_with("image/") { &self.animations } else { &self.films };
        let session = pool.open(&held, size, media_type).await;
        let mut session = session.map_err(|e| format!("the decoders are not there just now ({e})"))?;
        let told = |thousandths: u16| self.put(making, Play::Making(thousandths / 10));
        let made = session.render_watched(&spec, &mut out, told).await;
        let made = made.map_err(|trouble| format!("no copy can be made of it ({trouble})"))?;
        out.flush().await.map_err(|error| away(error.into()))?;
        let left_out = made.note.split_once(": ").map_or("", |(_, left_out)| left_out);
        let left_out = left_out.chars().filter(|c| matches!(c, ' '..='~')).take(LEFT_OUT).collect();
        Ok(Film { file: Arc::new(file), size: made.bytes, number: making.1, left_out })
    }

    fn put(&self, (copy, number): Making<'_>, play: Play) {
        if let Some(entry) = self.shelf().entry(copy, number) {
            entry.play = play;
        }
    }

    /// Whoever plays it reads it again and again. One whose place was taken is nothing to wait for.
    async fn forget_unwanted(&self, (copy, number): Making<'_>) {
        loop {
            let Some(wanted) = self.shelf().entry(copy, number).map(|entry| entry.wanted) else { return };
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn of(person: &str, n: u8) -> CopyOf {
        CopyOf { upload: UploadId::new(Timestamp::UNIX_EPOCH, &[n; 10]), person: person.to_owned() }
    }

    impl Shelf {
        /// A copy that was looked at in this second.
        fn ready(&mut self, copy: &CopyOf, second: u64) -> u64 {
            let number = self.begin(copy).expect("there is room");
            let file = Arc::new(tempfile::tempfile().unwrap());
            let began = Instant::now() - Duration::from_secs(100);
            let entry = self.entry(copy, number).unwrap();
            entry.play = Play::Ready(Film { file, size: 0, number, left_out: String::new() });
            entry.wanted = began + Duration::from_secs(second);
            number
        }

        fn there(&self) -> Vec<String> {
            let mut all: Vec<_> =
                self.copies.keys().map(|copy| format!("{} {}", copy.person, copy.upload)).collect();
            all.sort();
            all
        }

        fn read(&self, copy: &CopyOf) -> Arc<File> {
            match &self.copies[copy].play {
                Play::Ready(film) => Arc::clone(&film.file),
                other => panic!("{other:?}"),
            }
        }
    }

    fn shows(shelf: &Shelf, copies: &[CopyOf]) {
        let mut expected: Vec<_> =
            copies.iter().map(|copy| format!("{} {}", copy.person, copy.upload)).collect();
        expected.sort();
        assert_eq!(shelf.there(), expected);
    }

    #[test]
    fn a_persons_own_oldest_copy_goes_first_and_then_the_oldest_of_all() {
        let mut shelf = Shelf::default();
        shelf.ready(&of("bob", 1), 0);
        for n in 1..=4 {
            shelf.ready(&of("ann", n), 10 + u64::from(n));
        }
        shows(&shelf, &[of("bob", 1), of("ann", 2), of("ann", 3), of("ann", 4)]);
        for (n, person) in [(1, "cat"), (2, "cat"), (3, "cat"), (1, "dan")] {
            shelf.ready(&of(person, n), 20);
        }
        assert_eq!(shelf.copies.len(), MOST);
        shelf.ready(&of("dan", 2), 20);
        assert_eq!(shelf.copies.len(), MOST);
        assert!(!shelf.copies.contains_key(&of("bob", 1)), "nobody has looked at it for so long");
        shelf.ready(&of("dan", 3), 20);
        assert!(!shelf.copies.contains_key(&of("ann", 2)));
    }

    #[test]
    fn what_is_made_or_read_just_now_does_not_go() {
        let mut shelf = Shelf::default();
        for n in 1..=3 {
            shelf.ready(&of("ann", n), u64::from(n));
        }
        let readers: Vec<_> = (1..=2).map(|n| shelf.read(&of("ann", n))).collect();
        shelf.ready(&of("ann", 4), 9);
        shows(&shelf, &[of("ann", 1), of("ann", 2), of("ann", 4)]);
        shelf.begin(&of("ann", 5)).expect("the fourth goes");
        assert_eq!(shelf.begin(&of("ann", 6)), Err(Full::Theirs));
        drop(readers);
        shelf.begin(&of("ann", 6)).expect("nobody reads the first any more");
        shows(&shelf, &[of("ann", 2), of("ann", 5), of("ann", 6)]);
        for person in ["bob", "cat"] {
            for n in 1..=3 {
                shelf.begin(&of(person, n)).unwrap();
            }
        }
        // Eight are being made by now: the second of hers went for the last.
        assert_eq!((shelf.copies.len(), shelf.begin(&of("dan", 1))), (MOST, Err(Full::All)));
    }

    #[test]
    fn one_that_failed_takes_no_place_and_says_why_until_another_is_asked_for() {
        let mut shelf = Shelf::default();
        for n in 1..=3 {
            let number = shelf.begin(&of("ann", n)).unwrap();
            shelf.entry(&of("ann", n), number).unwrap().play = Play::Failed("why".into());
            assert!(shelf.copies[&of("ann", n)].has_failed());
        }
        shows(&shelf, &[of("ann", 3)]);
        for person in ["bob", "cat", "dan"] {
            for n in 1..=3 {
                shelf.ready(&of(person, n), 1);
            }
        }
        assert_eq!(shelf.copies.len(), MOST + 1, "hers is no copy");
        assert!(shelf.copies[&of("ann", 3)].has_failed(), "and still tells");
    }

    #[test]
    fn a_view_goes_on_while_parts_of_the_copy_follow_one_another() {
        let mut shelf = Shelf::default();
        let (copy, gap) = (of("ann", 1), Duration::from_secs(10));
        shelf.shown(&copy);
        assert!(!shelf.goes_on(&copy, gap), "there is no copy");
        shelf.ready(&copy, 1);
        assert!(!shelf.goes_on(&copy, gap), "nothing is on record yet");
        shelf.shown(&copy);
        assert!(shelf.goes_on(&copy, gap));
        // Eight seconds later, and once more: each part is within the gap after the one before.
        let later = |shelf: &mut Shelf, seconds| {
            let entry = shelf.copies.get_mut(&copy).unwrap();
            entry.shown = entry.shown.map(|last| last - Duration::from_secs(seconds));
        };
        for _ in 0..2 {
            later(&mut shelf, 8);
            assert!(shelf.goes_on(&copy, gap));
        }
        later(&mut shelf, 11);
        assert!(!shelf.goes_on(&copy, gap));
        assert!(!shelf.goes_on(&copy, gap), "until the next one is on record");
        shelf.ready(&of("ann", 2), 1);
        assert!(!shelf.goes_on(&of("ann", 2), gap), "each copy by itself");
    }

    #[test]
    fn a_making_is_told_from_the_one_before_it() {
        let mut shelf = Shelf::default();
        let copy = of("ann", 1);
        let first = shelf.ready(&copy, 1);
        shelf.copies.remove(&copy);
        let second = shelf.begin(&copy).unwrap();
        assert!(shelf.entry(&copy, first).is_none() && shelf.entry(&copy, second).is_some());
    }
}
