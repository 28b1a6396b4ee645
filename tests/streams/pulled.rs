//! Streams whose frames are fetched: real publishers, the real executables, a model that fires on red.

use crate::{
    red::{SETTINGS, open, prepare},
    server::Server,
    site::Site,
    sources::{CLIP, LIVE, Page, Publisher, Web, film, free_port},
    wait::until,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{process::Command, time::Duration};

/// Sources of this machine may be asked, and are not waited for long: one that fails at once is tried again after one second,
/// three and seven, and then given up. With any more patience that would be eight seconds later.
pub const PULLING: &str = r#"
pull_private = ["127.0.0.1"]
pull_stall = "3s"
pull_patience = "7s"
pulls = 2
"#;

/// The same, so many at a time: most of following them is waiting.
pub fn pulling(pulls: usize) -> String {
    PULLING.replace("pulls = 2", &format!("pulls = {pulls}"))
}

/// Five frames a second, at most.
fn tuning() -> Value {
    json!({ "fastest": "200ms", "slowest": "200ms" })
}

pub async fn site(settings: &str) -> (Site, Server) {
    site_with(settings, |_| {}).await
}

/// Whose process is started in another way.
pub async fn site_with(settings: &str, changed: impl FnOnce(&mut Command)) -> (Site, Server) {
    let site = Site::new(&format!("{SETTINGS}{settings}"));
    site.hold_clamd_down();
    let key = prepare(&site).await;
    let mut command = site.command();
    command.arg("serve");
    changed(&mut command);
    let server = Server::run(command, &key).await;
    (site, server)
}

pub async fn show(server: &Server, id: &str) -> Value {
    let asked = server.client.get(format!("{}/v1/streams/{id}", server.url)).bearer_auth(&server.key);
    asked.send().await.unwrap().json().await.unwrap()
}

pub async fn pulled(server: &Server, source: &str) -> String {
    open(server, json!({ "source": source, "tuning": tuning() })).await.0
}

/// How it stands, each time that it is another way, until it is closed; and how it ended.
pub async fn followed(server: &Server, id: &str) -> (Vec<(String, String, Timestamp)>, Value) {
    let mut all: Vec<(String, String, Timestamp)> = Vec::new();
    let last = until("the stream closes", async || {
        let view = show(server, id).await;
        let text = |name: &str| view[name].as_str().unwrap().to_owned();
        let stands = (text("decision"), text("reason"), text("since").parse().unwrap());
        if all.last().is_none_or(|last| (&last.0, &last.1) != (&stands.0, &stands.1)) {
            all.push(stands);
        }
        if view["open"] == false { Ok(view) } else { Err(format!("{view} {all:?}")) }
    })
    .await;
    (all, last)
}

/// Passed, cut in the middle within the deadline, and cleared.
pub fn assert_cut_and_cleared(followed: &(Vec<(String, String, Timestamp)>, Value)) {
    assert_cut_with_failures(followed, 0);
}

/// The same, where so many frames may fail.
pub fn assert_cut_with_failures((all, last): &(Vec<(String, String, Timestamp)>, Value), most: u64) {
    let decisions: Vec<_> = all.iter().map(|(decision, ..)| decision.as_str()).collect();
    assert_eq!(decisions[..4], ["warn", "pass", "cut", "pass"], "{all:?} {last}");
    let since = |n: usize| all[n].2;
    let after = |from: usize, to: usize| since(to).duration_since(since(from)).as_secs_f64();
    // Four seconds of each, and the deadline is five.
    assert!((2.0..9.0).contains(&after(1, 2)), "{all:?}");
    assert!((2.0..9.0).contains(&after(2, 3)), "{all:?}");
    assert_eq!(last["pull"]["state"], "ended", "{last}");
    assert!(last["counts"]["judged"].as_u64().unwrap() > 20, "{last}");
    assert!(last["counts"]["failed"].as_u64().unwrap() <= most, "{last}");
}

#[tokio::test]
async fn a_clip_published_over_rtmp_is_cut_and_cleared() {
    // The fourth try is at seven seconds, when its publisher is there.
    let (site, server) = site(&PULLING.replace("7s", "8s")).await;
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &LIVE);
    let url = format!("rtmp://127.0.0.1:{}/live/a-secret-name", free_port());
    let stream = pulled(&server, &url).await;
    // Nobody is there yet.
    until("it is tried again", async || {
        let view = show(&server, &stream).await;
        if view["pull"]["trouble"]["code"] == "source.unreachable" { Ok(()) } else { Err(view) }
    })
    .await;
    let publishing = ["-re", "-i", clip.to_str().unwrap(), "-c", "copy", "-f", "flv", "-listen", "1", &url];
    let _publisher = Publisher::start(&publishing);
    let followed = followed(&server, &stream).await;
    assert_cut_and_cleared(&followed);
    assert!(!followed.1.to_string().contains("secret"), "{}", followed.1);
    assert!(!server.log().join("\n").contains("a-secret-name"));
    let kept = walkdir::WalkDir::new(site.data(""))
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file());
    for file in kept {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        assert!(memchr::memmem::find(&bytes, b"a-secret-name").is_none(), "{}", file.path().display());
    }
    server.kill().await;
}

