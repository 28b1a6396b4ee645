//! Which frames of a film are looked at.

mod support;

use lazaret_sandbox::{FilmRequest, RenditionSpec, Taken};
use support::*;

/// From the first frame to the last one, no two that follow each other are farther apart.
fn gap(shots: &[lazaret_sandbox::Shot], end_ms: u64) -> u64 {
    let times: Vec<u64> = shots.iter().map(|shot| shot.at_ms).chain([end_ms]).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap().max(times[0])
}

fn times(shots: &[lazaret_sandbox::Shot]) -> Vec<(u64, Taken)> {
    shots.iter().map(|shot| (shot.at_ms, shot.taken)).collect()
}

/// As nearly every camera writes it; FFmpeg asks the system to turn it into a date.
#[tokio::test]
async fn a_film_may_say_when_it_was_made() {
    let (pool, studio) = (pool(), Studio::new());
    for (name, media_type) in
        [("a.mp4", "video/mp4"), ("a.mov", "video/quicktime"), ("a.mkv", "video/x-matroska")]
    {
        let coded = "-c:v libx264 -pix_fmt yuv420p -metadata creation_time=2024-07-01T12:00:00Z";
        let clip = studio.make(name, &format!("-f lavfi -i testsrc2=size=64x48:rate=10:duration=2 {coded}"));
        let (looked, _) = film(&pool, &clip, media_type).await;
        assert!(looked.as_ref().is_ok_and(|film| film.coverage.is_complete()), "{name}: {looked:?}");
        render(&pool, &clip, media_type, RenditionSpec::Original).await.unwrap();
    }
}

/// The number 235 is white where a film does not say otherwise, and a grey where it says that all numbers count; in films of
/// greys alone as well.
#[tokio::test]
async fn greys_are_seen_as_players_show_them() {
    let (pool, studio) = (pool(), Studio::new());
    let source = "-f lavfi -i color=black:size=64x64:rate=10:duration=1,format=gray,geq=lum=235";
    let coded = "-c:v libx265 -x265-params log-level=none -pix_fmt gray -tag:v hvc1";
    for (range, shown) in [("tv", 255.0), ("pc", 235.0)] {
        let clip = studio.make(&format!("{range}.mp4"), &format!("{source} -color_range {range} {coded}"));
        assert!(studio.probe(&clip, "-show_entries stream=pix_fmt").contains("pix_fmt=gray"));
        let (looked, shots) = film(&pool, &clip, "video/mp4").await;
        looked.unwrap();
        let seen = colour(&shots[0]);
        assert!(seen.iter().all(|value| (value - shown).abs() < 3.0), "{range}: {seen:?}");
    }
}

#[tokio::test]
async fn no_gap_is_larger_than_asked_whatever_the_distance_of_key_frames() {
    let (pool, studio) = (pool(), Studio::new());
    for gop in [1, 12, 50, 75, 250] {
        let clip = studio.clip(10, gop);
        let (film, shots) = film(&pool, &clip, "video/mp4").await;
        let film = film.unwrap();
        assert!(film.coverage.is_complete(), "{gop}: {:?}", film.coverage);
        assert_eq!((film.width, film.height, film.frames_total, film.sound), (320, 180, 250, false));
        assert_eq!((film.duration_ms, film.frames_seen as usize), (9_960, shots.len()));
        assert!(gap(&shots, film.duration_ms) <= 2_000, "{gop}: {:?}", times(&shots));
        assert_eq!(shots[0].at_ms, 0);
        assert!(shots.last().unwrap().at_ms >= film.duration_ms - 1_000, "{gop}: the last second");
        assert!(shots.len() < 40, "{gop}: {} are too many", shots.len());
    }
}

#[tokio::test]
async fn the_same_file_shows_the_same_frames_and_another_seed_others() {
    let (pool, studio) = (pool(), Studio::new());
    let mut session = open(&pool, &studio.clip(10, 250), "video/mp4").await;
    let mut shown = async |seed| {
        let request = FilmRequest { seed, random_every_ms: 1_700, ..request() };
        let (film, shots) = look(&mut session, &request, usize::MAX).await;
        film.unwrap();
        times(&shots)
    };
    let first = shown(1).await;
    assert_eq!(shown(1).await, first);
    assert_ne!(shown(2).await, first);
    assert!(first.iter().any(|(_, taken)| *taken == Taken::Random));
}

