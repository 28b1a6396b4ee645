//! What a player may show and nobody looks at: it is said, and no copy holds it.

mod support;

use lazaret_sandbox::{RenditionSpec, Trouble};
use support::*;

const PICTURES: &str = "-f lavfi -i testsrc2=size=160x90:rate=10:duration=2";
const CODED: &str = "-c:v libx264 -pix_fmt yuv420p";

/// Kinds of all tracks.
fn tracks(studio: &Studio, bytes: &[u8]) -> String {
    studio.probe(bytes, "-show_entries stream=codec_type:stream_disposition=attached_pic").replace('\n', " ")
}

#[tokio::test]
async fn covers_subtitles_that_are_drawn_and_further_pictures_are_told_and_not_copied() {
    let (pool, studio) = (pool(), Studio::new());
    studio.make("cover.jpg", "-f lavfi -i color=red:size=64x64 -frames:v 1");
    std::fs::write(studio.path("said.srt"), "1\n00:00:00,000 --> 00:00:01,000\nA word.\n").unwrap();
    for (name, media_type, arguments) in [
        (
            "cover.mp4",
            "video/mp4",
            format!(
                "{PICTURES} -i cover.jpg -map 0 -map 1 {CODED} -c:v:1 copy -disposition:v:1 attached_pic"
            ),
        ),
        ("second.mkv", "video/x-matroska", format!("{PICTURES} {PICTURES} -map 0 -map 1 {CODED}")),
        // Text is drawn on pictures first, of which these subtitles are made.
        ("drawn.mkv", "video/x-matroska", format!("{PICTURES} -i drawn.sup -map 0 -map 1 {CODED} -c:s copy")),
    ] {
        std::fs::write(studio.path("drawn.sup"), drawn()).unwrap();
        let clip = studio.make(name, &arguments);
        let (looked, _) = film(&pool, &clip, media_type).await;
        assert_eq!(code(&looked.unwrap().coverage), "unseen", "{name}");
        for spec in [RenditionSpec::Original, RenditionSpec::Watermarked] {
            let (_, copy) = render(&pool, &clip, media_type, spec).await.unwrap();
            assert_eq!(
                tracks(&studio, &copy).trim(),
                "codec_type=video DISPOSITION:attached_pic=0",
                "{name}"
            );
        }
    }
    // Subtitles of text are no pictures; they are not copied either.
    let clip = studio.make("told.mp4", &format!("{PICTURES} -i said.srt {CODED} -c:s mov_text"));
    let (looked, _) = film(&pool, &clip, "video/mp4").await;
    assert!(looked.unwrap().coverage.is_complete());
    let (_, copy) = render(&pool, &clip, "video/mp4", RenditionSpec::Original).await.unwrap();
    assert!(!tracks(&studio, &copy).contains("subtitle"));
}

/// A subtitle as discs have them (PGS): one that clears the screen.
fn drawn() -> Vec<u8> {
    let segment = |at: u32, kind: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&b"PG"[..], &at.to_be_bytes(), &[0; 4], &[kind], &length, body].concat()
    };
    let clears = |at, number| {
        let screen = [0, 160, 0, 90, 0x10, 0, number, 0x80, 0, 0, 0];
        [
            segment(at, 0x16, &screen),
            segment(at, 0x17, &[1, 0, 0, 0, 0, 0, 0, 0, 160, 0]),
            segment(at, 0x80, &[]),
        ]
        .concat()
    };
    [clears(0, 0), clears(90_000, 1)].concat()
}

/// VP9 has its transparency as a second picture beside each one (BlockAdditions).
#[tokio::test]
async fn transparency_is_told_and_not_copied() {
    let (pool, studio) = (pool(), Studio::new());
    let source =
        "-f lavfi -i testsrc2=size=160x90:rate=10:duration=2,format=yuva420p,colorchannelmixer=aa=0.5";
    let clip = studio
        .make("a.webm", &format!("{source} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 0"));
    assert!(studio.probe(&clip, "-show_entries stream_tags").to_lowercase().contains("alpha_mode=1"));
    let (looked, _) = film(&pool, &clip, "video/webm").await;
    assert_eq!(code(&looked.unwrap().coverage), "unseen");
    let (_, copy) = render(&pool, &clip, "video/webm", RenditionSpec::Original).await.unwrap();
    assert!(!studio.probe(&copy, "-show_entries stream_tags").to_lowercase().contains("alpha_mode"));
    let addition = [0x75, 0xa1];
    let has = |bytes: &[u8]| bytes.windows(2).filter(|window| *window == addition).count();
    assert!(has(&clip) >= 20 && has(&copy) < 5, "{} and {}", has(&clip), has(&copy));
    // Formats that hold it themselves.
    let clip = studio.make("b.mov", &format!("{source} -c:v prores_ks -profile:v 4444"));
    let (looked, _) = film(&pool, &clip, "video/quicktime").await;
    assert_eq!(code(&looked.unwrap().coverage), "alpha");
}

/// FFmpeg knows some hundreds of decoders, most of them rarely used and little looked after.
#[tokio::test]
async fn rare_decoders_are_not_run() {
    let (pool, studio) = (pool(), Studio::new());
    for (name, media_type, codec) in [
        ("a.mov", "video/quicktime", "cinepak -s 64x48"),
        ("b.mov", "video/quicktime", "qtrle"),
        ("c.mkv", "video/x-matroska", "huffyuv"),
        ("d.mkv", "video/x-matroska", "flv1"),
    ] {
        let clip = studio.make(name, &format!("{PICTURES} -c:v {codec}"));
        let (looked, shots) = film(&pool, &clip, media_type).await;
        assert!(shots.is_empty());
        assert!(
            matches!(&looked, Err(Trouble::Undecodable(why)) if why.code == "video.unsupported"),
            "{name}: {looked:?}"
        );
    }
}
