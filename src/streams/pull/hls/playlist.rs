//! HLS playlists (RFC 8216), as much of them as it takes to fetch what they name. Pure.

use crate::streams::pull::{attribute::attribute, trouble::Trouble};
use url::Url;

/// Lines of a playlist, at most.
const LINES: usize = 20_000;

#[derive(Debug, Clone, PartialEq)]
pub enum Playlist {
    /// Of the same in several qualities.
    Master(Vec<Variant>),
    Media(Media),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub url: Url,
    pub bandwidth: u64,
    /// Rows of a picture, where it is told.
    pub height: Option<u32>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// Seconds.
    pub target: f64,
    /// Number of the first segment.
    pub first: u64,
    pub segments: Vec<Segment>,
    /// Nothing comes after these.
    pub is_over: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub part: Part,
    /// What comes before it, of fragmented MP4.
    pub head: Option<Part>,
    /// What comes from here on has nothing to do with what came before.
    pub is_cut: bool,
    /// It is not there.
    pub is_missing: bool,
}

/// A file, or bytes of it: the first, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub url: Url,
    pub range: Option<(u64, u64)>,
    pub lock: Option<Lock>,
}

/// It is encrypted: where the key is, and what encryption began with.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    pub key: Url,
    pub begin: [u8; 16],
}

impl Playlist {
    /// `base` is where it came from.
    pub fn read(text: &str, base: &Url) -> Result<Self, Trouble> {
        let mut lines =
            text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
        if lines.next() != Some("#EXTM3U") {
            return Err(Trouble::nonsense("no playlist: it does not begin with #EXTM3U"));
        }
        let mut reader = Reader::new(base);
        for (n, line) in lines.enumerate() {
            if n == LINES {
                return Err(Trouble::nonsense(format!("a playlist of more than {LINES} lines")));
            }
            reader.line(line)?;
        }
        reader.end()
    }
}

/// Where the key is, and what the segments begin from, where that is said.
type Locked = (Url, Option<[u8; 16]>);

struct Reader<'a> {
    base: &'a Url,
    variants: Vec<Variant>,
    variant: Option<(u64, Option<u32>)>,
    media: Media,
    head: Option<Part>,
    /// Of what follows: where the key is, and what encryption began with, where that is told.
    lock: Option<Locked>,
    range: Option<(u64, Option<u64>)>,
    /// Where the last range ended: the next may begin there.
    after: u64,
    is_cut: bool,
    is_missing: bool,
}

impl<'a> Reader<'a> {
    fn new(base: &'a Url) -> Self {
        let media = Media { target: 0.0, first: 0, segments: Vec::new(), is_over: false };
        let (variants, variant, head, lock, range) = (Vec::new(), None, None, None, None);
        Self { base, variants, variant, media, head, lock, range, after: 0, is_cut: false, is_missing: false }
    }

