//! Copies of animations to be played by one person.

mod support;

use image::{AnimationDecoder, DynamicImage, Frame, RgbaImage};
use lazaret_fixtures::picture::long_animation;
use lazaret_sandbox::{Name, Pool, PoolConfig, RenditionSpec};
use std::io::Cursor;
use support::*;

fn for_eyes_of(name: &str, max_edge: u32) -> RenditionSpec {
    RenditionSpec::Played { max_edge, by: Name::new(name) }
}

/// Frames as canvases, each with its time in ms.
fn frames(bytes: &[u8], media_type: &str) -> Vec<(u32, RgbaImage)> {
    let input = Cursor::new(bytes);
    let frames = match media_type {
        "image/gif" => image::codecs::gif::GifDecoder::new(input).unwrap().into_frames().collect_frames(),
        "image/webp" => image::codecs::webp::WebPDecoder::new(input).unwrap().into_frames().collect_frames(),
        _ => {
            image::codecs::png::PngDecoder::new(input).unwrap().apng().unwrap().into_frames().collect_frames()
        }
    };
    let show = |frame: Frame| {
        let (over, under) = frame.delay().numer_denom_ms();
        (over / under.max(1), frame.into_buffer())
    };
    frames.unwrap().into_iter().map(show).collect()
}

fn times(frames: &[(u32, RgbaImage)]) -> Vec<u32> {
    frames.iter().map(|frame| frame.0).collect()
}