#[tokio::test]
async fn a_clip_published_as_hls_is_cut_and_cleared() {
    let (site, server) = site(PULLING).await;
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &LIVE);
    let web = Web::start().await;
    std::fs::create_dir(site.path("hls")).unwrap();
    web.put("/live/", Page::File(site.path("hls")));
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=320x180\nlive/index.m3u8\n";
    web.put("/master.m3u8", Page::Bytes(master.into()));
    let url = web.put("/elsewhere.m3u8", Page::Redirect("/master.m3u8".into()));
    let index = site.path("hls/index.m3u8");
    let publishing = ["-re", "-i", clip.to_str().unwrap(), "-c", "copy", "-f", "hls", "-hls_time", "1"];
    let _publisher =
        Publisher::start(&[&publishing[..], &["-hls_list_size", "4", index.to_str().unwrap()]].concat());
    let stream = pulled(&server, &url).await;
    assert_cut_and_cleared(&followed(&server, &stream).await);
}

/// Fragmented MP4 with its head named beside it, and a stream as one long answer.
#[tokio::test]
async fn other_packings_are_read_too() {
    let (site, server) = site(PULLING).await;
    let web = Web::start().await;
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &LIVE);
    let clip = clip.to_str().unwrap();
    std::fs::create_dir(site.path("hls")).unwrap();
    let index = site.path("hls/index.m3u8");
    let fragments = ["-i", clip, "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "2"];
    crate::sources::ffmpeg(&[&fragments[..], &["-hls_list_size", "0", index.to_str().unwrap()]].concat());
    web.put("/vod/", Page::File(site.path("hls")));
    let vod = pulled(&server, &format!("http://{}/vod/index.m3u8", web.address)).await;
    let (_, flv) = film(&site.path(""), "clip.flv", CLIP, &LIVE);
    let flv = pulled(&server, &web.put("/clip.flv", Page::Bytes(flv))).await;
    let (vod, flv) = tokio::join!(followed(&server, &vod), followed(&server, &flv));
    assert_cut_and_cleared(&vod);
    assert_cut_and_cleared(&flv);
}