    fn line(&mut self, line: &str) -> Result<(), Trouble> {
        if !line.starts_with('#') {
            return self.names(line);
        }
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-STREAM-INF" => {
                let height =
                    attribute(value, "RESOLUTION").and_then(|size| size.split_once('x')?.1.parse().ok());
                let bandwidth = attribute(value, "BANDWIDTH").and_then(|n| n.parse().ok()).unwrap_or(0);
                self.variant = Some((bandwidth, height));
            }
            "#EXT-X-TARGETDURATION" => {
                // No number is one too, as Rust reads it.
                let told = value.parse().ok().filter(|told: &f64| told.is_finite());
                self.media.target = told.unwrap_or(0.0);
            }
            "#EXT-X-MEDIA-SEQUENCE" => self.media.first = value.parse().map_err(|_| wrong(line))?,
            "#EXT-X-ENDLIST" => self.media.is_over = true,
            "#EXT-X-DISCONTINUITY" => self.is_cut = true,
            "#EXT-X-GAP" => self.is_missing = true,
            "#EXT-X-BYTERANGE" => self.range = Some(range(value).ok_or_else(|| wrong(line))?),
            "#EXT-X-MAP" => {
                let uri = attribute(value, "URI").ok_or_else(|| wrong(line))?;
                let range = match attribute(value, "BYTERANGE") {
                    Some(text) => {
                        let (length, from) = range(text).ok_or_else(|| wrong(line))?;
                        Some((from.unwrap_or(0), length))
                    }
                    None => None,
                };
                let lock = match &self.lock {
                    // It has no number of its own to begin with.
                    Some((key, begin)) => {
                        Some(Lock { key: key.clone(), begin: begin.ok_or_else(|| wrong(line))? })
                    }
                    None => None,
                };
                self.head = Some(Part { url: self.join(uri)?, range, lock });
            }
            "#EXT-X-KEY" => self.lock = self.locked(line, value)?,
            _ => {}
        }
        Ok(())
    }

    /// AES-128 alone (4.3.2.4): whole segments, under a key that whoever may watch may fetch.
    fn locked(&self, line: &str, value: &str) -> Result<Option<Locked>, Trouble> {
        let method = attribute(value, "METHOD").unwrap_or_default();
        if method == "NONE" {
            return Ok(None);
        }
        let format = attribute(value, "KEYFORMAT").unwrap_or("identity");
        if method != "AES-128" || format != "identity" {
            return Err(Trouble::new(
                "source.encrypted",
                format!("its segments are encrypted: {method}, {format}"),
            ));
        }
        let uri = attribute(value, "URI").ok_or_else(|| wrong(line))?;
        let begin = match attribute(value, "IV") {
            Some(text) => {
                let digits =
                    text.strip_prefix("0x").or(text.strip_prefix("0X")).ok_or_else(|| wrong(line))?;
                Some(u128::from_str_radix(digits, 16).map_err(|_| wrong(line))?.to_be_bytes())
            }
            None => None,
        };
        Ok(Some((self.join(uri)?, begin)))
    }

    fn names(&mut self, uri: &str) -> Result<(), Trouble> {
        let url = self.join(uri)?;
        if let Some((bandwidth, height)) = self.variant.take() {
            self.variants.push(Variant { url, bandwidth, height });
            return Ok(());
        }
        let range = self.range.take().map(|(length, from)| {
            let from = from.unwrap_or(self.after);
            self.after = from.saturating_add(length);
            (from, length)
        });
        // Where nothing is told, encryption begins with the segment's number.
        let number = self.media.first.saturating_add(self.media.segments.len() as u64);
        let lock = self.lock.as_ref().map(|(key, begin)| Lock {
            key: key.clone(),
            begin: begin.unwrap_or_else(|| u128::from(number).to_be_bytes()),
        });
        self.media.segments.push(Segment {
            part: Part { url, range, lock },
            head: self.head.clone(),
            is_cut: std::mem::take(&mut self.is_cut),
            is_missing: std::mem::take(&mut self.is_missing),
        });
        Ok(())
    }

    fn join(&self, uri: &str) -> Result<Url, Trouble> {
        self.base.join(uri).map_err(|_| Trouble::nonsense("a playlist names what is no URL"))
    }

    fn end(self) -> Result<Playlist, Trouble> {
        Ok(if self.variants.is_empty() {
            Playlist::Media(self.media)
        } else {
            Playlist::Master(self.variants)
        })
    }
}

/// The quality that is looked at: the best up to 720 rows, or the least of those above.
pub fn choose(variants: &[Variant]) -> Option<&Variant> {
    const ENOUGH: u32 = 720;
    let small = variants.iter().filter(|variant| variant.height.is_none_or(|height| height <= ENOUGH));
    small
        .max_by_key(|variant| (variant.height, variant.bandwidth))
        .or_else(|| variants.iter().min_by_key(|variant| (variant.height, variant.bandwidth)))
}

/// `length[@from]`
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    match text.split_once('@') {
        Some((length, from)) => Some((length.parse().ok()?, Some(from.parse().ok()?))),
        None => Some((text.parse().ok()?, None)),
    }
}

