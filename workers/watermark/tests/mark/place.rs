use crate::{changed, grey, mark, plain, text};
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use lazaret_watermark::{Position, Style};

#[test]
fn each_position_lands_where_it_says() {
    use Position::{Bottom, BottomLeft, BottomRight, Center, Left, Right, Top, TopLeft, TopRight};
    // 400 by 200, mark 100 by 50, margin 10.
    let cases = [
        (TopLeft, (10, 10)),
        (Top, (150, 10)),
        (TopRight, (290, 10)),
        (Left, (10, 75)),
        (Center, (150, 75)),
        (Right, (290, 75)),
        (BottomLeft, (10, 140)),
        (Bottom, (150, 140)),
        (BottomRight, (290, 140)),
    ];
    for (position, (x, y)) in cases {
        let style = Style { position, scale: 0.25, margin: 0.05, opacity: 1.0, ..Style::default() };
        let before = grey(400, 200);
        let mut after = before.clone();
        mark(plain([255, 0, 0]), style).apply_rgb(&mut after);
        assert_eq!(changed(&before, &after), Some((x, y, x + 100, y + 50)), "{position:?}");
        assert_eq!(after.get_pixel(x + 50, y + 25), &Rgb([255, 0, 0]));
    }
}

#[test]
fn one_mark_serves_pictures_of_many_sizes() {
    let mark = mark(plain([255, 0, 0]), Style { margin: 0.0, opacity: 1.0, ..Style::default() });
    for (width, height) in [(400, 200), (800, 100), (400, 200), (120, 900)] {
        let before = grey(width, height);
        let mut after = before.clone();
        mark.apply_rgb(&mut after);
        let expected = (width - width / 4, height - width / 8, width, height);
        assert_eq!(changed(&before, &after), Some(expected), "{width} by {height}");
    }
}

#[test]
fn a_mark_too_high_for_the_picture_is_made_smaller() {
    let style =
        Style { scale: 1.0, margin: 0.1, opacity: 1.0, position: Position::Center, ..Style::default() };
    let before = grey(1000, 50);
    let mut after = before.clone();
    mark(plain([255, 0, 0]), style).apply_rgb(&mut after);
    assert_eq!(changed(&before, &after), Some((460, 5, 540, 45)));
}

#[test]
fn tiles_cover_the_picture_and_leave_the_gaps() {
    let style = Style { tile: true, spacing: 1.0, scale: 0.1, opacity: 1.0, ..Style::default() };
    let before = grey(400, 300);
    let mut after = before.clone();
    mark(plain([255, 0, 0]), style).apply_rgb(&mut after);
    // Marks of 40 by 20 every 80 by 60, from (20, 20); odd rows 40 further left.
    for (x, y, pixel) in after.enumerate_pixels() {
        let row = (i64::from(y) - 20).div_euclid(60);
        let in_row = (i64::from(y) - 20).rem_euclid(60) < 20 && row >= 0;
        let in_column = (i64::from(x) - 20 + 40 * (row % 2)).rem_euclid(80) < 40;
        let expected = if in_row && in_column { Rgb([255, 0, 0]) } else { Rgb([120, 120, 120]) };
        assert_eq!(*pixel, expected, "at {x}, {y}");
    }
}

#[test]
fn a_turned_mark_keeps_its_width_and_is_turned() {
    let style = Style { angle: 90.0, scale: 0.1, margin: 0.0, opacity: 1.0, ..Style::default() };
    let before = grey(400, 400);
    let mut after = before.clone();
    mark(plain([255, 0, 0]), style).apply_rgb(&mut after);
    let (left, top, right, bottom) = changed(&before, &after).unwrap();
    assert!((38..=41).contains(&(right - left)), "{left} {right}");
    assert!((76..=82).contains(&(bottom - top)), "{top} {bottom}");

    // Counter-clockwise: what was on the left comes to lie at the bottom, what was on top on the left.
    let four = RgbaImage::from_fn(64, 64, |x, y| match (x < 32, y < 32) {
        (true, true) => Rgba([0, 0, 255, 255]),
        (true, false) => Rgba([0, 255, 0, 255]),
        (false, _) => Rgba([255, 0, 0, 255]),
    });
    let style = Style { angle: 90.0, scale: 1.0, margin: 0.0, opacity: 1.0, ..Style::default() };
    let mut after = grey(100, 100);
    mark(crate::png(&four), style).apply_rgb(&mut after);
    assert_eq!(after.get_pixel(50, 10), &Rgb([255, 0, 0]));
    assert_eq!(after.get_pixel(10, 90), &Rgb([0, 0, 255]));
    assert_eq!(after.get_pixel(90, 90), &Rgb([0, 255, 0]));
}

#[test]
fn tiny_and_odd_pictures_do_not_panic() {
    for content in [plain([255, 255, 255]), text("© Lazaret")] {
        for tile in [false, true] {
            for (scale, margin, angle, spacing) in
                [(0.01, 0.4, 0.0, 0.0), (1.0, 0.0, 45.0, 8.0), (0.3, 0.1, -90.0, 0.3)]
            {
                let style = Style { tile, scale, margin, angle, spacing, opacity: 1.0, ..Style::default() };
                let mark = mark(content.clone(), style);
                for (width, height) in
                    [(1, 1), (3, 200), (200, 3), (1, 5000), (5000, 1), (2, 2), (0, 0), (0, 7)]
                {
                    let mut rgb = RgbImage::new(width, height);
                    mark.apply_rgb(&mut rgb);
                    let mut rgba = RgbaImage::new(width, height);
                    mark.apply_rgba(&mut rgba);
                    if width > 0 && height > 0 && !tile {
                        assert!(rgba.pixels().any(|p| p.0[3] > 0), "{width} by {height}: nothing drawn");
                    }
                }
            }
        }
    }
}
