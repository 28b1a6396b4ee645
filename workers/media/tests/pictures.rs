//! Good pictures: what the classifier gets to see.

mod support;

use lazaret_sandbox::{Frame, PictureRequest, Resize, Target, Variant};
use support::*;

/// The picture at its own size: with corners aligned, sampling at equal size is the identity.
fn same_size(width: u32, height: u32) -> PictureRequest {
    PictureRequest::new(vec![Target { width, height, resize: Resize::BilinearAlignCorners }])
}

fn bytes(frame: &Frame) -> Vec<u8> {
    frame.pixels.iter().map(|value| value.round() as u8).collect()
}

#[tokio::test]
async fn every_format_gives_upright_rgb() {
    let pool = pool();
    let photo = photo(64, 48);
    let image = image::DynamicImage::ImageRgb8(photo.clone());
    let cases = [
        (jpeg(&photo), "image/jpeg", 6),
        (png(&image), "image/png", 0),
        (webp(&image), "image/webp", 12),
        (png(&image.to_luma8().into()), "image/png", 300),
    ];
    for (file, media_type, tolerance) in cases {
        let mut session = open(&pool, &file, media_type).await;
        let (picture, frames) = look(&mut session, &same_size(64, 48)).await;
        let picture = picture.unwrap();
        assert!(picture.coverage.is_complete(), "{picture:?}");
        assert_eq!((picture.width, picture.height, picture.frames_seen), (64, 48, 1));
        assert_eq!((picture.frames_total, picture.has_alpha, picture.orientation), (Some(1), false, 1));
        assert_eq!((frames.len(), frames[0].variant), (1, Variant::AlphaDropped));
        let worst = bytes(&frames[0]).iter().zip(photo.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(i32::from(worst.unwrap()) <= tolerance, "{media_type} {worst:?}");
    }
}

#[tokio::test]
async fn all_eight_orientations_come_out_upright() {
    let pool = pool();
    let upright = photo(48, 32);
    for orientation in 1..=8 {
        let stored = stored_for(&upright, orientation);
        let image = image::DynamicImage::ImageRgb8(stored.clone());
        let files = [
            (with_meta(jpeg(&stored), orientation), "image/jpeg"),
            (with_meta(png(&image), orientation), "image/png"),
            (with_meta(webp(&image), orientation), "image/webp"),
        ];
        for (file, media_type) in files {
            let (picture, frames) = look(&mut open(&pool, &file, media_type).await, &same_size(48, 32)).await;
            let picture = picture.unwrap();
            assert_eq!(
                (picture.orientation, picture.width, picture.height),
                (orientation, 48, 32),
                "{media_type}"
            );
            assert!(picture.icc);
            let worst = bytes(&frames[0]).iter().zip(upright.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst.unwrap() <= 14, "{media_type} {orientation} {worst:?}");
        }
    }
}

/// How a camera with this orientation stores an upright picture.
fn stored_for(upright: &image::RgbImage, orientation: u8) -> image::RgbImage {
    use image::metadata::Orientation::*;
    let back = match image::metadata::Orientation::from_exif(orientation).unwrap() {
        Rotate90 => Rotate270,
        Rotate270 => Rotate90,
        other => other,
    };
    let mut image = image::DynamicImage::ImageRgb8(upright.clone());
    image.apply_orientation(back);
    image.into_rgb8()
}

#[tokio::test]
async fn transparency_is_seen_on_black_and_on_white_too() {
    let pool = pool();
    let image = translucent(16, 2);
    for (file, media_type) in [(png(&image), "image/png"), (webp(&image), "image/webp")] {
        let (picture, frames) = look(&mut open(&pool, &file, media_type).await, &same_size(16, 2)).await;
        assert!(picture.unwrap().has_alpha);
        let variants: Vec<_> = frames.iter().map(|frame| frame.variant).collect();
        assert_eq!(variants, [Variant::AlphaDropped, Variant::OnBlack, Variant::OnWhite]);
        // Column 0 is transparent, column 8 half.
        let red = |frame: &Frame, x: usize| frame.pixels[x * 3];
        assert!((red(&frames[1], 0), red(&frames[2], 0)) == (0.0, 255.0));
        let alpha = 127.0 / 255.0;
        assert!((red(&frames[1], 8) - 200.0 * alpha).abs() < 6.0);
        assert!((red(&frames[2], 8) - (200.0 * alpha + 255.0 * (1.0 - alpha))).abs() < 6.0);
    }
}

#[tokio::test]
async fn every_frame_of_an_animation_is_seen() {
    let pool = pool();
    let (picture, frames) = picture(&pool, &gif(5, 20, 10), "image/gif").await;
    let picture = picture.unwrap();
    assert_eq!((picture.frames_seen, picture.frames_total, picture.duration_ms), (5, Some(5), 350));
    assert!(picture.coverage.is_complete());
    let seen: Vec<_> = frames.iter().map(|f| (f.index, f.at_ms, f.pixels[0])).collect();
    assert_eq!(seen, [(0, 0, 0.0), (1, 70, 1.0), (2, 140, 2.0), (3, 210, 3.0), (4, 280, 4.0)]);

    let (picture, frames) = support::picture(&pool, &apng(), "image/png").await;
    let picture = picture.unwrap();
    assert_eq!((picture.frames_seen, picture.frames_total, picture.has_alpha), (3, Some(3), true));
    let seen: Vec<_> = frames.iter().map(|f| (f.index, f.at_ms, f.variant, f.pixels[2])).collect();
    assert_eq!(
        seen[..3],
        [
            (0, 0, Variant::AlphaDropped, 0.0),
            (1, 40, Variant::AlphaDropped, 0.0),
            (2, 80, Variant::AlphaDropped, 255.0)
        ]
    );
    assert_eq!(frames.len(), 5);
}

#[tokio::test]
async fn a_default_image_outside_of_the_animation_is_seen() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 2, 2);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(1, 0).unwrap();
    encoder.set_sep_def_img(true).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[255, 0, 0].repeat(4)).unwrap();
    writer.write_image_data(&[0, 255, 0].repeat(4)).unwrap();
    writer.finish().unwrap();
    let (picture, frames) = picture(&pool(), &file, "image/png").await;
    assert_eq!(picture.unwrap().frames_seen, 2);
    assert_eq!((frames[0].pixels[0], frames[1].pixels[1]), (255.0, 255.0));
}

