//! Copies for delivery, and the contact sheet.

mod support;

use lazaret_sandbox::{Name, RenditionSpec, SheetRequest, Trouble};
use support::*;

const PLACE: &str = "-metadata location=+48.1+11.5/ -metadata title=secret -metadata comment=secret";

fn film_with_sound(studio: &Studio, name: &str, codecs: &str) -> Vec<u8> {
    studio.make(
        name,
        &format!(
            "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -f lavfi -i sine=frequency=500:duration=4 {codecs} {PLACE}"
        ),
    )
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn the_original_keeps_pictures_and_sound_bit_by_bit_and_nothing_else() {
    let (pool, studio) = (pool(), Studio::new());
    for (name, media_type, codecs) in [
        ("a.mp4", "video/mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("b.mov", "video/quicktime", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("c.webm", "video/webm", "-c:v libvpx -deadline realtime -c:a libopus"),
        ("d.mkv", "video/x-matroska", "-c:v libx264 -pix_fmt yuv420p -c:a flac"),
    ] {
        let clip = film_with_sound(&studio, name, codecs);
        assert!(holds(&clip, b"secret"));
        let (made, bytes) = render(&pool, &clip, media_type, RenditionSpec::Original)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            (made.media_type.as_str(), made.width, made.height, made.frames),
            (media_type, 320, 180, 100)
        );
        assert!(!holds(&bytes, b"secret") && !holds(&bytes, b"48.1") && !holds(&bytes, b"Lavf5"), "{name}");
        // The packets are the same ones.
        let packets = |bytes: &[u8]| studio.probe(bytes, "-select_streams v -show_entries packet=size,flags");
        let (kept, sent) = (packets(&bytes), packets(&clip));
        // The first of them names the encoder and its settings, where there is a place for that.
        let named = usize::from(holds(&clip, b"x264 - core"));
        assert_eq!(frames(&kept)[named..], frames(&sent)[named..], "{name}");
        assert!(!holds(&bytes, b"x264"), "{name}");
        let sound =
            studio.probe(&bytes, "-select_streams a -count_packets -show_entries stream=nb_read_packets");
        assert!(sound.contains("nb_read_packets=") && !sound.contains("=0"), "{name}: {sound}");
        let (film, _) = film(&pool, &bytes, media_type).await;
        assert!(film.unwrap().coverage.is_complete(), "{name}");
    }
}

/// Its lines, one a packet.
fn frames(probed: &str) -> Vec<String> {
    let all: Vec<_> = probed.split("[PACKET]").map(str::trim).filter(|text| !text.is_empty()).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// User data that is written between the pictures is gone, and the pictures are the same ones.
#[tokio::test]
async fn what_stands_between_the_pictures_is_gone() {
    let (pool, studio) = (pool(), Studio::new());
    let said = "086f3693-b7b3-4f2c-9653-21492feee5b8+secret-message";
    for (name, media_type, codecs) in [
        (
            "a.mp4",
            "video/mp4",
            format!("-c:v libx264 -pix_fmt yuv420p -bsf:v h264_metadata=sei_user_data={said}"),
        ),
        (
            "b.mkv",
            "video/x-matroska",
            format!("-c:v libx264 -pix_fmt yuv420p -bsf:v h264_metadata=sei_user_data={said}"),
        ),
        ("c.mp4", "video/mp4", "-c:v mpeg4 -vtag mp4v".to_owned()),
        (
            "f.mp4",
            "video/mp4",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -tag:v hvc1".to_owned(),
        ),
        // Vorbis has a comment of its encoder's within what the container keeps for the decoder.
        (
            "e.webm",
            "video/webm",
            "-f lavfi -i sine=duration=4 -c:v libvpx -deadline realtime -b:v 300k -c:a libvorbis".to_owned(),
        ),
        ("d.mov", "video/quicktime", "-c:v mjpeg -pix_fmt yuvj420p".to_owned()),
    ] {
        let clip =
            studio.make(name, &format!("-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 {codecs}"));
        let (_, bytes) = render(&pool, &clip, media_type, RenditionSpec::Original).await.unwrap();
        for word in [&b"secret"[..], b"x264 - core", b"x265 (build", b"Lavc5", b"Lavc6"] {
            assert!(!holds(&bytes, word), "{name}: {}", String::from_utf8_lossy(word));
        }
        let sums = |bytes: &[u8], to: &str| {
            std::fs::write(studio.path("in"), bytes).unwrap();
            let sums = studio.make(to, "-i in -map 0:v -fps_mode passthrough -f framemd5");
            let text = String::from_utf8(sums).unwrap();
            text.lines()
                .filter_map(|line| Some(line.rsplit_once(',')?.1.trim().to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(sums(&bytes, "kept.md5"), sums(&clip, "sent.md5"), "{name}");
        let (made, bytes) = render(&pool, &clip, media_type, RenditionSpec::Watermarked).await.unwrap();
        assert!(made.frames >= 99 && !holds(&bytes, b"x264 - core"), "{name}");
    }
}

/// What no decoder takes might be anything.
#[tokio::test]
async fn sound_that_cannot_be_decoded_is_no_part_of_a_copy() {
    let (pool, studio) = (pool(), Studio::new());
    let sound = |bytes: &[u8]| {
        let told =
            studio.probe(bytes, "-select_streams a -count_packets -show_entries stream=nb_read_packets");
        told.trim().trim_start_matches("nb_read_packets=").parse::<u32>().unwrap()
    };
    for (name, media_type, codecs) in [
        ("a.mp4", "video/mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("b.mkv", "video/x-matroska", "-c:v libx264 -pix_fmt yuv420p -c:a flac"),
    ] {
        let whole = film_with_sound(&studio, name, codecs);
        let torn = studio.make(
            &format!("torn-{name}"),
            &format!("-i {name} -c copy -bsf:a noise=amount=if(between(n\\,20\\,29)\\,1\\,0)"),
        );
        for spec in [RenditionSpec::Original, RenditionSpec::Watermarked] {
            let (_, bytes) = render(&pool, &whole, media_type, spec).await.unwrap();
            if spec == RenditionSpec::Original {
                assert_eq!(sound(&bytes), sound(&whole), "{name}");
            }
            let (_, bytes) = render(&pool, &torn, media_type, spec).await.unwrap();
            std::fs::write(studio.path("copy"), &bytes).unwrap();
            studio.make("played.md5", "-xerror -i copy -map 0 -f framemd5");
            let (left, came) = (sound(&bytes), sound(&torn));
            // The marked copy has FLAC made AAC.
            let is_remade = name == "b.mkv" && spec != RenditionSpec::Original;
            assert!(is_remade || left < came && left + 12 > came, "{name}, {spec:?}: {left} of {came}");
        }
    }
    // Its decoder does not take what the container keeps for it.
    let mut clip = film_with_sound(&studio, "c.webm", "-c:v libvpx -deadline realtime -c:a libvorbis");
    let at = clip.windows(7).position(|bytes| bytes == b"\x05vorbis").unwrap();
    clip[at + 8..at + 40].fill(0xff);
    let made = render(&pool, &clip, "video/webm", RenditionSpec::Original).await;
    assert!(matches!(&made, Err(Trouble::Undecodable(why)) if why.code == "media.undecodable"), "{made:?}");
    is_well(&pool, &studio).await;
}

/// Filler, which is any bytes at all, and a record for the decoder that goes on behind its end.
#[tokio::test]
async fn filler_and_what_is_behind_a_record_are_gone() {
    let (pool, studio) = (pool(), Studio::new());
    let rate = "-b:v 3M -minrate 3M -maxrate 3M -bufsize 1M -x264-params nal-hrd=cbr";
    let clip = studio.make(
        "full.mp4",
        &format!(
            "-f lavfi -i color=gray:size=320x180:rate=25:duration=4 -c:v libx264 -pix_fmt yuv420p {rate}"
        ),
    );
    let (_, bytes) = render(&pool, &clip, "video/mp4", RenditionSpec::Original).await.unwrap();
    assert!(bytes.len() * 4 < clip.len(), "{} of {}", bytes.len(), clip.len());
    let frames = |name: &str, bytes: &[u8]| {
        std::fs::write(studio.path(name), bytes).unwrap();
        studio.probe(bytes, "-count_frames -select_streams v -show_entries stream=nb_read_frames")
    };
    assert_eq!(frames("kept", &bytes), frames("sent", &clip));
}

/// What encoders make by themselves is read to its end, and shows the same pictures in the copy.
#[tokio::test]
async fn ordinary_films_of_every_kind_are_copied() {
    let (pool, studio) = (pool(), Studio::new());
    for (name, media_type, codecs) in [
        ("a.mp4", "video/mp4", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a aac"),
        ("b.mkv", "video/x-matroska", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a ac3"),
        ("c.mkv", "video/x-matroska", "-c:v mpeg2video -bf 2 -c:a pcm_s16le"),
        ("d.mov", "video/quicktime", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16be"),
        ("e.mkv", "video/x-matroska", "-c:v mjpeg -pix_fmt yuvj420p -c:a libvorbis"),
        ("f.mov", "video/quicktime", "-c:v prores -pix_fmt yuv422p10le -c:a alac"),
        ("g.mp4", "video/mp4", "-c:v mpeg4 -bf 2 -c:a libmp3lame"),
        ("h.mp4", "video/mp4", "-c:v libaom-av1 -cpu-used 8 -row-mt 0 -c:a libopus"),
        ("i.webm", "video/webm", "-c:v libaom-av1 -cpu-used 8 -row-mt 0 -c:a libopus"),
        ("j.mp4", "video/mp4", "-c:v mpeg1video -c:a aac"),
        (
            "k.mp4",
            "video/mp4",
            "-c:v libx264 -pix_fmt yuv420p -x264-params slices=4:interlaced=1 -c:a aac -ac 6",
        ),
    ] {
        let source = "-f lavfi -i testsrc2=size=160x96:rate=25:duration=1 -f lavfi -i sine=duration=1";
        let clip = studio.make(name, &format!("{source} {codecs}"));
        let (_, bytes) = render(&pool, &clip, media_type, RenditionSpec::Original)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let decoded = |bytes: &[u8], to: &str| {
            std::fs::write(studio.path("in"), bytes).unwrap();
            studio.make(to, "-i in -map 0:v -fps_mode passthrough -c:v rawvideo -f hash")
        };
        assert_eq!(decoded(&bytes, "kept"), decoded(&clip, "sent"), "{name}");
    }
}

/// Regression: sound of any kind was copied, and whatever its container kept for a decoder.
#[tokio::test]
async fn sound_that_nobody_here_decodes_is_not_copied() {
    let (pool, studio) = (pool(), Studio::new());
    let clip = film_with_sound(&studio, "w.mkv", "-c:v libx264 -pix_fmt yuv420p -c:a wmav2");
    let made = render(&pool, &clip, "video/x-matroska", RenditionSpec::Original).await;
    assert!(matches!(made, Err(Trouble::Undecodable(why)) if why.code == "video.unsupported"));
}

/// Regression: the copy with a mark took AAC over with all that stood behind its few bytes for the decoder.
#[tokio::test]
async fn what_is_behind_the_record_of_sound_is_gone() {
    let (pool, studio) = (pool(), Studio::new());
    let clip = film_with_sound(&studio, "s.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let talk = boxes::with_talk_behind_the_sound_record(&clip, &[&[0; 16][..], b"talk-behind-it"].concat());
    for spec in [RenditionSpec::Original, RenditionSpec::Watermarked] {
        let (_, bytes) = render(&pool, &talk, "video/mp4", spec).await.unwrap();
        assert!(!holds(&bytes, b"talk-behind"), "{spec:?}");
    }
}

/// A copy has one record for its decoder: it would show what comes after the second one otherwise than the film does.
#[tokio::test]
async fn a_film_that_tells_its_decoder_otherwise_in_its_middle_is_not_copied_as_it_is() {
    let (pool, studio) = (pool(), Studio::new());
    let clip = film_with_sound(&studio, "a.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let changing = boxes::with_a_second_record(&clip);
    let (whole, _) = film(&pool, &changing, "video/mp4").await;
    assert_eq!(whole.unwrap().coverage, lazaret_sandbox::Coverage::Complete);
    match render(&pool, &changing, "video/mp4", RenditionSpec::Original).await {
        Err(Trouble::Undecodable(why)) => assert_eq!(why.code, "media.changes"),
        other => panic!("{other:?}"),
    }
    // Where all is decoded and made anew there is nothing to keep.
    render(&pool, &changing, "video/mp4", RenditionSpec::Watermarked).await.unwrap();
    is_well(&pool, &studio).await;
}

#[tokio::test]
async fn a_turned_film_stays_turned() {
    let (pool, studio) = (pool(), Studio::new());
    studio.clip(2, 25);
    let turned = studio.make("turned.mp4", "-i clip-2-25.mp4 -c copy -metadata:s:v:0 rotate=90");
    let (made, bytes) = render(&pool, &turned, "video/mp4", RenditionSpec::Original).await.unwrap();
    assert_eq!((made.width, made.height), (180, 320));
    let (film, _) = film(&pool, &bytes, "video/mp4").await;
    assert_eq!(film.unwrap().width, 180);
}

#[tokio::test]
async fn the_marked_copy_is_h264_and_aac_with_the_mark_on_every_picture() {
    let (pool, studio) = (pool(), Studio::new());
    for (name, media_type, codecs) in [
        ("a.mp4", "video/mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("b.webm", "video/webm", "-c:v libvpx -deadline realtime -c:a libopus"),
    ] {
        let clip = film_with_sound(&studio, name, codecs);
        let mut told = Vec::new();
        let mut bytes = Vec::new();
        let mut session = open(&pool, &clip, media_type).await;
        let made = session.render_watched(&RenditionSpec::Watermarked, &mut bytes, |n| told.push(n)).await;
        let made = made.unwrap_or_else(|e| panic!("{name}: {e}"));
        // There is one child.
        drop(session);
        assert_eq!((made.media_type.as_str(), made.frames), ("video/mp4", 100), "{name}");
        let probe = studio.probe(&bytes, "-show_entries stream=codec_name,width,height,duration");
        assert!(probe.contains("codec_name=h264") && probe.contains("codec_name=aac"), "{name}: {probe}");
        let loudness = studio.probe(&bytes, "-count_packets -show_entries stream=nb_read_packets");
        assert!(loudness.contains("nb_read_packets=100"), "{name}: {loudness}");
        let (film, shots) = film(&pool, &bytes, "video/mp4").await;
        let film = film.unwrap();
        assert!(film.coverage.is_complete() && film.sound, "{name}: {film:?}");
        // White in the middle.
        let middle = (16 * 32 + 16) * 3;
        assert!(
            shots.iter().all(|shot| shot.pixels[middle..middle + 3].iter().all(|v| *v > 225.0)),
            "{name}"
        );
        assert!(told.len() > 5 && told.is_sorted() && told.last() == Some(&1000), "{told:?}");
        assert!(!holds(&bytes, b"secret") && !holds(&bytes, b"48.1"), "{name}");
    }
}

#[tokio::test]
async fn a_copy_to_be_played_is_small_made_anew_and_bears_a_name() {
    let (pool, studio) = (pool(), Studio::new());
    let mut clip = film_with_sound(&studio, "a.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let played = async |clip: &[u8], name: &str| {
        let spec = RenditionSpec::Played { max_edge: 200, by: Name::new(name) };
        render(&pool, clip, "video/mp4", spec).await.unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    let (made, hers) = played(&clip, "ann@example.org").await;
    assert_eq!((made.media_type.as_str(), made.width, made.height), ("video/mp4", 200, 112));
    assert_eq!((made.frames, made.note.as_str()), (100, "re-encoded"));
    let probe = studio.probe(&hers, "-show_entries stream=codec_name");
    assert!(probe.contains("codec_name=h264") && probe.contains("codec_name=aac"), "{probe}");
    // Nothing of it is as it came, the sound neither.
    let sound = |bytes: &[u8]| studio.probe(bytes, "-select_streams a -show_entries packet=size");
    assert_ne!(sound(&hers), sound(&clip));
    assert!(!holds(&hers, b"secret") && !holds(&hers, b"48.1"));
    let pixels = async |bytes: &[u8]| {
        let (film, shots) = film(&pool, bytes, "video/mp4").await;
        assert!(film.unwrap().coverage.is_complete());
        shots.into_iter().flat_map(|shot| shot.pixels).collect::<Vec<_>>()
    };
    let (_, his) = played(&clip, "bob@other.example").await;
    let (hers, his) = (pixels(&hers).await, pixels(&his).await);
    let differ = hers.iter().zip(&his).filter(|(a, b)| (**a - **b).abs() > 12.0).count();
    assert!(differ > hers.len() / 50, "{differ} of {}", hers.len());
    // What is damaged is played as far as it can be.
    let middle = clip.len() / 2;
    clip[middle..middle + 400].fill(0xaa);
    assert!(played(&clip, "ann@example.org").await.0.frames > 50);
}

#[tokio::test]
async fn the_poster_is_a_small_jpeg_of_a_frame_that_shows_something() {
    let (pool, studio) = (pool(), Studio::new());
    let clip = studio.make(
        "late.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=25:duration=5 -vf drawbox=t=fill:color=black:enable='lt(t,1.5)' \
         -c:v libx264 -g 25 -pix_fmt yuv420p",
    );
    let spec = RenditionSpec::Thumbnail { max_edge: 200 };
    let (made, bytes) = render(&pool, &clip, "video/mp4", spec).await.unwrap();
    assert_eq!((made.media_type.as_str(), made.width, made.height, made.frames), ("image/jpeg", 200, 112, 1));
    let picture = turbojpeg::decompress(&bytes, turbojpeg::PixelFormat::RGB).unwrap();
    let bright = picture.pixels.iter().filter(|value| **value > 100).count();
    assert!(bright > picture.pixels.len() / 10, "it is all black");
}

#[tokio::test]
async fn a_sheet_holds_the_frames_that_are_asked_for() {
    let (pool, studio) = (pool(), Studio::new());
    let mut session = open(&pool, &studio.clip(10, 25), "video/mp4").await;
    let (_, shots) = look(&mut session, &request(), usize::MAX).await;
    let mut jpeg = Vec::new();
    let frames = shots.iter().map(|shot| shot.index).take(7).collect();
    let made = session.sheet(&SheetRequest { frames }, &mut jpeg).await.unwrap();
    // Six of 160 by 90 in a row, and one below.
    assert_eq!((made.width, made.height), (6 * 164 + 4, 2 * 94 + 4));
    let header = turbojpeg::read_header(&jpeg).unwrap();
    assert_eq!((header.width as u32, header.height as u32), (made.width, made.height));
    let none = session.sheet(&SheetRequest { frames: vec![9999] }, &mut Vec::new()).await;
    assert!(matches!(none, Err(Trouble::Undecodable(why)) if why.code == "video.none"));
}
