//! Texts that make media players open other files and connect elsewhere, given to the child as whatever an uploader
//! calls them: nothing is opened, nobody is called, and no child even tries, for that would end it.

mod support;

use rustix::fs::inotify;
use std::fs::File;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::path::Path;
use support::*;

/// A file that tells when it is touched, and an address that tells when it is called.
struct Canary {
    folder: tempfile::TempDir,
    watch: rustix::fd::OwnedFd,
    listener: TcpListener,
}

impl Canary {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("canary.ts"), "tweet").unwrap();
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
        let touched = inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS;
        inotify::add_watch(&watch, folder.path(), touched).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { folder, watch, listener }
    }

    fn file(&self) -> String {
        self.folder.path().join("canary.ts").display().to_string()
    }

    fn url(&self) -> String {
        format!("http://{}/canary.ts", self.listener.local_addr().unwrap())
    }

    /// Whether it was opened, and whether it was called, since it was last asked.
    fn sang(&self) -> (bool, bool) {
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.watch, &mut space);
        let mut opened = false;
        while events.next().is_ok() {
            opened = true;
        }
        let called = match self.listener.accept() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        };
        (opened, called)
    }

    fn texts(&self) -> Vec<(&'static str, String)> {
        let (file, url) = (self.file(), self.url());
        let sdp = format!(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {} RTP/AVP 96\n",
            self.listener.local_addr().unwrap().port()
        );
        vec![
            ("HLS", format!("#EXTM3U\n#EXTINF:1,\nfile://{file}\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n")),
            ("ffconcat", format!("ffconcat version 1.0\nfile '{file}'\nfile '{url}'\n")),
            (
                "DASH",
                format!(
                    "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>{url}</BaseURL>\
                     <Period><AdaptationSet><Representation><BaseURL>file://{file}</BaseURL></Representation>\
                     </AdaptationSet></Period></MPD>"
                ),
            ),
            ("SDP", sdp),
            (
                "SVG",
                format!(
                    "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file://{file}\">]>\
                     <svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">\
                     <image xlink:href=\"{url}\"/><image href=\"file://{file}\"/><text>&x;</text></svg>"
                ),
            ),
        ]
    }
}

#[tokio::test]
async fn texts_that_name_other_files_open_and_call_nothing() {
    let canary = Canary::new();
    let pool = pool();
    for (format, text) in canary.texts() {
        for media_type in [
            "video/mp4",
            "image/jpeg",
            "image/png",
            "image/svg+xml",
            "application/vnd.apple.mpegurl",
            "application/dash+xml",
            "text/plain",
        ] {
            let mut session = open(&pool, text.as_bytes(), media_type).await;
            let codes = [
                session.walk().await.map(|_| ()).err(),
                look(&mut session, &request()).await.0.map(|_| ()).err(),
                session
                    .render(&lazaret_sandbox::RenditionSpec::Original, &mut Vec::new())
                    .await
                    .map(|_| ())
                    .err(),
            ];
            for trouble in codes.into_iter().flatten() {
                assert_ne!(trouble.code(), "child.forbidden", "{format} as {media_type}");
            }
            assert_eq!(canary.sang(), (false, false), "{format} as {media_type}");
        }
    }
    is_well(&pool).await;

    // The canary does sing.
    File::open(Path::new(&canary.file())).unwrap();
    std::net::TcpStream::connect(canary.listener.local_addr().unwrap()).unwrap();
    assert_eq!(canary.sang(), (true, true));
}
