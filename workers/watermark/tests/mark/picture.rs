use crate::{changed, grey, mark, plain, png, text};
use image::{Rgb, Rgba, RgbaImage};
use lazaret_watermark::{Content, Mark, MarkError, MarkSpec, Position, Style};

fn centred(opacity: f32) -> Style {
    Style { position: Position::Center, scale: 0.5, margin: 0.0, opacity, ..Style::default() }
}

#[test]
fn opacity_zero_changes_nothing() {
    for tile in [false, true] {
        let style = Style { tile, ..centred(0.0) };
        let before = grey(200, 100);
        let mut after = before.clone();
        mark(text("invisible"), style.clone()).apply_rgb(&mut after);
        assert_eq!(after, before);
        let before = RgbaImage::from_pixel(60, 60, Rgba([1, 2, 3, 40]));
        let mut after = before.clone();
        mark(plain([255, 0, 0]), style).apply_rgba(&mut after);
        assert_eq!(after, before);
    }
}

#[test]
fn change_is_proportional_to_opacity() {
    for (opacity, expected) in [(0.1, 133.5), (0.25, 153.75), (0.5, 187.5), (0.75, 221.25), (1.0, 255.0)] {
        let mut after = grey(100, 100);
        mark(plain([255, 120, 0]), centred(opacity)).apply_rgb(&mut after);
        let Rgb([r, g, b]) = *after.get_pixel(50, 50);
        assert!((f32::from(r) - expected).abs() <= 1.0, "{opacity}: {r} for {expected}");
        assert!(g.abs_diff(120) <= 1, "{opacity}: {g}");
        assert!((f32::from(b) - 120.0 * (1.0 - opacity)).abs() <= 1.0, "{opacity}: {b}");
    }
}

#[test]
fn transparent_parts_of_a_png_leave_the_picture_alone() {
    let mut ring = RgbaImage::from_pixel(90, 90, Rgba([255, 255, 255, 255]));
    image::imageops::replace(&mut ring, &RgbaImage::from_pixel(30, 30, Rgba([0, 255, 0, 0])), 30, 30);
    let before = grey(140, 140);
    let mut after = before.clone();
    mark(png(&ring), centred(1.0)).apply_rgb(&mut after);
    assert_eq!(changed(&before, &after), Some((35, 35, 105, 105)));
    assert_eq!(after.get_pixel(70, 70), before.get_pixel(70, 70));
    // The colour hidden under the transparency does not bleed into the edge when the mark is scaled.
    let edge =
        after.enumerate_pixels().find(|(_, _, Rgb([r, g, b]))| r.abs_diff(*g) > 1 || g.abs_diff(*b) > 1);
    assert_eq!(edge, None);
}

#[test]
fn transparent_pictures_keep_straight_alpha() {
    // Over nothing, the mark itself; over half-transparent black, both; opaque stays opaque.
    for (under, expected) in [
        (Rgba([0, 0, 0, 0]), [255, 0, 0, 128]),
        (Rgba([0, 0, 0, 128]), [170, 0, 0, 192]),
        (Rgba([0, 0, 0, 255]), [128, 0, 0, 255]),
    ] {
        let mut after = RgbaImage::from_pixel(100, 100, under);
        mark(plain([255, 0, 0]), centred(0.5)).apply_rgba(&mut after);
        let got = after.get_pixel(50, 50).0;
        assert!(
            got.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2),
            "{under:?}: {got:?} for {expected:?}"
        );
        assert_eq!(*after.get_pixel(5, 5), under, "outside of the mark");
    }
}

#[test]
fn opaque_rgba_is_marked_like_rgb() {
    let mut rgb = image::RgbImage::from_fn(300, 200, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
    let mut rgba = image::DynamicImage::from(rgb.clone()).into_rgba8();
    let mark = mark(text("same"), Style { tile: true, ..Style::default() });
    mark.apply_rgb(&mut rgb);
    mark.apply_rgba(&mut rgba);
    assert_eq!(image::DynamicImage::from(rgb).into_rgba8(), rgba);
}

#[test]
fn a_png_that_cannot_be_used_is_an_error() {
    let refuse = |content: Content| match Mark::prepare(&MarkSpec { content, style: Style::default() }) {
        Err(error @ MarkError::Picture(_)) => error.to_string(),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("accepted"),
    };
    let cases = [
        (Content::Png { base64: "%%%".to_owned() }, "base64"),
        (Content::Png { base64: "aGVsbG8=".to_owned() }, "not a png"),
        (Content::Png { base64: "A".repeat(6 << 20) }, "larger than"),
        (png(&RgbaImage::new(5000, 2)), "4096"),
        (png(&RgbaImage::new(20, 20)), "transparent"),
    ];
    for (content, expected) in cases {
        let message = refuse(content);
        assert!(message.contains(expected), "{message}");
    }
}
