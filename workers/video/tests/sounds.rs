//! Copies of sound alone, to be played by one person.

mod support;

use lazaret_sandbox::{Name, Pool, PoolConfig, RenditionSpec};
use std::fs;
use support::*;

const TONE: &str = "-f lavfi -i sine=frequency=440:duration=3 -metadata title=secret";

fn played() -> RenditionSpec {
    RenditionSpec::Played { max_edge: 200, by: Name::new("ann") }
}

/// How often a second the sound swings, and how loud it is at its loudest (of 32,767), in the middle second of three.
fn heard(studio: &Studio, bytes: &[u8]) -> (usize, u16) {
    fs::write(studio.path("copy"), bytes).unwrap();
    let raw = studio.make("copy.raw", "-i copy -ac 1 -ar 16000 -f s16le");
    let (samples, _) = raw.as_chunks::<2>();
    let samples: Vec<i16> = samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    let middle = &samples[16_000..32_000];
    let swings = middle.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    (swings, middle.iter().map(|sample| sample.unsigned_abs()).max().unwrap())
}

#[tokio::test]
async fn sound_of_any_kind_is_played_as_aac_and_nothing_else_of_the_file_is_there() {
    let (pool, studio) = (pool(), Studio::new());
    for (name, media_type, coding) in [
        ("a.mp3", "audio/mpeg", "-c:a libmp3lame"),
        ("a.ogg", "audio/ogg", "-c:a libvorbis"),
        ("a.opus", "audio/opus", "-c:a libopus"),
        ("a.wav", "audio/wav", "-c:a pcm_s16le"),
        ("a.m4a", "audio/mp4", "-c:a aac"),
        ("a.mka", "audio/x-matroska", "-c:a flac"),
        // Alone in what films come in.
        ("a.mp4", "video/mp4", "-c:a aac"),
        ("a.webm", "video/webm", "-c:a libopus"),
    ] {
        let file = studio.make(name, &format!("{TONE} {coding}"));
        assert!(holds(&file, b"secret"), "{name}");
        let (made, bytes) =
            render(&pool, &file, media_type, played()).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((made.media_type.as_str(), made.note.as_str()), ("audio/mp4", "re-encoded"), "{name}");
        assert!(!holds(&bytes, b"secret"), "{name}");
        let probe = studio.probe(&bytes, "-show_entries stream=codec_type,codec_name");
        assert!(probe.contains("codec_name=aac") && !probe.contains("video"), "{name}: {probe}");
        let (swings, loudest) = heard(&studio, &bytes);
        assert!((435..=445).contains(&swings), "{name}: {swings} a second");
        // A sine of FFmpeg's is an eighth of the loudest.
        assert!((3_000..6_000).contains(&loudest), "{name}: {loudest}");
    }
    is_well(&pool, &studio).await;
}

#[tokio::test]
async fn sound_that_is_aac_already_is_encoded_anew() {
    let (pool, studio) = (pool(), Studio::new());
    let file = studio.make("a.m4a", &format!("{TONE} -c:a aac -b:a 64k"));
    let (_, bytes) = render(&pool, &file, "audio/mp4", played()).await.unwrap();
    let sizes = |bytes: &[u8]| studio.probe(bytes, "-show_entries packet=size");
    assert_ne!(sizes(&bytes), sizes(&file));
}

/// Its cover is a track of pictures, and no film.
#[tokio::test]
async fn sound_with_a_cover_is_played_without() {
    let (pool, studio) = (pool(), Studio::new());
    studio.make("cover.png", "-f lavfi -i color=red:size=64x64 -frames:v 1");
    let file = studio.make(
        "a.mp3",
        "-f lavfi -i sine=frequency=440:duration=3 -i cover.png -map 0 -map 1 -c:a libmp3lame -c:v copy \
         -disposition:v attached_pic",
    );
    let (made, bytes) = render(&pool, &file, "audio/mpeg", played()).await.unwrap();
    assert_eq!(made.note, "re-encoded: without its cover picture");
    let probe = studio.probe(&bytes, "-show_entries stream=codec_type");
    assert_eq!(probe.trim(), "codec_type=audio");
}