fn wrong(line: &str) -> Trouble {
    let tag = line.split(':').next().unwrap_or_default();
    Trouble::nonsense(format!("a playlist whose {tag} is not understood"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Playlist, Trouble> {
        Playlist::read(text, &Url::parse("https://example.com/live/index.m3u8?token=1").unwrap())
    }

    #[test]
    fn a_quality_is_chosen() {
        let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000000,CODECS=\"avc1,mp4a\",RESOLUTION=1920x1080\nhd.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720\nsd.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180\n/small.m3u8\n\
            #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n";
        let Ok(Playlist::Master(variants)) = read(text) else { panic!() };
        assert_eq!(choose(&variants).unwrap().url.as_str(), "https://example.com/live/sd.m3u8");
        assert_eq!(choose(&variants[..1]).unwrap().height, Some(1080));
        assert_eq!(variants[2].url.as_str(), "https://example.com/small.m3u8");
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn segments_with_all_that_belongs_to_them() {
        let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:6\r\n#EXT-X-MEDIA-SEQUENCE:17\r\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"700@0\"\r\n\
            #EXTINF:6.0,\r\n#EXT-X-BYTERANGE:1000@700\r\nall.mp4\r\n#EXTINF:6.0,\r\n#EXT-X-BYTERANGE:500\r\nall.mp4\r\n\
            #EXT-X-DISCONTINUITY\r\n#EXT-X-GAP\r\n#EXTINF:2,\r\nhttp://other.example/x.ts\r\n#EXT-X-ENDLIST\r\n";
        let Ok(Playlist::Media(media)) = read(text) else { panic!() };
        assert_eq!((media.target, media.first, media.is_over, media.segments.len()), (6.0, 17, true, 3));
        let ranges: Vec<_> = media.segments.iter().map(|segment| segment.part.range).collect();
        assert_eq!(ranges, [Some((700, 1000)), Some((1700, 500)), None]);
        assert_eq!(media.segments[0].head.as_ref().unwrap().range, Some((0, 700)));
        let flags: Vec<_> = media.segments.iter().map(|s| (s.is_cut, s.is_missing)).collect();
        assert_eq!(flags, [(false, false), (false, false), (true, true)]);
    }

    #[test]
    fn locks_hold_from_where_they_stand_and_begin_with_a_number() {
        let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:258\na.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"/k?a,b\"\nb.ts\nc.ts\n\
            #EXT-X-KEY:METHOD=AES-128,URI=\"k2\",IV=0X0a\n#EXT-X-MAP:URI=\"i\"\nd.ts\n#EXT-X-KEY:METHOD=NONE\ne.ts\n";
        let Ok(Playlist::Media(media)) = read(text) else { panic!() };
        let told = |lock: &Option<Lock>| {
            lock.as_ref().map(|lock| (lock.key.path().to_owned(), u128::from_be_bytes(lock.begin)))
        };
        let locks: Vec<_> = media.segments.iter().map(|segment| told(&segment.part.lock)).collect();
        let (first, second) = ("/k".to_owned(), "/live/k2".to_owned());
        assert_eq!(
            locks,
            [None, Some((first.clone(), 259)), Some((first, 260)), Some((second.clone(), 10)), None]
        );
        assert_eq!(told(&media.segments[3].head.as_ref().unwrap().lock), Some((second, 10)));
    }

    #[test]
    fn what_is_no_playlist_or_cannot_be_followed_is_said() {
        for (text, code) in [
            ("", "source.protocol"),
            ("#EXT", "source.protocol"),
            ("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\na.ts", "source.protocol"),
            ("#EXTM3U\nhttp://", "source.protocol"),
            ("#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\na.ts", "source.encrypted"),
            (
                "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,KEYFORMAT=\"com.apple.streamingkeydelivery\",URI=\"k\"",
                "source.encrypted",
            ),
            ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\na.ts", "source.protocol"),
            ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0xx\na.ts", "source.protocol"),
            ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"i\"\na.m4s", "source.protocol"),
        ] {
            assert_eq!(read(text).unwrap_err().code, code, "{text}");
        }
        assert!(read(&format!("#EXTM3U\n{}", "a.ts\n".repeat(LINES + 1))).is_err());
        assert!(read("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\na.ts").is_ok());
        for told in ["nan", "inf", "-inf"] {
            let Ok(Playlist::Media(media)) = read(&format!("#EXTM3U\n#EXT-X-TARGETDURATION:{told}\na.ts"))
            else {
                panic!()
            };
            assert_eq!(media.target, 0.0, "{told}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(#EXTM3U\n)?(#EXT[-A-Z]{0,20}:?[A-Z=\",@0-9a-z]{0,40}\n|[a-z:/.]{0,20}\n){0,20}") {
            let _ = read(&text);
        }
    }
}