/// Every other frame is red, and no other depends on it: a player shows it, and a decoder in haste leaves it out.
#[tokio::test]
async fn frames_that_no_other_depends_on_are_not_safe_from_a_random_look() {
    let (pool, studio) = (pool(), Studio::new());
    let clip = studio.make(
        "between.mp4",
        "-f lavfi -i color=gray:size=320x180:rate=25:duration=10 -vf drawbox=t=fill:color=red:enable='mod(n,2)*lt(mod(n,24),20)' \
         -c:v libx264 -pix_fmt yuv420p -x264-params bframes=1:b-adapt=0:b-pyramid=0:keyint=24:min-keyint=24:scenecut=0",
    );
    let mut session = open(&pool, &clip, "video/mp4").await;
    let (film, shots) =
        look(&mut session, &FilmRequest { random_every_ms: 625, ..request() }, usize::MAX).await;
    assert!(film.unwrap().coverage.is_complete());
    let is_red = |shot: &&lazaret_sandbox::Shot| colour(shot)[0] > colour(shot)[1] + 60.0;
    assert!(shots.iter().filter(is_red).count() >= 3, "{:?}", times(&shots));
}

/// Of open groups the last frames come behind the next key frame, and hang on it and on what is before it.
#[tokio::test]
async fn frames_that_lead_a_key_frame_are_a_gap() {
    let (pool, studio) = (pool(), Studio::new());
    for (open, expected) in [(1, "leading"), (0, "complete")] {
        let codec = format!("libx265 -x265-params log-level=none:keyint=16:open-gop={open}");
        let source = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=3 -pix_fmt yuv420p -c:v";
        let clip = studio.make("led.mp4", &format!("{source} {codec}"));
        let (film, _) = film(&pool, &clip, "video/mp4").await;
        assert_eq!(code(&film.unwrap().coverage), expected);
    }
}

/// The packet of the frame at which decoding a group may stop holds no picture: what comes behind it is seen instead.
#[tokio::test]
async fn packets_without_a_frame_leave_no_hole() {
    let (pool, studio) = (pool(), Studio::new());
    let name = "hollow.mp4";
    let plain =
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=10 -c:v libx264 -g 125 -sc_threshold 0 -bf 0";
    let mut clip = studio.make(name, &format!("{plain} -pix_fmt yuv420p"));
    let packets = studio.probe(&clip, "-select_streams v -show_entries packet=pos");
    let at = |frame: usize| -> usize { packets.lines().nth(frame).unwrap()[4..].parse().unwrap() };
    // The first frame from which the next key frame, 5 s from the first, is in reach. H.264's unit of filler instead.
    clip[at(75) + 4] = 12;
    let request = FilmRequest { random_every_ms: 0, ..request() };
    let (_, shots) = look(&mut open(&pool, &clip, "video/mp4").await, &request, usize::MAX).await;
    assert!(gap(&shots, 9_960) <= 2_000, "{:?}", times(&shots));
}

#[tokio::test]
async fn a_scene_between_key_frames_is_seen() {
    let (pool, studio) = (pool(), Studio::new());
    let clip = studio.make(
        "scene.mp4",
        "-f lavfi -i color=black:size=320x180:rate=25:duration=10 -vf \
         drawbox=t=fill:color=white:enable='between(t,4.6,5.2)' -c:v libx264 -g 250 -sc_threshold 0 -bf 0 -pix_fmt yuv420p",
    );
    let (film, shots) = film(&pool, &clip, "video/mp4").await;
    assert!(film.unwrap().coverage.is_complete());
    let white = shots.iter().find(|shot| colour(shot)[0] > 200.0).expect("0.6 seconds of white");
    assert_eq!(white.taken, Taken::Scene);
    assert!((4_600..=5_200).contains(&white.at_ms), "{}", white.at_ms);
}

#[tokio::test]
async fn colours_and_turns_are_those_that_a_player_shows() {
    let (pool, studio) = (pool(), Studio::new());
    for (name, more) in [("sd", ""), ("hd", " -vf scale=1280:720:out_color_matrix=bt709 -colorspace bt709")] {
        let clip = studio.make(
            &format!("{name}.mp4"),
            &format!(
                "-f lavfi -i color=0x20C040:size=320x180:rate=25:duration=1{more} -c:v libx264 -pix_fmt yuv420p"
            ),
        );
        let (_, shots) = film(&pool, &clip, "video/mp4").await;
        let [r, g, b] = colour(&shots[0]);
        assert!(
            (r - 32.0).abs() < 6.0 && (g - 192.0).abs() < 6.0 && (b - 64.0).abs() < 6.0,
            "{name}: {r} {g} {b}"
        );
    }
    studio.make(
        "flat.mp4",
        "-f lavfi -i color=red:size=320x180:rate=25:duration=1 -vf drawbox=w=160:t=fill:color=blue -c:v libx264 -pix_fmt yuv420p",
    );
    let turned = studio.make("turned.mp4", "-i flat.mp4 -c copy -metadata:s:v:0 rotate=90");
    let (film, shots) = film(&pool, &turned, "video/mp4").await;
    let film = film.unwrap();
    assert_eq!((film.width, film.height), (180, 320));
    // As ffmpeg itself shows it.
    let shown = studio.make("turned.raw", "-i turned.mp4 -frames:v 1 -f rawvideo -pix_fmt rgb24");
    for (ours, theirs) in shots[0].pixels[..3].iter().zip(&shown) {
        assert!((ours - f32::from(*theirs)).abs() < 30.0, "{:?} {:?}", &shots[0].pixels[..3], &shown[..3]);
    }
}

