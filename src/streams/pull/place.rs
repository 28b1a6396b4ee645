//! Where a source is, and whether it may be asked.

use super::{network::Network, srt::asked::Asked, trouble::Trouble};
use crate::events::webhook::places::is_public;
use async_trait::async_trait;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::net::TcpStream;
use url::{Host, Url};

/// Longest URL, in bytes.
const LONGEST: usize = 2048;
/// To find an address and connect to it.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// How a source is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// HTTP or HTTPS: a playlist, or a stream as one long answer.
    Http,
    /// RTMP, plain or under TLS.
    Rtmp,
    /// RTSP, plain or under TLS.
    Rtsp,
    /// SRT, by a program of its own.
    Srt,
}

/// Why a URL is no source, each to be told to whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSource {
    #[error("`source` is a URL of at most {LONGEST} bytes with a host")]
    Url,
    #[error(
        "sources are pulled over http:, https: (HLS playlists, MPEG-TS, FLV, fragmented MP4 or WebM), rtmp:, rtmps:, rtsp:, rtsps: \
         and srt:; {0:?} is not: let its publisher, or ffmpeg beside it, send frames to this stream over a WebSocket"
    )]
    Scheme(String),
    #[error("`source` is no URL of an SRT listener: {0}")]
    Srt(&'static str),
    #[error("the source is over SRT, which is not spoken here: {0}")]
    Mute(String),
    #[error("the source's address is private; streams.pull_private does not permit it")]
    Private,
}

/// Who says which addresses a name has.
#[async_trait]
pub trait Names: Send + Sync + 'static {
    async fn addresses(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
struct System;

#[async_trait]
impl Names for System {
    async fn addresses(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, port)).await?.collect())
    }
}

/// What may be connected to: what is public, and what the operator permits of the rest.
#[derive(Clone)]
pub struct Rules {
    names: Arc<dyn Names>,
    private: Arc<[Network]>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").field("private", &self.private).finish_non_exhaustive()
    }
}

impl Rules {
    pub fn new(private: &[Network]) -> Self {
        Self { names: Arc::new(System), private: private.into() }
    }

    fn permits_address(&self, address: IpAddr) -> bool {
        is_public(address) || self.private.iter().any(|network| network.contains(address))
    }

