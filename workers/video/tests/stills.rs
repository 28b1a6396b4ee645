//! AVIF and HEIF pictures are seen as their makers meant them, and as another reader sees them.

mod support;

use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage, imageops};
use lazaret_fixtures::heif::{ALPHA, Item, auxiliary, clap, heif, imir, irot, nclx, profile};
use lazaret_fixtures::icc;
use lazaret_sandbox::{Name, RenditionSpec, Trouble, Variant};
use support::stills::*;
use support::*;

/// Coded without loss, so that only the way from RGB to YCbCr and back is left: half a level of each of three, up to twice
/// that in blue, and in a part of the range 255/219 of all.
const ROUNDED: u8 = 4;
/// Chroma at half the resolution is off by what the picture changes within two pixels.
const HALVED: u8 = 9;

#[tokio::test]
async fn every_form_of_coding_shows_the_picture_that_was_coded() {
    let (pool, studio) = (pool(), Studio::new());
    let picture = photo(96, 72);
    let grey = DynamicImage::from(picture.clone()).to_luma8();
    let grey = DynamicImage::from(grey).to_rgb8();
    let forms = [
        ("yuv420p", HALVED),
        ("yuv422p", HALVED),
        ("yuv444p", ROUNDED),
        ("yuv420p10le", HALVED),
        ("yuv422p12le", HALVED),
        ("yuv444p12le", ROUNDED),
        ("gray", ROUNDED),
        ("gray10le", ROUNDED),
        ("gbrp", 1),
    ];
    for coder in [HEVC, AV1] {
        for (form, off) in forms {
            for range in ["limited", "full"] {
                let is_grey = form.starts_with("gray");
                let source = if is_grey { &grey } else { &picture };
                if form == "gbrp" && range == "limited" {
                    continue;
                }
                let coded = studio.coded(source, coder, form, range);
                // As cameras write it, and as the coded picture says for itself.
                let matrix = if form == "gbrp" { 0 } else { 6 };
                let told = coded.item().with(nclx(1, 13, matrix, range == "full"));
                let told = heif(coded.brand(), 1, &[told], b"");
                let (seen, shown) = seen(&pool, &told, (96, 72)).await;
                assert!(seen.coverage.is_complete(), "{coder} {form} {range}: {:?}", seen.coverage);
                assert!(!seen.has_alpha && !seen.beside && !seen.other_colours && seen.orientation == 1);
                let far = apart(&shown[0], source);
                assert!(far <= off, "{coder} {form} {range}: {far} apart");
            }
        }
    }
}

#[tokio::test]
async fn what_the_coded_picture_says_for_itself_is_followed() {
    let (pool, studio) = (pool(), Studio::new());
    let picture = photo(96, 72);
    let hevc = format!("{HEVC}:range=full:colormatrix=smpte170m -color_range pc");
    let av1 = format!("{AV1} -color_range pc -colorspace smpte170m");
    for (coder, range) in [(HEVC, "limited"), (&hevc, "full"), (&av1, "full")] {
        let coded = studio.coded(&picture, coder, "yuv444p", range);
        let (seen, shown) = seen(&pool, &coded.file(), (96, 72)).await;
        assert!(seen.coverage.is_complete(), "{coder}: {:?}", seen.coverage);
        let far = apart(&shown[0], &picture);
        assert!(far <= ROUNDED, "{coder}: {far} apart");
    }
}