/// Regression: pictures of another curve or matrix were looked at as if they had the usual one.
#[tokio::test]
async fn colours_that_are_not_followed_are_a_gap() {
    let (pool, studio) = (pool(), Studio::new());
    for (tags, expected) in [
        ("-color_trc bt709 -colorspace bt709", "complete"),
        ("-color_trc iec61966-2-1", "complete"),
        ("-color_trc linear", "video.colours"),
        ("-color_trc smpte2084 -colorspace bt2020nc", "video.colours"),
        ("-colorspace ycgco", "video.colours"),
    ] {
        let source = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=1 -c:v libx264 -pix_fmt yuv420p";
        let (film, _) =
            film(&pool, &studio.make("tagged.mp4", &format!("{source} {tags}")), "video/mp4").await;
        assert_eq!(code(&film.unwrap().coverage), expected, "{tags}");
    }
}

#[tokio::test]
async fn webm_and_matroska_and_quicktime() {
    let (pool, studio) = (pool(), Studio::new());
    let source = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=3 -f lavfi -i sine=duration=3";
    for (name, media_type, codecs) in [
        ("a.webm", "video/webm", "-c:v libvpx -deadline realtime -c:a libopus"),
        ("b.webm", "video/webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
        ("c.mkv", "video/x-matroska", "-c:v libx264 -pix_fmt yuv420p -c:a libvorbis"),
        ("d.mov", "video/quicktime", "-c:v mpeg4 -c:a aac"),
        ("e.mp4", "video/mp4", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a aac"),
        ("f.mp4", "video/mp4", "-c:v libaom-av1 -cpu-used 8 -row-mt 0 -c:a aac"),
    ] {
        let clip = studio.make(name, &format!("{source} {codecs}"));
        let (film, shots) = film(&pool, &clip, media_type).await;
        let film = film.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(film.coverage.is_complete(), "{name}: {:?}", film.coverage);
        assert!(film.sound && gap(&shots, film.duration_ms) <= 2_000, "{name}: {:?}", times(&shots));
    }
}

#[tokio::test]
async fn a_closer_look_shows_more_of_a_stretch_and_nothing_else() {
    let (pool, studio) = (pool(), Studio::new());
    let mut session = open(&pool, &studio.clip(10, 250), "video/mp4").await;
    let (film, first) = look(&mut session, &request(), usize::MAX).await;
    assert!(film.unwrap().coverage.is_complete());
    let closer = FilmRequest { max_gap_ms: 200, spans: vec![(3_000, 4_000), (7_000, 7_400)], ..request() };
    let (film, shots) = look(&mut session, &closer, usize::MAX).await;
    assert!(film.unwrap().coverage.is_complete());
    let within = |shot: &lazaret_sandbox::Shot, (from, to)| (from..=to).contains(&shot.at_ms);
    assert!(
        shots.iter().all(|shot| within(shot, (3_000, 4_000)) || within(shot, (7_000, 7_400))),
        "{:?}",
        times(&shots)
    );
    let (a, b): (Vec<_>, Vec<_>) = shots.iter().partition(|shot| shot.at_ms < 5_000);
    assert!(a.len() >= 6 && b.len() >= 2, "{:?}", times(&shots));
    assert!(a.windows(2).all(|pair| pair[1].at_ms - pair[0].at_ms <= 200));
    assert_eq!(shots[0].index as usize, first.len(), "numbers go on");
}

#[tokio::test]
async fn budgets_and_whoever_has_seen_enough_end_it_early_and_the_coverage_says_so() {
    let (pool, studio) = (pool(), Studio::new());
    let clip = studio.clip(10, 25);
    let mut session = open(&pool, &clip, "video/mp4").await;
    let few = FilmRequest { max_frames: 3, ..request() };
    let (film, shots) = look(&mut session, &few, usize::MAX).await;
    assert_eq!((code(&film.unwrap().coverage), shots.len()), ("limit.frames", 3));
    let quick = FilmRequest { max_cpu_ms: 0, ..request() };
    let (film, _) = look(&mut session, &quick, usize::MAX).await;
    assert_eq!(film.unwrap_err().code(), "limit.time");
    let (film, shots) = look(&mut session, &request(), 2).await;
    let film = film.unwrap();
    assert_eq!((code(&film.coverage), shots.len()), ("decided", 2));
    assert!(film.frames_seen < 11, "{}", film.frames_seen);
    // The child is in step.
    let (film, _) = look(&mut session, &request(), usize::MAX).await;
    assert!(film.unwrap().coverage.is_complete());
}
