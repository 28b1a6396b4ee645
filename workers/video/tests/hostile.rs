//! Films that are damaged, lie, or are none.

mod support;

use lazaret_sandbox::{Confinement, FilmRequest, Layer, Pool, PoolConfig, Trouble};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use std::fs;
use std::net::TcpListener;
use support::*;

fn refusal(trouble: &Trouble) -> &str {
    match trouble {
        Trouble::Undecodable(why) => &why.code,
        other => panic!("no clean refusal: {other}"),
    }
}

/// The place of `wanted`, which is there.
fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

#[tokio::test]
async fn damaged_packets_are_a_gap() {
    let (pool, studio) = (pool(), Studio::new());
    let mut clip = studio.clip(6, 25);
    let data = find(&clip, b"mdat") + 4;
    let end = clip.len();
    for byte in clip[data..end].iter_mut().skip(2_000).step_by(97) {
        *byte ^= 0x5a;
    }
    let (film, _) = film(&pool, &clip, "video/mp4").await;
    match film {
        Ok(film) => assert_eq!(code(&film.coverage), "corrupt"),
        Err(trouble) => assert_eq!(refusal(&trouble), "media.undecodable"),
    }
    is_well(&pool, &studio).await;
}

#[tokio::test]
async fn a_film_that_is_cut_off_is_a_gap() {
    let (pool, studio) = (pool(), Studio::new());
    let whole = studio.make(
        "front.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -c:v libx264 -g 25 -pix_fmt yuv420p -movflags +faststart",
    );
    let (film, shots) = film(&pool, &whole[..whole.len() / 2], "video/mp4").await;
    assert!(!shots.is_empty());
    assert_ne!(code(&film.unwrap().coverage), "complete");
}

#[tokio::test]
async fn sizes_may_change_in_the_middle_and_all_is_seen() {
    let (pool, studio) = (pool(), Studio::new());
    let coded = "-c:v libx264 -g 25 -bf 0 -pix_fmt yuv420p";
    let mut joined = Vec::new();
    for (name, size) in [("a.h264", "320x180"), ("b.h264", "160x240")] {
        let source = format!("-f lavfi -i testsrc2=size={size}:rate=25:duration=3 {coded}");
        joined.extend(studio.make(name, &source));
    }
    fs::write(studio.path("joined.h264"), joined).unwrap();
    let clip = studio.make("joined.mkv", "-fflags +genpts -framerate 25 -i joined.h264 -c copy");
    let (film, shots) = film(&pool, &clip, "video/x-matroska").await;
    let film = film.unwrap();
    assert!(film.coverage.is_complete(), "{:?}", film.coverage);
    assert!(shots.iter().any(|shot| shot.at_ms > 4_000));
}

#[tokio::test]
async fn another_codec_from_the_middle_on_is_a_gap() {
    let (pool, studio) = (pool(), Studio::new());
    let source = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3";
    let pieces = "-movflags frag_keyframe+empty_moov+default_base_moof";
    let first = studio.make("a.mp4", &format!("{source} -c:v libx264 -g 25 -pix_fmt yuv420p {pieces}"));
    let second = studio.make("b.mp4", &format!("{source} -c:v mpeg4 -g 25 {pieces}"));
    let fragments = find(&second, b"moof") - 4;
    let spliced = [&first[..], &second[fragments..]].concat();
    let (film, _) = film(&pool, &spliced, "video/mp4").await;
    let film = film.unwrap();
    assert!(["corrupt", "timestamps", "gap"].contains(&code(&film.coverage)), "{:?}", film.coverage);
    is_well(&pool, &studio).await;
}

#[tokio::test]
async fn sound_alone_nothing_at_all_and_no_film_are_refused() {
    let (pool, studio) = (pool(), Studio::new());
    let sound = studio.make("sound.mp4", "-f lavfi -i sine=duration=1 -c:a aac");
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("sound", sound, "video.none"),
        ("empty", Vec::new(), "media.undecodable"),
        ("zeros", vec![0; 4096], "media.undecodable"),
        ("text", b"once upon a time".repeat(100), "media.undecodable"),
    ];
    for (name, bytes, expected) in cases {
        let (film, shots) = film(&pool, &bytes, "video/mp4").await;
        assert_eq!((refusal(&film.unwrap_err()), shots.len()), (expected, 0), "{name}");
    }
    let (film, _) = film(&pool, &studio.clip(1, 25), "video/x-msvideo").await;
    assert_eq!(refusal(&film.unwrap_err()), "video.unsupported");
    // The right file under the wrong name of a container.
    let (film, _) = support::film(&pool, &studio.clip(1, 25), "video/webm").await;
    assert_eq!(refusal(&film.unwrap_err()), "media.undecodable");
}

/// Players that follow an edit list do not show what it passes over, and others do.
#[tokio::test]
async fn what_an_edit_list_hides_is_seen() {
    let (pool, studio) = (pool(), Studio::new());
    studio.make(
        "whole.mp4",
        "-f lavfi -i color=gray:size=320x180:rate=25:duration=8 -vf drawbox=t=fill:color=red:enable='lt(t,3)' \
         -c:v libx264 -pix_fmt yuv420p -g 500 -bf 0 -sc_threshold 0",
    );
    let hidden = studio.make("hidden.mp4", "-ss 3.5 -i whole.mp4 -c copy");
    assert!(
        studio.probe(&hidden, "-show_entries format=duration").contains("duration=4."),
        "it has an edit list"
    );
    let (film, shots) = film(&pool, &hidden, "video/mp4").await;
    assert!(film.unwrap().coverage.is_complete());
    let red = shots.iter().filter(|shot| colour(shot)[0] > colour(shot)[1] + 60.0).count();
    assert!(red > 0, "{:?}", shots.iter().map(|shot| shot.at_ms).collect::<Vec<_>>());
}