#[tokio::test]
async fn pictures_are_turned_as_another_reader_turns_them() {
    let (pool, studio) = (pool(), Studio::new());
    let coded = studio.coded(&photo(96, 64), HEVC, "yuv444p", "full");
    let coded = coded.item().with(nclx(1, 13, 6, true));
    let crop = || clap([(50, 1), (30, 1), (u32::MAX - 10, 1), (7, 1)]);
    let mut ways: Vec<Vec<Vec<u8>>> = vec![vec![], vec![crop()], vec![crop(), irot(1), imir(0)]];
    for quarters in 0..4 {
        ways.extend([vec![irot(quarters)], vec![irot(quarters), imir(0)], vec![irot(quarters), imir(1)]]);
    }
    ways.extend([vec![imir(0)], vec![imir(1)], vec![imir(1), irot(1)]]);
    let mut orientations = std::collections::BTreeSet::new();
    for (n, way) in ways.iter().enumerate() {
        let item = way.iter().fold(coded.clone(), |item, property| item.with(property.clone()));
        let file = heif(b"heic", 1, &[item], b"");
        let theirs = studio.magick(&file, "heic");
        let (seen, shown) = seen(&pool, &file, theirs.dimensions()).await;
        assert!(seen.coverage.is_complete());
        assert_eq!((seen.width, seen.height), theirs.dimensions(), "{n}");
        let far = apart(&shown[0], &theirs);
        assert!(far <= ROUNDED, "{n}: {far} apart");
        orientations.insert(seen.orientation);
        // What is cut off is in the file.
        assert_eq!(seen.beside, way.contains(&crop()));
    }
    assert_eq!(orientations.len(), 8);
}

#[tokio::test]
async fn an_item_that_shows_another_one_is_turned_after_it() {
    let (pool, studio) = (pool(), Studio::new());
    let coded = studio.coded(&photo(96, 64), AV1, "yuv444p", "full");
    let inner = coded.item().with(nclx(1, 13, 6, true)).with(imir(1));
    let outer = Item::new(b"iden", b"", &[]).with(irot(3)).refers(b"dimg", &[1]);
    let (seen, shown) = seen(&pool, &heif(b"avif", 2, &[inner, outer], b""), (64, 96)).await;
    let expected = imageops::rotate90(&imageops::flip_horizontal(&photo(96, 64)));
    assert!(seen.coverage.is_complete() && !seen.beside);
    assert!(apart(&shown[0], &expected) <= ROUNDED);
}

/// Four tiles of 64 pixels a side that show a picture of 100x90.
fn tiles(studio: &Studio, picture: &RgbImage, coder: &str) -> Vec<Coded> {
    let mut whole = RgbImage::from_pixel(128, 128, Rgb([255, 0, 255]));
    imageops::replace(&mut whole, picture, 0, 0);
    let places = [(0, 0), (64, 0), (0, 64), (64, 64)];
    let tile =
        |(x, y)| studio.coded(&imageops::crop_imm(&whole, x, y, 64, 64).to_image(), coder, "yuv444p", "full");
    places.map(tile).to_vec()
}

#[tokio::test]
async fn tiles_are_put_together() {
    let (pool, studio) = (pool(), Studio::new());
    let picture = photo(100, 90);
    for coder in [HEVC, AV1] {
        let tiles = tiles(&studio, &picture, coder);
        let mut items: Vec<Item> = tiles.iter().map(|tile| tile.item().with(nclx(1, 13, 6, true))).collect();
        items.push(Item::grid(2, 2, (100, 90), &[1, 2, 3, 4]).with(irot(3)));
        let file = heif(tiles[0].brand(), 5, &items, b"");
        let (seen, shown) = seen(&pool, &file, (90, 100)).await;
        assert!(seen.coverage.is_complete() && !seen.beside, "{seen:?}");
        let far = apart(&shown[0], &imageops::rotate90(&picture));
        assert!(far <= ROUNDED, "{coder}: {far} apart");
        if coder == HEVC {
            assert!(apart(&shown[0], &studio.magick(&file, "heic")) <= ROUNDED);
        }
    }
}

/// A picture with less and less of it to be seen, to the right.
fn translucent() -> RgbaImage {
    RgbaImage::from_fn(96, 64, |x, y| Rgba([200, 100 + y as u8, 30, (x * 255 / 95) as u8]))
}