/// What a stream was told to be, in order, and that it was closed: kinds and what they say, as the audit log has them.
async fn recorded(site: &Site, id: &str) -> Vec<(String, String)> {
    let (path, id) = (site.data("lazaret.db"), id.to_owned());
    // On a thread of its own, for it may wait for the service's transactions.
    let read = move || {
        let store = rusqlite::Connection::open(path).unwrap();
        let sql = "SELECT action, detail FROM audit WHERE subject = ?1 ORDER BY sequence";
        let mut statement = store.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let rows = statement.query_map([id], read).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// Whoever heard that it passes hears that nobody watches it any more.
#[tokio::test]
async fn a_source_that_ends_leaves_no_pass_behind() {
    let (site, server) = site(PULLING).await;
    let web = Web::start().await;
    let (_, grey) = film(&site.path(""), "grey.ts", "color=0x5a5a5a:s=320x180:r=10:d=4", &LIVE);
    let stream = pulled(&server, &web.put("/grey.ts", Page::Bytes(grey))).await;
    let (all, last) = followed(&server, &stream).await;
    assert!(all.iter().any(|(decision, ..)| decision == "pass"), "{all:?}");
    assert_eq!((&last["pull"]["state"], &last["reason"]), (&"ended".into(), &"unwatched".into()), "{last}");
    let recorded = recorded(&site, &stream).await;
    let kinds: Vec<_> = recorded.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["stream.opened", "stream.cleared", "stream.warned", "stream.closed"], "{recorded:?}");
    assert!(recorded[2].1.contains("unwatched"), "{recorded:?}");
    server.kill().await;
}

/// A publisher who comes back is watched again.
#[tokio::test]
async fn an_rtmp_publisher_may_come_back() {
    let (site, server) = site(&PULLING.replace("7s", "30s")).await;
    let (clip, _) = film(&site.path(""), "grey.mp4", "color=0x5a5a5a:s=320x180:r=10:d=3", &LIVE);
    let url = format!("rtmp://127.0.0.1:{}/live/x", free_port());
    let publishing = ["-re", "-i", clip.to_str().unwrap(), "-c", "copy", "-f", "flv", "-listen", "1", &url];
    let stream = pulled(&server, &url).await;
    let mut judged = 0;
    for _ in 0..2 {
        let _publisher = Publisher::start(&publishing);
        until("its frames are judged", async || {
            let view = show(&server, &stream).await;
            let more = view["counts"]["judged"].as_u64().unwrap() > judged;
            if more && view["pull"]["state"] == "reading" { Ok(()) } else { Err(view) }
        })
        .await;
        until("it is waited for", async || {
            let view = show(&server, &stream).await;
            judged = view["counts"]["judged"].as_u64().unwrap();
            if view["pull"]["state"] == "waiting" { Ok(()) } else { Err(view) }
        })
        .await;
    }
    let url = format!("{}/v1/streams/{stream}", server.url);
    server.client.delete(url).bearer_auth(&server.key).send().await.unwrap();
    server.kill().await;
}

/// One that is not there, by the playlist's own word or without a word, is a frame at least that nobody saw.
#[tokio::test]
async fn segments_that_are_left_out_are_counted() {
    let (site, server) = site(PULLING).await;
    let web = Web::start().await;
    let (_, grey) = film(&site.path(""), "grey.ts", "color=0x5a5a5a:s=320x180:r=10:d=2", &LIVE);
    web.put("/grey.ts", Page::Bytes(grey));
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\ngrey.ts\n#EXT-X-GAP\ngap.ts\nmissing.ts\n#EXT-X-DISCONTINUITY\n\
        grey.ts\n#EXT-X-ENDLIST\n";
    let stream = pulled(&server, &web.put("/gaps.m3u8", Page::Bytes(list.into()))).await;
    let (_, last) = followed(&server, &stream).await;
    assert_eq!((&last["pull"]["state"], &last["counts"]["lost"]), (&"ended".into(), &2.into()), "{last}");
    assert!(!web.asked.lock().unwrap().iter().any(|path| path == "/gap.ts"));
    server.kill().await;
}

/// Under a key that is fetched as segments are; with what encryption begins with in the playlist, and without.
#[tokio::test]
async fn encrypted_segments_are_opened() {
    let (site, server) = site(PULLING).await;
    let web = Web::start().await;
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &LIVE);
    let key = site.write("key", b"sixteen bytes ok");
    web.put("/key", Page::File(key.clone()));
    let mut streams = Vec::new();
    for (name, begin) in [("told", "\n00112233445566778899aabbccddeeff"), ("counted", "")] {
        let info = format!("/key\n{}{begin}\n", key.display());
        let info = site.write(&format!("{name}.info"), info.as_bytes());
        let index = site.write(&format!("{name}/index.m3u8"), b"");
        let arguments = [
            "-i",
            clip.to_str().unwrap(),
            "-c",
            "copy",
            "-f",
            "hls",
            "-hls_time",
            "2",
            "-start_number",
            "300",
        ];
        let more =
            ["-hls_list_size", "0", "-hls_key_info_file", info.to_str().unwrap(), index.to_str().unwrap()];
        crate::sources::ffmpeg(&[&arguments[..], &more].concat());
        web.put(&format!("/{name}/"), Page::File(site.path(name)));
        streams.push(pulled(&server, &format!("http://{}/{name}/index.m3u8", web.address)).await);
    }
    let (told, counted) = tokio::join!(followed(&server, &streams[0]), followed(&server, &streams[1]));
    assert_cut_and_cleared(&told);
    assert_cut_and_cleared(&counted);
    assert_eq!(web.asked.lock().unwrap().iter().filter(|path| *path == "/key").count(), 2, "once a stream");
    assert!(!server.log().join("\n").contains("sixteen"));
}

