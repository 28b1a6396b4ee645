//! Copies for delivery.

mod support;

use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, Frame, RgbImage};
use lazaret_sandbox::{Name, Pool, PoolConfig, RenditionSpec, SheetRequest};
use std::io::Cursor;
use support::*;

const THUMBNAIL: RenditionSpec = RenditionSpec::Thumbnail { max_edge: 32 };

/// How a camera with this orientation stores an upright picture.
fn stored_for(upright: &RgbImage, orientation: u8) -> RgbImage {
    let back = match Orientation::from_exif(orientation).unwrap() {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        other => other,
    };
    let mut image = DynamicImage::ImageRgb8(upright.clone());
    image.apply_orientation(back);
    image.into_rgb8()
}

fn decode(bytes: &[u8], media_type: &str) -> RgbImage {
    if media_type == "image/jpeg" {
        let image = turbojpeg::decompress(bytes, turbojpeg::PixelFormat::RGB).unwrap();
        return RgbImage::from_raw(image.width as u32, image.height as u32, image.pixels).unwrap();
    }
    image::load_from_memory(bytes).unwrap().into_rgb8()
}

fn worst(a: &RgbImage, b: &RgbImage) -> u8 {
    assert_eq!(a.dimensions(), b.dimensions());
    a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Frames as canvases, with their delays in ms.
fn frames(bytes: &[u8], media_type: &str) -> Vec<(u32, image::RgbaImage)> {
    let input = Cursor::new(bytes);
    let frames = match media_type {
        "image/gif" => image::codecs::gif::GifDecoder::new(input).unwrap().into_frames().collect_frames(),
        "image/webp" => image::codecs::webp::WebPDecoder::new(input).unwrap().into_frames().collect_frames(),
        _ => {
            image::codecs::png::PngDecoder::new(input).unwrap().apng().unwrap().into_frames().collect_frames()
        }
    };
    let show = |frame: Frame| (frame.delay().numer_denom_ms().0, frame.into_buffer());
    frames.unwrap().into_iter().map(show).collect()
}

#[tokio::test]
async fn originals_are_upright_keep_their_profile_and_lose_the_rest() {
    let pool = pool();
    // Sides that are whole in MCUs and sides that are not.
    for (width, height) in [(64, 48), (50, 33)] {
        let upright = photo(width, height);
        for orientation in 1..=8 {
            let stored = stored_for(&upright, orientation);
            let image = DynamicImage::ImageRgb8(stored.clone());
            let files = [
                (jpeg(&stored), "image/jpeg", 24),
                (png(&image), "image/png", 0),
                (webp(&image), "image/webp", 14),
            ];
            for (file, media_type, tolerance) in files {
                let file = with_meta(file, orientation);
                assert!(contains(&file, b"GPS-SECRET") && icc_of(&file) == Some(icc()));
                let (rendition, bytes) =
                    render(&pool, &file, media_type, RenditionSpec::Original).await.unwrap();
                assert_eq!((rendition.width, rendition.height, rendition.frames), (width, height, 1));
                assert_eq!(rendition.media_type, media_type);
                assert!(!contains(&bytes, b"GPS-SECRET") && !contains(&bytes, b"Exif"), "{media_type}");
                assert!(icc_of(&bytes) == Some(kept_icc()), "{media_type} {orientation}");
                let off = worst(&decode(&bytes, media_type), &upright);
                assert!(off <= tolerance, "{media_type} {orientation} {off}");
                if orientation == 1 || (media_type == "image/jpeg" && width == 64) {
                    assert_eq!(rendition.note, "lossless", "{media_type} {orientation}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_original_jpeg_that_stays_as_it_is_loses_nothing() {
    let file = with_meta(jpeg(&photo(50, 33)), 1);
    let (_, bytes) = render(&pool(), &file, "image/jpeg", RenditionSpec::Original).await.unwrap();
    assert_eq!(worst(&decode(&bytes, "image/jpeg"), &decode(&file, "image/jpeg")), 0);
}

#[tokio::test]
async fn bytes_behind_the_end_are_not_passed_on() {
    let pool = pool();
    let image = DynamicImage::ImageRgb8(photo(32, 32));
    let files = [
        (jpeg(&photo(32, 32)), "image/jpeg"),
        (png(&image), "image/png"),
        (webp(&image), "image/webp"),
        (gif(2, 8, 8), "image/gif"),
    ];
    for (mut file, media_type) in files {
        file.extend(b"PK\x03\x04 a passenger");
        for spec in [RenditionSpec::Original, RenditionSpec::Watermarked, THUMBNAIL] {
            if let Ok((_, bytes)) = render(&pool, &file, media_type, spec).await {
                assert!(!contains(&bytes, b"passenger"), "{media_type} {spec:?}");
            }
        }
    }
}

#[tokio::test]
async fn animations_keep_their_frames_and_delays() {
    let pool = pool();
    let (gif, apng) = (gif(5, 40, 30), apng());
    let animated_webp = render_webp_animation();
    for (file, media_type) in [(&gif, "image/gif"), (&apng, "image/png"), (&animated_webp, "image/webp")] {
        let before = frames(file, media_type);
        for spec in [RenditionSpec::Original, RenditionSpec::Watermarked] {
            let (rendition, bytes) = render(&pool, file, media_type, spec).await.unwrap();
            let after = frames(&bytes, media_type);
            assert_eq!(rendition.frames as usize, before.len());
            assert_eq!(delays(&after), delays(&before), "{media_type} {spec:?}");
            if spec == RenditionSpec::Original {
                assert!(after == before, "{media_type}");
            }
        }
        let (thumbnail, _) = render(&pool, file, media_type, THUMBNAIL).await.unwrap();
        assert_eq!(thumbnail.frames, 1);
    }
    let plays = |bytes: &[u8]| {
        let reader = png::Decoder::new(Cursor::new(bytes.to_vec())).read_info().unwrap();
        reader.info().animation_control.unwrap().num_plays
    };
    let (_, marked) = render(&pool, &apng, "image/png", RenditionSpec::Watermarked).await.unwrap();
    assert_eq!((plays(&apng), plays(&marked)), (2, 2));
    let (_, marked) = render(&pool, &gif, "image/gif", RenditionSpec::Watermarked).await.unwrap();
    assert!(contains(&marked, b"NETSCAPE2.0\x03\x01\0\0"), "still for ever");
}

fn delays(frames: &[(u32, image::RgbaImage)]) -> Vec<u32> {
    frames.iter().map(|frame| frame.0).collect()
}

/// Red for 120 ms, green for 30 ms, by libwebp's own animation encoder.
fn render_webp_animation() -> Vec<u8> {
    let (a, b) =
        (red(40, 30), DynamicImage::ImageRgb8(RgbImage::from_pixel(40, 30, image::Rgb([0, 255, 0]))));
    let mut config = webp::WebPConfig::new().unwrap();
    config.lossless = 1;
    let mut encoder = webp::AnimEncoder::new(40, 30, &config);
    encoder.add_frame(webp::AnimFrame::from_rgb(a.as_bytes(), 40, 30, 0));
    encoder.add_frame(webp::AnimFrame::from_rgb(b.as_bytes(), 40, 30, 120));
    encoder.encode().to_vec()
}

#[tokio::test]
async fn the_mark_is_on_every_format_and_every_frame() {
    let pool = pool();
    let grey = DynamicImage::ImageRgb8(RgbImage::from_pixel(200, 150, image::Rgb([40, 40, 40])));
    let files = [
        (jpeg(grey.as_rgb8().unwrap()), "image/jpeg"),
        (png(&grey), "image/png"),
        (png(&grey.to_rgba8().into()), "image/png"),
        (webp(&grey), "image/webp"),
        (gif(1, 200, 150), "image/gif"),
    ];
    let reds = |image: &RgbImage| image.pixels().filter(|p| i32::from(p[0]) - i32::from(p[2]) > 60).count();
    for (file, media_type) in files {
        assert_eq!(reds(&decode(&file, media_type)), 0);
        let (rendition, bytes) = render(&pool, &file, media_type, RenditionSpec::Watermarked).await.unwrap();
        assert_eq!(
            (rendition.media_type.as_str(), rendition.width, rendition.height),
            (media_type, 200, 150)
        );
        let marked = decode(&bytes, media_type);
        assert!(reds(&marked) > 100, "{media_type}");
        assert_eq!(reds(&image::imageops::crop_imm(&marked, 0, 0, 60, 60).to_image()), 0);
    }
    let (_, bytes) = render(&pool, &gif(4, 200, 150), "image/gif", RenditionSpec::Watermarked).await.unwrap();
    for (_, frame) in frames(&bytes, "image/gif") {
        assert!(reds(&DynamicImage::ImageRgba8(frame).into_rgb8()) > 100);
    }
}

#[tokio::test]
async fn a_marked_picture_is_upright_with_its_profile_and_nothing_else() {
    let pool = pool();
    let upright = photo(64, 48);
    let stored = stored_for(&upright, 6);
    let image = DynamicImage::ImageRgb8(stored.clone());
    for (file, media_type) in
        [(jpeg(&stored), "image/jpeg"), (png(&image), "image/png"), (webp(&image), "image/webp")]
    {
        let file = with_meta(file, 6);
        for spec in [RenditionSpec::Watermarked, THUMBNAIL] {
            let (rendition, bytes) = render(&pool, &file, media_type, spec).await.unwrap();
            let size = if spec == THUMBNAIL { (32, 24) } else { (64, 48) };
            assert_eq!((rendition.width, rendition.height), size);
            assert_eq!(decode(&bytes, &rendition.media_type).dimensions(), size);
            assert!(icc_of(&bytes) == Some(kept_icc()), "{media_type} {spec:?}");
            assert!(!contains(&bytes, b"GPS-SECRET"));
        }
    }
}

#[tokio::test]
async fn thumbnails_are_small_and_never_larger_than_the_picture() {
    let pool = pool();
    let cases = [
        (jpeg(&photo(640, 480)), "image/jpeg", (32, 24), "image/jpeg"),
        (jpeg(&photo(20, 10)), "image/jpeg", (20, 10), "image/jpeg"),
        (png(&translucent(100, 200)), "image/png", (16, 32), "image/png"),
        (png(&red(100, 200).to_rgba8().into()), "image/png", (16, 32), "image/jpeg"),
        (gif(3, 64, 64), "image/gif", (32, 32), "image/jpeg"),
        (apng(), "image/png", (6, 4), "image/jpeg"),
    ];
    for (file, media_type, size, becomes) in cases {
        let (rendition, bytes) = render(&pool, &file, media_type, THUMBNAIL).await.unwrap();
        assert_eq!((rendition.width, rendition.height), size, "{media_type}");
        assert_eq!(rendition.media_type, becomes);
        assert_eq!(decode(&bytes, becomes).dimensions(), size);
    }
}

#[tokio::test]
async fn without_a_mark_there_is_no_marked_copy() {
    let mut config: PoolConfig = config();
    config.setup.mark = None;
    let pool = Pool::new(config);
    let trouble = render(&pool, &png(&red(9, 9)), "image/png", RenditionSpec::Watermarked).await.unwrap_err();
    assert_eq!(trouble.code(), "media.no_mark");
    is_well(&pool).await;
}

/// One session, as the service uses it: the picture is decoded once.
#[tokio::test]
async fn one_session_serves_everything() {
    let pool = pool();
    let file = jpeg(&photo(640, 480));
    let mut session = open(&pool, &file, "image/jpeg").await;
    assert!(session.walk().await.unwrap().coverage.is_complete());
    assert!(look(&mut session, &request()).await.0.unwrap().coverage.is_complete());
    for spec in [RenditionSpec::Original, RenditionSpec::Watermarked, THUMBNAIL] {
        let mut out = Vec::new();
        let rendition = session.render(&spec, &mut out).await.unwrap();
        assert_eq!(rendition.bytes, out.len() as u64);
    }
}

#[tokio::test]
async fn a_profile_that_is_none_is_not_passed_on() {
    let pool = pool();
    let image = DynamicImage::ImageRgb8(photo(32, 32));
    let hidden = b"PK\x03\x04 no profile at all".repeat(20);
    let mut longer = icc();
    longer.extend(b"PK\x03\x04 no profile at all");
    for profile in [hidden, longer] {
        for (file, media_type) in
            [(jpeg(&photo(32, 32)), "image/jpeg"), (png(&image), "image/png"), (webp(&image), "image/webp")]
        {
            let file = with_icc(file, &profile);
            for spec in [RenditionSpec::Original, RenditionSpec::Watermarked, THUMBNAIL] {
                let (_, bytes) = render(&pool, &file, media_type, spec).await.unwrap();
                let kept = icc_of(&bytes);
                assert!(kept.is_none() || kept == Some(kept_icc()), "{media_type} {spec:?}");
                assert!(!contains(&bytes, b"no profile at all"));
            }
        }
    }
}

#[tokio::test]
async fn what_somebody_is_shown_carries_their_name_in_its_pixels() {
    let pool = pool();
    let file = png(&red(600, 400));
    let view = |name: &str| RenditionSpec::Viewed { max_edge: 300, by: Name::new(name) };
    let shown = async |spec| {
        let (rendition, bytes) = render(&pool, &file, "image/png", spec).await.unwrap();
        assert_eq!(
            (rendition.width, rendition.height, rendition.media_type.as_str()),
            (300, 200, "image/jpeg")
        );
        decode(&bytes, "image/jpeg")
    };
    let bare = shown(RenditionSpec::Thumbnail { max_edge: 300 }).await;
    let ann = shown(view("ann@example.org")).await;
    let bob = shown(view("bob@example.org")).await;
    let differ = |one: &RgbImage, other: &RgbImage| {
        one.pixels()
            .zip(other.pixels())
            .filter(|(a, b)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 40))
            .count()
    };
    assert!(differ(&bare, &ann) > 1_000, "it is written all over it");
    assert!(differ(&ann, &bob) > 200, "each has their own");
    // In each quarter, so that a part that is cut out tells as well.
    for (x, y) in [(0, 0), (150, 0), (0, 100), (150, 100)] {
        let part = |of: &RgbImage| image::imageops::crop_imm(of, x, y, 150, 100).to_image();
        assert!(differ(&part(&bare), &part(&ann)) > 100, "{x} {y}");
    }
    let name = Name::new(&format!("é{}", "a".repeat(99)));
    assert_eq!(name.text(), format!("?{}", "a".repeat(63)));
}

#[tokio::test]
async fn a_sheet_shows_the_frames_of_an_animation_that_are_asked_for() {
    let pool = pool();
    let sheet = async |frames: Vec<u32>| {
        let mut session = open(&pool, &apng(), "image/png").await;
        let mut jpeg = Vec::new();
        let made = session.sheet(&SheetRequest { frames }, &mut jpeg).await;
        made.map(|_| turbojpeg::decompress(&jpeg, turbojpeg::PixelFormat::RGB).unwrap())
    };
    // Six by four each, four between them: no larger than they are.
    let picture = sheet(vec![1, 2]).await.unwrap();
    assert_eq!((picture.width, picture.height), (2 * 10 + 4, 4 + 8));
    let middle = |x: usize| &picture.pixels[(6 * picture.pitch + x * 3)..][..3];
    assert!(middle(7)[1] > 180 && middle(7)[0] < 80, "the second frame is green: {:?}", middle(7));
    // Half of it shows through, onto grey.
    let [red, green, blue] = *middle(17) else { panic!() };
    assert!((40..90).contains(&red) && (40..90).contains(&green) && blue > 160, "{:?}", middle(17));
    assert!(sheet(vec![0, 3]).await.is_err(), "there is no fourth frame");
    assert!(sheet(Vec::new()).await.is_err());
}