/// Colours and opacity as pictures of their own.
fn parts(picture: &RgbaImage) -> (RgbImage, RgbImage) {
    let colours = RgbImage::from_fn(96, 64, |x, y| {
        let [r, g, b, _] = picture.get_pixel(x, y).0;
        Rgb([r, g, b])
    });
    (colours, RgbImage::from_fn(96, 64, |x, y| Rgb([picture.get_pixel(x, y)[3]; 3])))
}

#[tokio::test]
async fn transparency_is_dropped_and_laid_on_black_and_on_white() {
    let (pool, studio) = (pool(), Studio::new());
    let picture = translucent();
    let (colours, opacity) = parts(&picture);
    let on = |ground: f32| {
        RgbImage::from_fn(96, 64, |x, y| {
            let [colour @ .., alpha] = picture.get_pixel(x, y).0.map(f32::from);
            Rgb(colour.map(|value| ((value - ground) * (alpha / 255.0) + ground).round() as u8))
        })
    };
    let av1 = format!("{AV1} -color_range pc");
    for (coder, form) in
        [(HEVC, "gray"), (HEVC, "yuv420p"), (HEVC, "gray10le"), (&av1, "gray"), (&av1, "gray12le")]
    {
        let colour = studio.coded(&colours, coder, "yuv444p", "full");
        let alpha = studio.coded(&opacity, coder, form, "full");
        let alpha = alpha.item().with(auxiliary(ALPHA)).refers(b"auxl", &[1]);
        let file = heif(colour.brand(), 1, &[colour.item().with(nclx(1, 13, 6, true)), alpha], b"");
        let (seen, shown) = seen(&pool, &file, (96, 64)).await;
        assert!(seen.has_alpha && !seen.beside && seen.coverage.is_complete(), "{coder} {form}: {seen:?}");
        for (shown, expected) in shown.iter().zip([&colours, &on(0.0), &on(255.0)]) {
            let far = apart(shown, expected);
            assert!(far <= ROUNDED, "{coder} {form}: {far} apart");
        }
        assert_eq!(shown.len(), 3);
        let (made, copied, _) = copy(&pool, &file, RenditionSpec::Original).await;
        assert_eq!(made.media_type, "image/png");
        for (one, other) in copied.to_rgba8().pixels().zip(picture.pixels()) {
            assert!(one.0.iter().zip(other.0).all(|(a, b)| a.abs_diff(b) <= ROUNDED), "{one:?} {other:?}");
        }
    }
}

#[tokio::test]
async fn the_three_variants_come_in_their_order() {
    let (pool, studio) = (pool(), Studio::new());
    let (colours, opacity) = parts(&translucent());
    let colour = studio.coded(&colours, HEVC, "yuv444p", "limited");
    let alpha = studio.coded(&opacity, HEVC, "gray", "full");
    let alpha = alpha.item().with(auxiliary("urn:mpeg:hevc:2015:auxid:1")).refers(b"auxl", &[1]);
    let file = heif(b"heic", 1, &[colour.item(), alpha], b"");
    let (picture, frames) = look_at(&mut open(&pool, &file, "image/heic").await, &of_size((96, 64))).await;
    assert_eq!(picture.unwrap().frames_seen, 1);
    let variants: Vec<Variant> = frames.iter().map(|frame| frame.variant).collect();
    assert_eq!(variants, [Variant::AlphaDropped, Variant::OnBlack, Variant::OnWhite]);
}