    /// The addresses of a host that may be connected to. Whoever asks connects to one of these and asks nobody else, so
    /// that a name which changes its mind gains nothing.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
        let found = self.names.addresses(host, port).await;
        let found = found.map_err(|e| Trouble::unreachable(format!("{host} has no address: {e}")))?;
        let permitted: Vec<_> = found.into_iter().filter(|found| self.permits_address(found.ip())).collect();
        if permitted.is_empty() { Err(Trouble::private(host)) } else { Ok(permitted) }
    }

    /// A source as it is handed in. Where a name leads shows when it is connected to.
    pub fn check(&self, source: &str) -> Result<(Url, Speech), BadSource> {
        let url = Url::parse(source).map_err(|_| BadSource::Url)?;
        let speech = match url.scheme() {
            "http" | "https" => Speech::Http,
            "rtmp" | "rtmps" => Speech::Rtmp,
            "rtsp" | "rtsps" => Speech::Rtsp,
            "srt" => Speech::Srt,
            other => return Err(BadSource::Scheme(other.chars().take(16).collect())),
        };
        if source.len() > LONGEST || url.host_str().is_none_or(str::is_empty) {
            return Err(BadSource::Url);
        }
        if !self.permits(&url) {
            return Err(BadSource::Private);
        }
        if speech == Speech::Srt {
            Asked::read(&url).map_err(BadSource::Srt)?;
        }
        Ok((url, speech))
    }

    /// Of a URL whose host is an address; a name is judged when it is resolved.
    pub fn permits(&self, url: &Url) -> bool {
        match special(url).host() {
            Some(Host::Ipv4(address)) => self.permits_address(address.into()),
            Some(Host::Ipv6(address)) => self.permits_address(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }

    /// Connects to an address of the URL's host that was checked: a name is resolved once.
    pub async fn connect(&self, url: &Url, port: u16) -> Result<TcpStream, Trouble> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or(port);
        let connecting = async {
            let addresses = self.resolve(&host, port).await?;
            let connected = TcpStream::connect(&addresses[..]).await;
            let stream = connected.map_err(|e| Trouble::unreachable(format!("{host}:{port}: {e}")))?;
            // Answers to its questions are short.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        };
        tokio::time::timeout(CONNECT, connecting)
            .await
            .unwrap_or_else(|_| Err(Trouble::unreachable(format!("{host}:{port}: no connection in time"))))
    }
}

/// With its host read as that of a web address: of other schemes 127.1 would be a name.
fn special(url: &Url) -> Url {
    let mut text = format!("http://{}", url.host_str().unwrap_or_default());
    if let Some(Host::Ipv6(address)) = url.host() {
        text = format!("http://[{address}]");
    }
    Url::parse(&text).unwrap_or_else(|_| url.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::pull::http::Http;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn strict() -> Rules {
        Rules::new(&[])
    }

    fn loose() -> Rules {
        Rules::new(&["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()])
    }

    #[test]
    fn schemes_are_few_and_addresses_public() {
        for (url, speech) in [
            ("https://example.com/live.m3u8", Speech::Http),
            ("http://8.8.8.8:8080/a.ts", Speech::Http),
            ("rtmp://example.com/live/key?a=b", Speech::Rtmp),
            ("rtmp://[2606:4700::1111]/live/key", Speech::Rtmp),
            ("rtmps://example.com/live/key", Speech::Rtmp),
            ("rtsp://me:secret@example.com/cam/1", Speech::Rtsp),
            ("rtsps://example.com:8554/x", Speech::Rtsp),
            ("srt://example.com:9000?streamid=x", Speech::Srt),
        ] {
            assert_eq!(strict().check(url).unwrap().1, speech, "{url}");
        }
        for url in [
            "http://127.0.0.1/a.m3u8",
            "http://127.1/a.m3u8",
            "http://2130706433/a.m3u8",
            "http://0x7f.1/a.m3u8",
            "http://[::1]/a.m3u8",
            "http://[::ffff:127.0.0.1]/a.m3u8",
            "http://169.254.169.254/latest/meta-data",
            "rtmp://10.0.0.1/live/x",
            "rtmp://127.1/live/x",
            "rtmp://2130706433/live/x",
            "rtmp://[::1]/live/x",
            "rtmp://me:secret@192.168.0.1:1936/live/x",
            "rtmps://127.1/live/x",
            "rtsp://127.1/x",
            "rtsps://[::1]/x",
            "srt://127.1:9000",
            "srt://2130706433:9000?streamid=x",
            "srt://[::ffff:10.0.0.1]:9000",
        ] {
            assert_eq!(strict().check(url).unwrap_err(), BadSource::Private, "{url}");
            assert!(loose().check(url).is_ok(), "{url}");
        }
        for url in [
            "file:///etc/passwd",
            "concat:http://a|http://b",
            "subfile,,start,0,end,0,,:/etc/passwd",
            "data:text/plain,x",
            "rtspu://example.com/x",
            "udp://239.0.0.1:1234",
            "tcp://example.com:25",
            "gopher://example.com",
            "rtmpe://example.com/live/x",
            "ftp://example.com/a.m3u8",
        ] {
            assert!(
                matches!(loose().check(url).unwrap_err(), BadSource::Scheme(_) | BadSource::Url),
                "{url}"
            );
        }
        let long = format!("http://example.com/{}", "a".repeat(LONGEST));
        for url in ["", "no url", "rtmp:", "rtmp:///live/x", "http://", long.as_str()] {
            assert_eq!(strict().check(url).unwrap_err(), BadSource::Url, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = Url::parse(&format!("rtmp://localhost:{port}/live/x")).unwrap();
        assert_eq!(strict().connect(&url, 1935).await.unwrap_err().code, "source.private");
        loose().connect(&url, 1935).await.unwrap();
        listener.accept().await.unwrap();
        let again = tokio::time::timeout(Duration::from_millis(10), listener.accept()).await;
        assert!(again.is_err(), "the first never came");
    }

    /// Says one thing to who checks, and another to who connects.
    #[derive(Default)]
    struct Turncoat(AtomicUsize);

    #[async_trait]
    impl Names for Turncoat {
        async fn addresses(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
            let asked = self.0.fetch_add(1, Ordering::SeqCst);
            let last = if asked == 0 { 1 } else { 2 };
            Ok(vec![([127, 0, 0, last], port).into()])
        }
    }

    #[tokio::test]
    async fn a_name_that_changes_its_mind_gains_nothing() {
        let permitted = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = permitted.local_addr().unwrap().port();
        let private = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let names = Arc::new(Turncoat::default());
        let rules = Rules { names: names.clone(), ..Rules::new(&["127.0.0.1".parse().unwrap()]) };
        let url = Url::parse(&format!("rtmp://rebind.example:{port}/live/x")).unwrap();
        rules.connect(&url, 1935).await.unwrap();
        assert_eq!(names.0.load(Ordering::SeqCst), 1, "it is asked once");
        permitted.accept().await.unwrap();
        // From now on it leads to where nobody may go.
        assert_eq!(rules.connect(&url, 1935).await.unwrap_err().code, "source.private");
        let web = Url::parse(&format!("http://rebind.example:{port}/a.m3u8")).unwrap();
        let http = Http::new(rules, Duration::from_secs(5)).unwrap();
        assert_eq!(http.get(&web, None).await.unwrap_err().code, "source.private");
        let came = tokio::time::timeout(Duration::from_millis(10), private.accept()).await;
        assert!(came.is_err(), "somebody came");
    }

    /// Answers whoever comes with a redirection.
    async fn redirecting(to: String) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn a_redirection_is_judged_as_what_was_asked_for_first() {
        let private = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = private.local_addr().unwrap().port();
        let rules = Rules::new(&["127.0.0.1".parse().unwrap()]);
        let http = Http::new(rules, Duration::from_secs(5)).unwrap();
        for (to, code) in [
            (format!("http://127.0.0.2:{port}/"), "source.private"),
            (format!("//127.0.0.2:{port}/"), "source.private"),
            ("file:///etc/passwd".to_owned(), "source.forbidden"),
            ("/again".to_owned(), "source.protocol"),
        ] {
            let url = Url::parse(&format!("http://127.0.0.1:{}/", redirecting(to.clone()).await)).unwrap();
            assert_eq!(http.get(&url, None).await.unwrap_err().code, code, "{to}");
        }
        let came = tokio::time::timeout(Duration::from_millis(10), private.accept()).await;
        assert!(came.is_err(), "somebody came");
    }
}