#[tokio::test]
async fn what_is_not_heard_of_it_is_told() {
    let (pool, studio) = (pool(), Studio::new());
    let two =
        "-f lavfi -i sine=frequency=440:duration=3 -f lavfi -i sine=frequency=880:duration=3 -map 0 -map 1";
    let two = studio.make("two.m4a", &format!("{two} -c:a aac"));
    let (made, bytes) = render(&pool, &two, "audio/mp4", played()).await.unwrap();
    assert_eq!(made.note, "re-encoded: one of its 2 tracks alone");
    assert!((435..=445).contains(&heard(&studio, &bytes).0), "the first");
    // A film that is called sound is not taken for sound.
    let film = studio.make(
        "a.m4a",
        "-f lavfi -i testsrc2=size=64x48:duration=1 -f lavfi -i sine=duration=1 -f ipod -c:v libx264",
    );
    for (spec, code) in [
        (played(), "media.pictures"),
        (RenditionSpec::Original, "video.unsupported"),
        (RenditionSpec::Watermarked, "video.unsupported"),
    ] {
        let trouble = render(&pool, &film, "audio/mp4", spec).await.unwrap_err();
        assert_eq!(trouble.code(), code);
    }
    is_well(&pool, &studio).await;
}

#[tokio::test]
async fn what_is_damaged_is_played_as_far_as_it_can_be() {
    let (pool, studio) = (pool(), Studio::new());
    let whole = studio.make("a.mp3", &format!("{TONE} -c:a libmp3lame"));
    let mut damaged = whole.clone();
    let middle = damaged.len() * 4 / 5;
    damaged[middle..middle + 400].fill(0xaa);
    for file in [&damaged, &whole[..whole.len() * 4 / 5].to_vec()] {
        let (_, bytes) = render(&pool, file, "audio/mpeg", played()).await.unwrap();
        assert!((435..=445).contains(&heard(&studio, &bytes).0));
    }
}

#[tokio::test]
async fn what_cannot_be_heard_says_why() {
    let (pool, studio) = (pool(), Studio::new());
    let refused = async |file: &[u8], media_type: &str| {
        let trouble = render(&pool, file, media_type, played()).await.unwrap_err();
        trouble.code().to_owned()
    };
    let text = b"The quick brown fox jumps over the lazy dog.".repeat(50);
    for media_type in ["audio/mpeg", "audio/ogg", "audio/wav", "audio/mp4", "audio/x-matroska"] {
        assert_eq!(refused(&text, media_type).await, "media.undecodable", "{media_type}");
    }
    let rare = studio.make("rare.wav", &format!("{TONE} -c:a adpcm_ms"));
    assert_eq!(refused(&rare, "audio/wav").await, "video.unsupported");
    let wav = studio.make("a.wav", TONE);
    let slow = studio.make("slow.wav", "-f lavfi -i sine=frequency=440:duration=3 -ar 2000");
    assert_eq!(refused(&slow, "audio/wav").await, "video.unsupported");
    assert_eq!(refused(&wav, "audio/flac").await, "video.unsupported");
    let tight = Pool::new(PoolConfig { max_output_bytes: 9_000, ..config() });
    let trouble = render(&tight, &wav, "audio/wav", played()).await.unwrap_err();
    assert_eq!(trouble.code(), "child.output");
    // Nor is it published.
    for spec in
        [RenditionSpec::Original, RenditionSpec::Watermarked, RenditionSpec::Thumbnail { max_edge: 9 }]
    {
        let trouble = render(&pool, &wav, "audio/wav", spec).await.unwrap_err();
        assert_eq!(trouble.code(), "video.unsupported", "{spec:?}");
    }
    is_well(&pool, &studio).await;
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