/// Nothing of the operator's own network is asked, whichever way it is named.
#[tokio::test]
async fn private_addresses_are_not_connected_to() {
    let (_site, server) = site("pull_patience = \"3s\"\npull_stall = \"2s\"").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let post = async |source: String| {
        let asked = server.client.post(format!("{}/v1/streams", server.url)).bearer_auth(&server.key);
        let answer = asked.json(&json!({ "source": source })).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    for address in ["127.0.0.1", "127.1", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "2130706433"] {
        for scheme in ["rtmp", "rtmps", "rtsp", "rtsps", "http", "https"] {
            let (status, problem) = post(format!("{scheme}://{address}:{port}/live/x")).await;
            let told = (status, problem["code"].as_str().unwrap_or_default());
            assert_eq!(told, (403, "stream.source_forbidden"), "{scheme} {address}");
        }
    }
    for (source, status, code) in [
        ("file:///etc/passwd".to_owned(), 501, "stream.no_source"),
        (format!("tcp://127.0.0.1:{port}"), 501, "stream.no_source"),
        ("no url".to_owned(), 400, "body.malformed"),
    ] {
        let (answered, problem) = post(source.clone()).await;
        assert_eq!((answered, problem["code"].as_str().unwrap()), (status, code), "{source}");
    }
    let mut streams = Vec::new();
    for scheme in ["rtmp", "rtsp", "http"] {
        streams.push(pulled(&server, &format!("{scheme}://localhost:{port}/live/x")).await);
    }
    for stream in streams {
        let (all, last) = followed(&server, &stream).await;
        assert_eq!(last["pull"]["trouble"]["code"], "source.private", "{last}");
        assert_eq!(last["pull"]["state"], "gave_up");
        assert!(all.iter().all(|(decision, ..)| decision == "warn"), "{all:?}");
    }
    let came = tokio::time::timeout(Duration::from_millis(10), listener.accept()).await;
    assert!(came.is_err(), "somebody came");
}

/// A playlist and a redirection of a server that may be asked lead to one that may not.
#[tokio::test]
async fn what_a_playlist_names_is_judged_as_the_source_is() {
    let (_site, server) = site(PULLING).await;
    let private = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = private.local_addr().unwrap().port();
    let web = Web::start().await;
    let list = |uri: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{uri}\n#EXT-X-ENDLIST\n").into_bytes();
    web.put("/short", Page::Bytes(b"fifteen bytes..".to_vec()));
    web.put("/inside", Page::Redirect(format!("http://127.0.0.2:{port}/c.ts")));
    for (n, (page, code)) in [
        (Page::Bytes(list(&format!("http://127.0.0.2:{port}/a.ts"))), "source.private"),
        (Page::Bytes(list("/inside")), "source.private"),
        (Page::Redirect(format!("http://127.0.0.2:{port}/b.m3u8")), "source.private"),
        (
            Page::Bytes(list(&format!("#EXT-X-MAP:URI=\"http://127.0.0.2:{port}/i\"\n/a.ts"))),
            "source.private",
        ),
        (Page::Bytes(list("file:///etc/passwd")), "source.forbidden"),
        (Page::Bytes(list("concat:/etc/passwd")), "source.forbidden"),
        (Page::Bytes(list("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n/a.ts")), "source.encrypted"),
        (Page::Bytes(list("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n/a.ts")), "source.encrypted"),
        (
            Page::Bytes(list(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"http://127.0.0.2:{port}/k\"\n/a.ts"))),
            "source.private",
        ),
        (Page::Bytes(list("#EXT-X-KEY:METHOD=AES-128,URI=\"/short\"\n/a.ts")), "source.protocol"),
    ]
    .into_iter()
    .enumerate()
    {
        let stream = pulled(&server, &web.put(&format!("/{n}.m3u8"), page)).await;
        until("it is told why", async || {
            let view = show(&server, &stream).await;
            let told = (&view["pull"]["trouble"]["code"], &view["decision"]);
            if told == (&code.into(), &"warn".into()) { Ok(()) } else { Err(format!("{n}: {view}")) }
        })
        .await;
        let url = format!("{}/v1/streams/{stream}", server.url);
        server.client.delete(url).bearer_auth(&server.key).send().await.unwrap();
    }
    let came = tokio::time::timeout(Duration::from_millis(10), private.accept()).await;
    assert!(came.is_err(), "somebody came");
}
