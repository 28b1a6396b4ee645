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
/// Files in a row that may be missing.
const MISSING: u32 = 3;

/// Follows the playlist until it is over.
pub async fn follow(http: &Http, text: &[u8], from: Url, stall: Duration, out: &Out) -> Result<(), Trouble> {
    let (mut media, from) = match read(text, &from)? {
        Playlist::Media(media) => (media, from),
        Playlist::Master(variants) => {
            let chosen = choose(&variants).ok_or_else(|| Trouble::nonsense("a playlist of nothing"))?;
            fetch(http, &chosen.url).await?
        }
    };
    let mut reel = Reel { http, out, next: None, head: None, key: None, sent: false, missing: 0 };
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

struct Reel<'a> {
    http: &'a Http,
    out: &'a Out,
    /// The number of the segment that comes next.
    next: Option<u64>,
    /// What was sent before the segments that followed.
    head: Option<Part>,
    /// The one that was fetched last.
    key: Option<(Url, [u8; KEY])>,
    sent: bool,
    missing: u32,
}

impl Reel<'_> {
    /// Sends what is new; was there anything?
    async fn wind(&mut self, media: &Media) -> Result<bool, Trouble> {
        let end = media.first.saturating_add(media.segments.len() as u64);
        let edge = end.saturating_sub(EDGE).max(media.first);
        let from = match self.next {
            None if media.is_over => media.first,
            None => edge,
            // Numbers that begin anew, or that ran on without us.
            Some(next) if next > end || next < media.first || (end - next > BEHIND && !media.is_over) => {
                self.cut().await?;
                edge
            }
            Some(next) => next,
        };
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
