//! A source as a playlist of short files, fetched one after another.

mod lock;
pub mod playlist;

use super::{http::Http, piece::Out, trouble::Trouble};
use bytes::Bytes;
use lock::{KEY, Opener};
use playlist::{Lock, Media, Part, Playlist, Segment, choose};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Of a playlist, in bytes.
const PLAYLIST: usize = 1 << 20;
/// Of those that are there at first, so many are fetched.
const EDGE: u64 = 3;
/// So many behind the newest, it is begun at the edge again.
const BEHIND: u64 = 8;
/// One that ends so little before what was fetched, or by as many as it names, may be an older one, of another edge.
const STALE: u64 = 3;
/// One that is still older when it is asked for so often in a row is of an encoder that was started again.
const STUBBORN: u32 = 5;
/// Files in a row that may be missing.
const MISSING: u32 = 3;

/// Follows the playlist until it is over. `lost` is told of segments that nobody will see: a frame at least of each.
pub async fn follow(
    http: &Http,
    text: &[u8],
    from: Url,
    stall: Duration,
    out: &Out,
    lost: &(dyn Fn(u64) + Sync),
) -> Result<(), Trouble> {
    let (mut media, from) = match read(text, &from)? {
        Playlist::Media(media) => (media, from),
        Playlist::Master(variants) => {
            let chosen = choose(&variants).ok_or_else(|| Trouble::nonsense("a playlist of nothing"))?;
            fetch(http, &chosen.url).await?
        }
    };
    let mut reel = Reel {
        http,
        out,
        lost,
        next: None,
        head: None,
        key: None,
        sent: false,
        missing: 0,
        old: Old::default(),
    };
    let mut fresh = Instant::now();
    loop {
        let asked = Instant::now();
        if reel.wind(&media).await? {
            fresh = Instant::now();
        }
        if media.is_over {
            return Ok(());
        }
        // Twice as often as something new is to be expected, at most.
        let pause = Duration::from_secs_f64((media.target / 2.0).clamp(0.2, 5.0));
        if fresh.elapsed() > stall.max(pause * 6) {
            return Err(Trouble::stalled(fresh.elapsed().as_secs()));
        }
        tokio::time::sleep_until(asked + pause).await;
        media = fetch(http, &from).await?.0;
    }
}

fn read(text: &[u8], from: &Url) -> Result<Playlist, Trouble> {
    let text = std::str::from_utf8(text).map_err(|_| Trouble::nonsense("a playlist that is no text"))?;
    Playlist::read(text, from)
}

async fn fetch(http: &Http, url: &Url) -> Result<(Media, Url), Trouble> {
    let (mut answer, from) = http.get(url, None).await?;
    let text = http.whole(&mut answer, Bytes::new(), PLAYLIST).await?;
    match read(&text, &from)? {
        Playlist::Media(media) => Ok((media, from)),
        Playlist::Master(_) => Err(Trouble::nonsense("a playlist of playlists of playlists")),
    }
}

/// Playlists in a row that were older than what was fetched.
#[derive(Default)]
struct Old(u32);

impl Old {
    /// Is there nothing in it, for it is from before the segment that comes next? It is not if numbers may begin anew.
    fn is(&mut self, next: Option<u64>, media: &Media) -> bool {
        let named = media.segments.len() as u64;
        let end = media.first.saturating_add(named);
        let is_behind = next.is_some_and(|next| end < next && next - end < named.max(STALE));
        // One that is over is asked for no more.
        let is_old = is_behind && !media.is_over && self.0 + 1 < STUBBORN;
        self.0 = if is_old { self.0 + 1 } else { 0 };
        is_old
    }
}

/// Where to go on; where that is a leap, over how many segments.
fn onward(next: Option<u64>, media: &Media) -> (u64, Option<u64>) {
    let end = media.first.saturating_add(media.segments.len() as u64);
    let edge = end.saturating_sub(EDGE).max(media.first);
    match next {
        None if media.is_over => (media.first, None),
        None => (edge, None),
        // Numbers that begin anew: how many there were before nobody knows.
        Some(next) if next > end => (edge, Some(edge - media.first)),
        // Or that ran on without us.
        Some(next) if next < media.first || (end - next > BEHIND && !media.is_over) => {
            (edge, Some(edge - next))
        }
        Some(next) => (next, None),
    }
}

struct Reel<'a> {
    http: &'a Http,
    out: &'a Out,
    lost: &'a (dyn Fn(u64) + Sync),
    /// The number of the segment that comes next.
    next: Option<u64>,
    /// What was sent before the segments that followed.
    head: Option<Part>,
    /// The one that was fetched last.
    key: Option<(Url, [u8; KEY])>,
    sent: bool,
    missing: u32,
    old: Old,
}

