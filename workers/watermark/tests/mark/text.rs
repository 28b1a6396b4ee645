use crate::{changed, grey, mark, text};
use image::{Rgb, RgbImage};
use lazaret_watermark::{Content, Mark, MarkError, MarkSpec, Position, Style, default_fonts};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where Debian's package fonts-noto-core puts its fonts.
const NOTO: &str = "/usr/share/fonts/truetype/noto";

fn whole(text_of: &str) -> RgbImage {
    let style =
        Style { scale: 1.0, margin: 0.0, opacity: 1.0, position: Position::Center, ..Style::default() };
    let mut picture = grey(600, 300);
    mark(text(text_of), style).apply_rgb(&mut picture);
    picture
}

#[test]
fn every_script_is_drawn() {
    let texts = [
        ("latin", "© Lazaret Ünïcødé"),
        ("arabic", "حقوق النشر محفوظة"),
        ("hindi", "सर्वाधिकार सुरक्षित"),
        ("thai", "สงวนลิขสิทธิ์"),
        ("hebrew", "כל הזכויות שמורות"),
        ("mixed", "Photo: שלום and مرحبا 42 नमस्ते"),
        ("cyrillic and greek", "права Ελένη"),
        ("tamil", "தமிழ்"),
        ("joiners", "क्\u{200d}ष न\u{200c}म \u{200e}a\u{200f}\u{2068}b\u{2069}"),
    ];
    for (script, words) in texts {
        let start = Instant::now();
        let picture = whole(words);
        let took = start.elapsed();
        let (left, _, right, _) = changed(&grey(600, 300), &picture).unwrap();
        assert!(right - left > 300, "{script}: {left} to {right}");
        assert!(
            picture.pixels().filter(|p| p.0 == [255, 255, 255]).count() > 500,
            "{script}: too little ink"
        );
        // The promise is well under 300 ms; a busy test machine gets room.
        assert!(took < Duration::from_secs(3), "{script} took {took:?}");
    }
}

#[test]
fn shaping_joins_reorders_and_stacks() {
    let width = |words: &str| {
        // The height of the box decides the scale, so the share of width to height tells the shape.
        let (l, t, r, b) = changed(&grey(600, 300), &whole(words)).unwrap();
        f64::from(r - l) / f64::from(b - t)
    };
    // Joined letters run into each other; non-joiners set them apart.
    assert_eq!(gaps(&whole("بببببب")), 0);
    assert!(gaps(&whole("ب\u{200c}ب\u{200c}ب\u{200c}ب\u{200c}ب\u{200c}ب")) >= 5);
    // A conjunct is narrower than its letters one after the other.
    assert!(width("क्षक्षक्ष") < width("कषकषकष"));
    assert_ne!(whole("\u{202e}abc"), whole("abc"), "an override turns the letters");
    assert_eq!(whole("שלום abc"), whole("\u{200f}שלום abc"), "the first strong letter gives the direction");
}

/// Columns without ink between the first and the last with ink.
fn gaps(picture: &RgbImage) -> usize {
    let inked = |x: &u32| (0..picture.height()).any(|y| picture.get_pixel(*x, y).0[0] > 200);
    let columns: Vec<u32> = (0..picture.width()).filter(inked).collect();
    (columns[columns.len() - 1] - columns[0]) as usize + 1 - columns.len()
}

#[test]
fn lines_stand_below_each_other() {
    let (_, top_one, _, bottom_one) = changed(&grey(600, 300), &whole("oooooooooo")).unwrap();
    let (_, top_two, _, bottom_two) = changed(&grey(600, 300), &whole("oooooooooo\noooooooooo")).unwrap();
    assert!(bottom_two - top_two > 2 * (bottom_one - top_one));
}

#[test]
fn readable_on_light_and_on_dark() {
    for (ink, color) in [([255, 255, 255], "#ffffff"), ([0, 0, 0], "#000000"), ([200, 30, 30], "#c81e1e")] {
        for ground in [0u8, 255] {
            let content =
                Content::Text { text: "Lazaret".to_owned(), fonts: vec![], color: color.to_owned() };
            let style = Style { scale: 0.5, opacity: 1.0, ..Style::default() };
            let before = RgbImage::from_pixel(600, 300, Rgb([ground; 3]));
            let mut after = before.clone();
            mark(content, style).apply_rgb(&mut after);
            let bright = |p: &Rgb<u8>| p.0.iter().map(|v| u32::from(*v)).sum::<u32>() / 3;
            let far = after.pixels().filter(|p| bright(p).abs_diff(u32::from(ground)) > 60).count();
            assert!(far > 1000, "{ink:?} on {ground}: only {far} pixels stand out");
        }
    }
}