/// Frames of one colour each, 300 by 200, shown for so many ms, five times over.
fn moving_png(frames: &[(u16, [u8; 4])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 300, 200);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(u32::try_from(frames.len()).unwrap(), 5).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for (delay, colour) in frames {
        writer.set_frame_delay(*delay, 1000).unwrap();
        writer.write_image_data(&colour.repeat(300 * 200)).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// Red for 120 ms, green for 30, by libwebp's own animation encoder.
fn moving_webp() -> Vec<u8> {
    let colours = [[255u8, 0, 0], [0, 255, 0]].map(|colour| colour.repeat(300 * 200));
    let mut config = webp::WebPConfig::new().unwrap();
    config.lossless = 1;
    let mut encoder = webp::AnimEncoder::new(300, 200, &config);
    encoder.add_frame(webp::AnimFrame::from_rgb(&colours[0], 300, 200, 0));
    encoder.add_frame(webp::AnimFrame::from_rgb(&colours[1], 300, 200, 120));
    encoder.encode().to_vec()
}

/// Pixels that are another colour.
fn differ(one: &RgbaImage, other: &RgbaImage) -> usize {
    assert_eq!(one.dimensions(), other.dimensions());
    one.pixels()
        .zip(other.pixels())
        .filter(|(a, b)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 30))
        .count()
}

#[tokio::test]
async fn a_copy_to_be_played_has_every_frame_for_its_time_small_and_with_a_name() {
    let pool = pool();
    let apng = moving_png(&[(40, [255, 0, 0, 255]), (1234, [0, 255, 0, 255]), (65_535, [0, 0, 255, 128])]);
    for (file, media_type) in
        [(gif(5, 300, 200), "image/gif"), (apng, "image/png"), (moving_webp(), "image/webp")]
    {
        let before = frames(&file, media_type);
        let played = async |name: &str| {
            let (made, bytes) = render(&pool, &file, media_type, for_eyes_of(name, 150)).await.unwrap();
            assert_eq!(
                (made.media_type.as_str(), made.width, made.height, made.frames as usize),
                ("image/webp", 150, 100, before.len())
            );
            assert_eq!(made.note, "re-encoded");
            assert!(bytes.len() < 8192 * before.len(), "{media_type}: {} bytes", bytes.len());
            frames(&bytes, "image/webp")
        };
        let hers = played("ann@example.org 2026-11-26").await;
        let his = played("bob@other.example 2026-11-26").await;
        assert_eq!(times(&hers), times(&before), "{media_type}");
        for (n, (((_, hers), (_, his)), (_, bare))) in hers.iter().zip(&his).zip(&before).enumerate() {
            let bare = DynamicImage::ImageRgba8(bare.clone()).thumbnail_exact(150, 100).into_rgba8();
            let (named, all) = (differ(hers, &bare), 150 * 100);
            assert!(named > 300, "{media_type} {n}: her name is on {named} pixels");
            assert!(named < all / 2, "{media_type} {n}: it can be seen still, but for {named} pixels");
            assert!(differ(hers, his) > 100, "{media_type} {n}: each has their own");
        }
        let shows_through = |(_, frame): &(u32, RgbaImage)| frame.pixels().any(|pixel| pixel.0[3] < 200);
        let expected: Vec<bool> = before.iter().map(shows_through).collect();
        assert_eq!(hers.iter().map(shows_through).collect::<Vec<_>>(), expected, "{media_type}");
    }
}

#[tokio::test]
async fn a_copy_to_be_played_is_upright_and_never_larger_and_has_nothing_else_of_the_file() {
    let pool = pool();
    let file = with_meta(apng(), 6);
    assert!(contains(&file, b"GPS-SECRET"));
    let (made, bytes) = render(&pool, &file, "image/png", for_eyes_of("ann", 1280)).await.unwrap();
    assert_eq!((made.width, made.height, made.frames), (4, 6, 3));
    assert!(frames(&bytes, "image/webp").iter().all(|(_, frame)| frame.dimensions() == (4, 6)));
    assert!(!contains(&bytes, b"GPS-SECRET") && !contains(&bytes, b"EXIF"));
    // As often as the file asks for.
    let plays = |bytes: &[u8]| {
        let at = bytes.windows(4).position(|window| window == b"ANIM").unwrap();
        u16::from_le_bytes([bytes[at + 12], bytes[at + 13]])
    };
    assert_eq!(plays(&bytes), 2);
    let (_, bytes) = render(&pool, &gif(3, 8, 8), "image/gif", for_eyes_of("ann", 1280)).await.unwrap();
    assert_eq!(plays(&bytes), 0);
}

#[tokio::test]
async fn it_is_told_how_far_a_copy_is() {
    let pool = pool();
    let mut session = open(&pool, &gif(20, 64, 48), "image/gif").await;
    let (mut told, mut bytes) = (Vec::new(), Vec::new());
    session.render_watched(&for_eyes_of("ann", 64), &mut bytes, |n| told.push(n)).await.unwrap();
    assert!(told.len() > 15 && told.is_sorted() && told.last() == Some(&1000), "{told:?}");
}

#[tokio::test]
async fn a_picture_of_one_frame_is_not_played() {
    let pool = pool();
    for (file, media_type) in [(gif(1, 8, 8), "image/gif"), (png(&red(8, 8)), "image/png")] {
        let trouble = render(&pool, &file, media_type, for_eyes_of("ann", 64)).await.unwrap_err();
        assert_eq!(trouble.code(), "media.no_film", "{media_type}");
    }
}

#[tokio::test]
async fn what_is_not_whole_is_not_played_in_part() {
    let pool = pool();
    let files = [
        (gif(9, 40, 30), "image/gif"),
        (moving_png(&[(40, [9, 9, 9, 255]); 9]), "image/png"),
        (moving_webp(), "image/webp"),
    ];
    for (file, media_type) in files {
        for length in [file.len() / 2, file.len() * 9 / 10, file.len() - 1] {
            let cut = render(&pool, &file[..length], media_type, for_eyes_of("ann", 64)).await;
            assert_eq!(cut.unwrap_err().code(), "media.undecodable", "{media_type} cut to {length}");
        }
    }
    is_well(&pool).await;
}

/// Why no copy is made of a GIF by children that differ in this.
async fn refused(change: impl FnOnce(&mut PoolConfig), file: &[u8]) -> (String, String) {
    let mut config = config();
    change(&mut config);
    let trouble = render(&Pool::new(config), file, "image/gif", for_eyes_of("ann", 64)).await.unwrap_err();
    (trouble.code().to_owned(), trouble.to_string())
}

#[tokio::test]
async fn an_animation_over_the_limits_is_not_played_and_says_over_which() {
    let long = long_animation(8, 8, 10_000);
    let (code, why) = refused(|_| (), &long).await;
    assert_eq!((code.as_str(), why.as_str()), ("limit.frames", "limit.frames: more than 600 frames"));
    let (code, why) = refused(|config| config.setup.budget.max_total_pixels = 640, &long).await;
    assert_eq!((code.as_str(), why.as_str()), ("limit.pixels", "limit.pixels: more than 640 pixels"));
    let (code, why) = refused(|config| config.max_output_bytes = 500, &gif(20, 64, 48)).await;
    assert_eq!(code, "child.output");
    assert!(why.contains("more bytes than allowed"), "{why}");
}