#[tokio::test]
async fn multiplied_colours_are_divided() {
    let (pool, studio) = (pool(), Studio::new());
    let picture = translucent();
    let (colours, opacity) = parts(&picture);
    let multiplied = RgbImage::from_fn(96, 64, |x, y| {
        let alpha = u32::from(picture.get_pixel(x, y)[3]);
        Rgb(colours.get_pixel(x, y).0.map(|value| ((u32::from(value) * alpha + 127) / 255) as u8))
    });
    let colour = studio.coded(&multiplied, HEVC, "yuv444p", "full").item().with(nclx(1, 13, 6, true));
    let alpha =
        studio.coded(&opacity, HEVC, "gray", "full").item().with(auxiliary(ALPHA)).refers(b"auxl", &[1]);
    let file = heif(b"heic", 1, &[colour.refers(b"prem", &[2]), alpha], b"");
    let (_, shown) = seen(&pool, &file, (96, 64)).await;
    for (x, y, pixel) in shown[0].enumerate_pixels().filter(|(x, ..)| *x > 47) {
        // Half of it is left at most: so twice the rounding.
        assert!(pixel.0.iter().zip(colours.get_pixel(x, y).0).all(|(a, b)| a.abs_diff(b) <= 2 * ROUNDED + 2));
    }
}

#[tokio::test]
async fn tiles_may_have_transparency_each_or_together() {
    let (pool, studio) = (pool(), Studio::new());
    let picture = photo(100, 90);
    let opacity = RgbImage::from_fn(100, 90, |x, _| Rgb([(x * 2) as u8; 3]));
    let colour = tiles(&studio, &picture, HEVC);
    let grey: Vec<Coded> = tiles(&studio, &opacity, HEVC);
    let (mut each, mut together) = (Vec::new(), Vec::new());
    for tile in &colour {
        each.push(tile.item().with(nclx(1, 13, 6, true)));
    }
    each.push(Item::grid(2, 2, (100, 90), &[1, 2, 3, 4]));
    together.extend(each.iter().cloned());
    for (n, tile) in (1..).zip(&grey) {
        each.push(tile.item().with(auxiliary(ALPHA)).refers(b"auxl", &[n]));
        together.push(tile.item());
    }
    together.push(Item::grid(2, 2, (100, 90), &[6, 7, 8, 9]).with(auxiliary(ALPHA)).refers(b"auxl", &[5]));
    for (items, primary) in [(each, 5), (together, 5)] {
        let file = heif(b"heic", primary, &items, b"");
        let (seen, shown) = seen(&pool, &file, (100, 90)).await;
        assert!(seen.has_alpha && !seen.beside && seen.coverage.is_complete());
        assert!(apart(&shown[0], &picture) <= ROUNDED);
        let black = RgbImage::from_fn(100, 90, |x, y| {
            Rgb(picture
                .get_pixel(x, y)
                .0
                .map(|value| (f32::from(value) * (x * 2) as f32 / 255.0).round() as u8))
        });
        assert!(apart(&shown[1], &black) <= ROUNDED);
    }
}

#[tokio::test]
async fn pictures_of_other_writers_are_seen_as_another_reader_sees_them() {
    let (pool, studio) = (pool(), Studio::new());
    let picture = DynamicImage::from(photo(301, 203));
    let plain = DynamicImage::from(photo(300, 200));
    let files = [
        studio.written(&picture, "-quality 90", "odd.heic"),
        studio.written(&plain, "-quality 90", "plain.heic"),
        studio.written(&plain, "-quality 90", "plain.avif"),
        {
            plain.save(studio.path("source.png")).unwrap();
            studio.make("muxed.avif", "-i source.png -c:v libaom-av1 -cpu-used 8 -still-picture 1 -crf 10")
        },
    ];
    for (n, file) in files.iter().enumerate() {
        let theirs = studio.magick(file, if media_type(file) == "image/avif" { "avif" } else { "heic" });
        let (seen, shown) = seen(&pool, file, theirs.dimensions()).await;
        assert!(seen.coverage.is_complete(), "{n}: {:?}", seen.coverage);
        // Chroma is made larger in several ways.
        let far = apart(&shown[0], &theirs);
        assert!(far <= HALVED, "{n}: {far} apart");
    }
}