impl Reel<'_> {
    /// Sends what is new; was there anything?
    async fn wind(&mut self, media: &Media) -> Result<bool, Trouble> {
        if self.old.is(self.next, media) {
            return Ok(false);
        }
        let (from, leap) = onward(self.next, media);
        if let Some(skipped) = leap {
            (self.lost)(skipped);
            self.cut().await?;
        }
        self.next = Some(from);
        let skip = usize::try_from(from - media.first).unwrap_or(usize::MAX);
        let mut any = false;
        for segment in media.segments.iter().skip(skip) {
            self.segment(segment).await?;
            self.next = self.next.map(|next| next.saturating_add(1));
            any = true;
        }
        Ok(any)
    }

    async fn segment(&mut self, segment: &Segment) -> Result<(), Trouble> {
        if segment.is_cut || segment.head != self.head {
            self.cut().await?;
        }
        if segment.is_missing {
            (self.lost)(1);
            return Ok(());
        }
        if let Some(head) = segment.head.as_ref().filter(|_| !self.sent) {
            self.part(head).await?;
        }
        self.head.clone_from(&segment.head);
        match self.part(&segment.part).await {
            // It was taken away before its turn came.
            Err(trouble) if trouble.code == "source.refused" && self.missing < MISSING => {
                self.missing += 1;
                (self.lost)(1);
                self.cut().await
            }
            Err(trouble) => Err(trouble),
            Ok(()) => {
                self.missing = 0;
                Ok(())
            }
        }
    }

    async fn part(&mut self, part: &Part) -> Result<(), Trouble> {
        let mut opener = match &part.lock {
            Some(lock) => Some(Opener::new(&self.key(lock).await?, lock.begin)?),
            None => None,
        };
        let (mut answer, _) = self.http.get(&part.url, part.range).await?;
        while let Some(bytes) = self.http.more(&mut answer).await? {
            self.sent = true;
            let bytes = match &mut opener {
                Some(opener) => opener.open(&bytes)?,
                None => bytes,
            };
            self.out.bytes(bytes).await?;
        }
        match opener {
            Some(opener) => self.out.bytes(opener.finish()?).await,
            None => Ok(()),
        }
    }

    async fn key(&mut self, lock: &Lock) -> Result<[u8; KEY], Trouble> {
        if let Some((_, key)) = self.key.as_ref().filter(|(url, _)| *url == lock.key) {
            return Ok(*key);
        }
        let (mut answer, _) = self.http.get(&lock.key, None).await.map_err(|trouble| match trouble.code {
            "source.refused" => {
                Trouble::new("source.encrypted", format!("its key is not given: {}", trouble.detail))
            }
            _ => trouble,
        })?;
        let key = self.http.whole(&mut answer, Bytes::new(), KEY).await?;
        let key =
            key[..].try_into().map_err(|_| Trouble::nonsense(format!("a key of {} bytes", key.len())))?;
        self.key = Some((lock.key.clone(), key));
        Ok(key)
    }

    async fn cut(&mut self) -> Result<(), Trouble> {
        if std::mem::take(&mut self.sent) {
            self.out.cut().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(first: u64, segments: usize, is_over: bool) -> Media {
        let text = format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{first}\n{}", "a.ts\n".repeat(segments));
        let Ok(Playlist::Media(media)) = Playlist::read(&text, &Url::parse("http://h/").unwrap()) else {
            panic!("{text}")
        };
        Media { is_over, ..media }
    }

    /// Regression: of two edges the one that was a segment behind was taken for an encoder that was started again.
    #[test]
    fn a_playlist_that_is_a_little_older_holds_nothing_new() {
        for (next, media, expected) in [
            (None, media(10, 9, false), false),
            (Some(20), media(10, 10, false), false),
            (Some(20), media(10, 9, false), true),
            (Some(20), media(10, 9, true), false),
            (Some(20), media(5, 10, false), true),
            (Some(20), media(0, 10, false), false),
            (Some(20), media(17, 1, false), true),
            (Some(20), media(16, 1, false), false),
            (Some(300), media(0, 5, false), false),
        ] {
            assert_eq!(Old::default().is(next, &media), expected, "{next:?} {}", media.first);
        }
    }

    #[test]
    fn one_that_stays_older_begins_anew() {
        let (mut old, older, newer) = (Old::default(), media(10, 9, false), media(11, 10, false));
        let mut asked = |media: &Media| old.is(Some(20), media);
        assert_eq!([1, 2, 3, 4, 5, 6].map(|_| asked(&older)), [true, true, true, true, false, true]);
        assert!(!asked(&newer));
        assert_eq!([1, 2, 3, 4, 5].map(|_| asked(&older)), [true, true, true, true, false], "from the first");
    }

    #[test]
    fn what_is_leapt_over_is_counted() {
        for (next, media, expected) in [
            (None, media(10, 10, false), (17, None)),
            (None, media(10, 10, true), (10, None)),
            (Some(12), media(10, 10, false), (12, None)),
            (Some(20), media(10, 10, false), (20, None)),
            (Some(11), media(10, 10, false), (17, Some(6))),
            (Some(11), media(10, 10, true), (11, None)),
            (Some(5), media(10, 4, false), (11, Some(6))),
            (Some(5), media(10, 10, true), (17, Some(12))),
            (Some(300), media(0, 5, false), (2, Some(2))),
            (Some(300), media(0, 1, false), (0, Some(0))),
            (Some(0), media(u64::MAX, 2, false), (u64::MAX, Some(u64::MAX))),
        ] {
            assert_eq!(onward(next, &media), expected, "{next:?} {}", media.first);
        }
    }
}