#[tokio::test]
async fn times_that_are_all_the_same_are_not_trusted() {
    let (pool, studio) = (pool(), Studio::new());
    let mut clip = studio.clip(6, 250);
    // The duration of every frame, behind version, flags and counts (ISO/IEC 14496-12, 8.6.1.2).
    let table = find(&clip, b"stts");
    clip[table + 16..table + 20].fill(0);
    let (film, _) = film(&pool, &clip, "video/mp4").await;
    assert_eq!(code(&film.unwrap().coverage), "timestamps");
}

#[tokio::test]
async fn times_that_run_backwards_are_not_trusted() {
    let (pool, studio) = (pool(), Studio::new());
    let mut clip = studio.make(
        "back.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=8 -c:v libx264 -g 25 -bf 0 -pix_fmt yuv420p \
         -cluster_time_limit 1000",
    );
    // Clusters' times stand in an element E7 of two bytes, once they are more than 255 ms.
    let places: Vec<usize> =
        (0..clip.len() - 4).filter(|at| clip[*at..].starts_with(b"\xe7\x82")).map(|at| at + 2).collect();
    assert!(places.len() > 5, "{places:?}");
    let (a, b) = (places[1], places[4]);
    let (first, second) = ([clip[a], clip[a + 1]], [clip[b], clip[b + 1]]);
    clip[a..a + 2].copy_from_slice(&second);
    clip[b..b + 2].copy_from_slice(&first);
    let (film, _) = film(&pool, &clip, "video/x-matroska").await;
    assert_eq!(code(&film.unwrap().coverage), "timestamps");
}

#[tokio::test]
async fn frames_that_are_too_large_are_not_decoded() {
    let (pool, studio) = (pool(), Studio::new());
    let mut session = open(&pool, &studio.clip(2, 25), "video/mp4").await;
    let small = FilmRequest { max_pixels: 320 * 180 - 1, ..request() };
    let (film, shots) = look(&mut session, &small, usize::MAX).await;
    assert!(shots.is_empty());
    let trouble = film.unwrap_err();
    assert!(["limit.pixels", "media.undecodable"].contains(&refusal(&trouble)), "{trouble}");
    let (film, _) = look(&mut session, &request(), usize::MAX).await;
    assert!(film.unwrap().coverage.is_complete());
}

#[tokio::test]
async fn what_nobody_looks_at_is_a_gap() {
    let (pool, studio) = (pool(), Studio::new());
    let two = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -f lavfi -i color=red:size=160x90:duration=2 \
               -map 0 -map 1 -c:v libx264 -pix_fmt yuv420p";
    let (film, _) = film(&pool, &studio.make("two.mp4", two), "video/mp4").await;
    assert_eq!(code(&film.unwrap().coverage), "unseen");
}

/// Playlists and the like make FFmpeg open other files and connect to addresses, if it may.
#[tokio::test]
async fn a_text_that_names_other_files_opens_none_and_connects_to_nothing() {
    let studio = Studio::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    // Whoever opens it to read waits there, and can be found waiting.
    let pipe = studio.path("pipe.mp4");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let path = pipe.display();
    let texts = [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXTINF:9,\nhttp://{address}/a.ts\n"),
        format!("ffconcat version 1.0\nfile '{path}'\nfile 'http://{address}/a.mp4'\n"),
        format!(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
            address.port()
        ),
        format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>http://{address}/</BaseURL></MPD>"
        ),
    ];
    // Also where no layer of the sandbox would stop it.
    let free = Confinement::Without(vec![Layer::Landlock, Layer::Seccomp]);
    for confinement in [Confinement::Enforced, free] {
        let pool = Pool::new(PoolConfig { confinement, ..config() });
        for text in &texts {
            for media_type in ["video/mp4", "video/webm"] {
                let (film, _) = film(&pool, text.as_bytes(), media_type).await;
                assert_eq!(refusal(&film.unwrap_err()), "media.undecodable", "{text}");
            }
        }
        is_well(&pool, &studio).await;
    }
    let reader = rustix::fs::open(&pipe, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty());
    assert_eq!(reader.err(), Some(rustix::io::Errno::NXIO), "somebody reads the pipe");
    assert!(listener.accept().is_err(), "somebody connected");
}

/// A film whose data lies in other files, as QuickTime allows.
#[tokio::test]
async fn data_in_other_files_is_not_fetched() {
    let (pool, studio) = (pool(), Studio::new());
    let mut clip = studio.clip(2, 25);
    let place = find(&clip, b"url \0\0\0\x01");
    // No longer in this very file.
    clip[place + 7] = 0;
    let (film, _) = film(&pool, &clip, "video/mp4").await;
    if let Ok(film) = film {
        assert!(film.frames_total <= 50);
    }
    is_well(&pool, &studio).await;
}