#[tokio::test]
async fn colours_that_are_not_followed_are_a_gap() {
    let (pool, studio) = (pool(), Studio::new());
    let hevc = format!("{HEVC}:colormatrix=bt709");
    let coded = studio.coded(&photo(64, 64), HEVC, "yuv444p", "full");
    let other = studio.coded(&photo(64, 64), &hevc, "yuv444p", "full");
    let pq = studio.coded(&photo(64, 64), &format!("{HEVC}:transfer=smpte2084"), "yuv444p10le", "limited");
    let cases = [
        ("as it should be", coded.item().with(nclx(1, 13, 6, true)), "complete", false),
        ("Display P3", coded.item().with(nclx(12, 13, 6, true)), "complete", true),
        ("PQ", coded.item().with(nclx(9, 16, 9, true)), "image.colours", true),
        ("HLG", coded.item().with(nclx(9, 18, 9, true)), "image.colours", true),
        ("a rare matrix", coded.item().with(nclx(1, 13, 8, true)), "image.colours", false),
        ("two matrices", other.item().with(nclx(1, 13, 6, true)), "image.colours", false),
        ("red, green and blue, it says", coded.item().with(nclx(1, 13, 0, true)), "image.colours", false),
        ("PQ within", pq.item(), "image.colours", false),
    ];
    for (name, item, expected, others) in cases {
        let (seen, _) = seen(&pool, &heif(b"heic", 1, &[item], b""), (8, 8)).await;
        assert_eq!((code(&seen.coverage), seen.other_colours), (expected, others), "{name}");
    }
}

#[tokio::test]
async fn copies_are_of_what_was_seen_and_hold_nothing_else() {
    let (pool, studio) = (pool(), Studio::new());
    let coded = studio.coded(&photo(96, 64), HEVC, "yuv444p", "full");
    let shown = coded.item().with(nclx(1, 13, 6, true)).with(profile(&icc::profile())).with(irot(3));
    let exif = Item::new(b"Exif", b"\0\0\0\0II*\0GPS-SECRET", &[]).refers(b"cdsc", &[1]);
    let thumbnail = studio.coded(&RgbImage::from_pixel(64, 64, Rgb([0, 255, 0])), HEVC, "yuv420p", "full");
    let thumbnail = thumbnail.item().refers(b"thmb", &[1]);
    let file = heif(b"heic", 1, &[shown, exif, thumbnail], b"");
    let (seen, frames) = seen(&pool, &file, (64, 96)).await;
    assert!(seen.beside && seen.icc && seen.coverage.is_complete());
    let original = copy(&pool, &file, RenditionSpec::Original).await;
    assert_eq!(original.0.media_type, "image/jpeg");
    // Quality 92, with chroma at half the resolution.
    assert!(apart(&original.1.to_rgb8(), &frames[0]) <= HALVED + 4);
    let marked = copy(&pool, &file, RenditionSpec::Watermarked).await;
    assert!(marked.1.to_rgb8().get_pixel(32, 48).0.iter().all(|value| *value > 240));
    let viewed = RenditionSpec::Viewed { max_edge: 48, by: Name::new("ann") };
    let small = copy(&pool, &file, RenditionSpec::Thumbnail { max_edge: 48 }).await;
    assert_eq!((small.0.width, small.0.height), (32, 48));
    let viewed = copy(&pool, &file, viewed).await;
    assert!(apart(&viewed.1.to_rgb8(), &small.1.to_rgb8()) > 32);
    for (made, _, bytes) in [original, marked, small, viewed] {
        assert_eq!(made.note, "re-encoded");
        assert!(!bytes.windows(6).any(|window| window == b"SECRET"));
        assert!(bytes.windows(12).any(|window| window == b"ICC_PROFILE\0"));
        assert!(!bytes.windows(8).any(|window| icc::NAME.as_bytes().starts_with(window)));
    }
    let trouble = open(&pool, &file, "image/heic")
        .await
        .render(&RenditionSpec::Played { max_edge: 8, by: Name::new("ann") }, &mut Vec::new())
        .await;
    assert!(matches!(trouble, Err(Trouble::Undecodable(why)) if why.code == "media.no_film"));
}