#[tokio::test]
async fn a_frame_that_repeats_is_shown_once_and_counted() {
    let mut encoder = gif::Encoder::new(Vec::new(), 4, 4, &[9, 9, 9, 200, 200, 200]).unwrap();
    for colour in [0, 0, 0, 1, 1, 0] {
        encoder.write_frame(&gif::Frame::from_indexed_pixels(4, 4, vec![colour; 16], None)).unwrap();
    }
    let (picture, frames) = picture(&pool(), &encoder.into_inner().unwrap(), "image/gif").await;
    assert_eq!(picture.unwrap().frames_seen, 6);
    assert_eq!(frames.iter().map(|f| f.index).collect::<Vec<_>>(), [0, 3, 5]);
}

#[tokio::test]
async fn cmyk_comes_out_as_colours() {
    // Inverted, as Adobe stores it: 255 is no ink.
    let pixels = [255, 0, 0, 255].repeat(64);
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(100).unwrap();
    compressor.set_subsamp(turbojpeg::Subsamp::None).unwrap();
    let image = turbojpeg::Image {
        pixels: &pixels[..],
        width: 8,
        pitch: 32,
        height: 8,
        format: turbojpeg::PixelFormat::CMYK,
    };
    let file = compressor.compress_to_vec(image).unwrap();
    let (picture, frames) = picture(&pool(), &file, "image/jpeg").await;
    assert!(picture.unwrap().coverage.is_complete());
    let [r, g, b] = frames[0].pixels[..3] else { panic!() };
    assert!(r > 250.0 && g < 5.0 && b < 5.0, "{r} {g} {b}");
}

#[tokio::test]
async fn several_targets_in_one_decode() {
    let targets = [(224, 224), (320, 160)].map(|(width, height)| Target { width, height, ..TARGET });
    let request = PictureRequest::new(targets.to_vec());
    let (_, frames) = look(&mut open(&pool(), &jpeg(&photo(99, 77)), "image/jpeg").await, &request).await;
    let sizes: Vec<_> = frames.iter().map(|f| (f.target, f.pixels.len())).collect();
    assert_eq!(sizes, [(0, 224 * 224 * 3), (1, 320 * 160 * 3)]);
}