#[test]
fn a_missing_glyph_is_an_error_that_names_it() {
    let fonts = vec![PathBuf::from(NOTO).join("NotoSans-Regular.ttf")];
    for (words, expected, package) in [
        ("fine until 漢字", '漢', "fonts-noto-cjk"),
        ("한국어", '한', "fonts-noto-cjk"),
        ("ひらがな", 'ひ', "fonts-noto-cjk"),
        ("abc ไทย", 'ไ', "fonts-noto-core"),
        ("private \u{E123}", '\u{E123}', "give a font"),
    ] {
        let content =
            Content::Text { text: words.to_owned(), fonts: fonts.clone(), color: "#fff000".to_owned() };
        match Mark::prepare(&MarkSpec { content, style: Style::default() }) {
            Err(error @ MarkError::MissingGlyph { character, .. }) => {
                assert_eq!(character, expected);
                assert!(error.to_string().contains(package), "{error}");
            }
            Err(other) => panic!("{words}: another error: {other}"),
            Ok(_) => panic!("{words}: accepted"),
        }
    }
}

#[test]
fn fonts_are_taken_in_the_order_given() {
    let folder = PathBuf::from(NOTO);
    let (sans, bold) = (folder.join("NotoSans-Regular.ttf"), folder.join("NotoSans-Bold.ttf"));
    let draw = |fonts: &[&PathBuf]| {
        let fonts = fonts.iter().map(|f| (*f).clone()).collect();
        let content = Content::Text { text: "Order".to_owned(), fonts, color: "#ffffff".to_owned() };
        let mut picture = grey(600, 200);
        mark(content, Style { scale: 0.9, ..Style::default() }).apply_rgb(&mut picture);
        picture
    };
    assert_ne!(draw(&[&sans]), draw(&[&bold]));
    assert_eq!(draw(&[&sans, &bold]), draw(&[&sans]));
    // A bold face alone is used as it is, and a folder gives its regular face.
    assert_eq!(draw(&[&bold, &sans]), draw(&[&bold]));
    assert_eq!(draw(&[&folder]), draw(&[&sans]));
}

#[test]
fn font_paths_that_cannot_be_used_are_named() {
    let folder = std::env::temp_dir().join(format!("lazaret-watermark-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let no_font = folder.join("notes.ttf");
    std::fs::write(&no_font, "not a font").unwrap();
    let prepare = |path: PathBuf| {
        let content = Content::Text { text: "a".to_owned(), fonts: vec![path], color: "#ffffff".to_owned() };
        Mark::prepare(&MarkSpec { content, style: Style::default() }).map(|_| ()).unwrap_err()
    };
    for path in [no_font, folder.join("missing.ttf")] {
        let error = prepare(path.clone());
        assert!(matches!(&error, MarkError::FontPath { path: named, .. } if *named == path), "{error}");
    }
    // An empty folder is no error in itself, but covers nothing.
    std::fs::remove_file(folder.join("notes.ttf")).unwrap();
    assert!(matches!(prepare(folder.clone()), MarkError::MissingGlyph { character: 'a', .. }));
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn long_and_stacked_texts_stay_within_bounds() {
    let (left, _, right, _) = changed(&grey(600, 300), &whole(&"long words ".repeat(18))).unwrap();
    assert!(right - left > 500);
    let stacked = format!("a{}", "\u{301}".repeat(190));
    match Mark::prepare(&MarkSpec { content: text(&stacked), style: Style::default() }) {
        Ok(mark) => mark.apply_rgb(&mut grey(50, 50)),
        Err(error) => assert!(matches!(error, MarkError::Text(_)), "{error}"),
    }
}

#[test]
fn the_default_places_exist() {
    let places = default_fonts();
    assert!(!places.is_empty(), "install fonts-noto-core");
    assert!(places.iter().all(|place| place.exists()));
}

#[test]
fn a_cluster_that_no_font_can_put_together_is_an_error() {
    // A Thai vowel sign on a Latin letter: each font has one of the two.
    let fonts =
        ["NotoSans-Regular.ttf", "NotoSansThai-Regular.ttf"].map(|f| PathBuf::from(NOTO).join(f)).to_vec();
    let content = Content::Text { text: "xa\u{E31}".to_owned(), fonts, color: "#ffffff".to_owned() };
    match Mark::prepare(&MarkSpec { content, style: Style::default() }) {
        Err(MarkError::MissingCluster { cluster }) => assert_eq!(cluster, "a\u{E31}"),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("accepted"),
    }
}
