//! Walks through the public door: what is clean, what is not, and where it is seen.

use crate::build::*;
use lazaret_inspect::{has_walk, walk};
use lazaret_report::{Coverage, Evidence, Report};
use std::io::Cursor;

fn report(media_type: &str, file: &[u8]) -> Report {
    walk(media_type, &mut Cursor::new(file), file.len() as u64).unwrap()
}

fn codes(report: &Report) -> Vec<&str> {
    let mut codes: Vec<_> = report.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
    codes.dedup();
    codes
}

#[test]
fn clean_files_are_complete_and_without_findings() {
    let mut files = all();
    files.push(("multi-picture", "image/jpeg", jpeg_multi(0)));
    files.push(("multi-picture with padding", "image/jpeg", jpeg_multi(700)));
    files.push(("incremental update", "application/pdf", pdf_updated()));
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<?xpacket begin='' id=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>";
    let thumbnail = [&b"Exif\0\0II\x2a\0"[..], &jpeg()].concat();
    let icc = [&b"ICC_PROFILE\0\x01\x01"[..], &[7; 3000]].concat();
    let fill = vec![0xff; 300];
    files.push((
        "metadata",
        "image/jpeg",
        jpeg_with(&[jpeg_segment(0xe1, xmp), jpeg_segment(0xe1, &thumbnail), jpeg_segment(0xe2, &icc), fill]),
    ));
    files.push(("text", "image/png", png_with(&[png_chunk(b"tEXt", b"Comment\0a < b, PK, MZ and 100 %")])));
    for (name, _, file) in files.clone().into_iter().take(5) {
        let media_type = files.iter().find(|f| f.0 == name).unwrap().1;
        files.push((name, media_type, [&file[..], &[0; 100_000]].concat()));
        files.push((name, media_type, [&file[..], b"\r\n"].concat()));
    }
    for (name, media_type, file) in files {
        assert!(has_walk(media_type));
        let report = report(media_type, &file);
        assert_eq!(report.coverage, Coverage::Complete, "{name}: {report:?}");
        assert_eq!(report.findings, [], "{name}");
    }
}

#[test]
fn files_of_the_image_crate_are_clean() {
    use image::{ImageFormat, RgbImage};
    for (format, media_type) in
        [(ImageFormat::Png, "image/png"), (ImageFormat::Gif, "image/gif"), (ImageFormat::WebP, "image/webp")]
    {
        let picture = RgbImage::from_fn(300, 200, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, format).unwrap();
        let report = report(media_type, file.get_ref());
        assert_eq!((report.coverage, report.findings), (Coverage::Complete, vec![]), "{media_type}");
    }
}

#[test]
fn truncation_at_any_byte_is_never_complete() {
    for (name, media_type, file) in all() {
        for cut in 0..file.len() {
            let report = report(media_type, &file[..cut]);
            assert!(!report.coverage.is_complete(), "{name} cut at {cut}");
            let seen = codes(&report);
            assert!(
                seen.contains(&"truncated") || seen.contains(&"malformed"),
                "{name} cut at {cut}: {seen:?}"
            );
        }
    }
    let multi = jpeg_multi(9);
    for cut in multi.len() - jpeg().len() + 3..multi.len() {
        assert!(!report("image/jpeg", &multi[..cut]).coverage.is_complete(), "second picture cut at {cut}");
    }
}

/// What a polyglot carries, and whether it is seen as such.
fn payloads() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("zip archive", zip()),
        ("rar archive", b"Rar!\x1a\x07\x01\0 and so on".to_vec()),
        ("7z archive", b"7z\xbc\xaf\x27\x1c\0\x04 and so on".to_vec()),
        ("html", b"<!DOCTYPE HTML><title>x</title>".to_vec()),
        ("html", b"<HTML lang=en><p>hello there</p>".to_vec()),
        ("script", b"<ScRiPt>alert(document.cookie)</sCrIpT>".to_vec()),
        ("php", b"<?php system($_GET['c']); ?>".to_vec()),
        ("svg", b"<svg onload='alert(1)'/>".to_vec()),
        ("windows program", exe()),
        ("unix program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".to_vec()),
        ("pdf", b"%PDF-1.7 1 0 obj".to_vec()),
    ]
}

#[test]
fn a_second_format_behind_is_trailing_and_embedded() {
    for (what, payload) in payloads() {
        for (name, media_type, file) in all() {
            let whole = [&file[..], &payload].concat();
            let report = report(media_type, &whole);
            assert_eq!(report.coverage, Coverage::Complete, "{what} behind {name}");
            let trailing = report.findings.iter().find(|f| f.code == "structure.trailing").unwrap();
            let (offset, length) = (file.len() as u64, payload.len() as u64);
            assert_eq!(trailing.evidence, Some(Evidence::Bytes { offset, length }), "{what} behind {name}");
            assert!(trailing.detail.contains(what), "{what} behind {name}: {}", trailing.detail);
            let embedded = report.findings.iter().find(|f| f.code == "structure.embedded").unwrap();
            assert_eq!(embedded.evidence, Some(Evidence::Bytes { offset, length }), "{what} behind {name}");
        }
    }
}

#[test]
fn a_second_format_inside_is_embedded() {
    for (what, payload) in payloads() {
        let block: Vec<u8> = [
            &b"\x21\xfe"[..],
            &[u8::try_from(payload.len().min(255)).unwrap()],
            &payload[..payload.len().min(255)],
            b"\0",
        ]
        .concat();
        let hosts = [
            ("comment", "image/jpeg", jpeg_with(&[jpeg_segment(0xfe, &payload)])),
            (
                "app13",
                "image/jpeg",
                jpeg_with(&[jpeg_segment(0xed, &[b"Photoshop 3.0\0", &payload[..]].concat())]),
            ),
            ("text", "image/png", png_with(&[png_chunk(b"tEXt", &[b"Comment\0", &payload[..]].concat())])),
            ("private chunk", "image/png", png_with(&[png_chunk(b"prVt", &payload)])),
            ("comment", "image/gif", gif_with(&block)),
            (
                "unknown chunk",
                "image/webp",
                webp_with(&[riff_chunk(b"VP8L", &[0x2f; 6]), riff_chunk(b"JUNK", &payload)]),
            ),
        ];
        for (place, media_type, file) in hosts {
            let report = report(media_type, &file);
            assert_eq!(report.coverage, Coverage::Complete, "{what} in {media_type} {place}");
            assert_eq!(codes(&report), ["embedded"], "{what} in {media_type} {place}: {report:?}");
            assert!(report.findings[0].detail.contains(what), "{report:?}");
        }
    }
}

#[test]
fn a_second_format_is_seen_wherever_the_windows_meet() {
    for gap in (247_000..249_500).step_by(97).chain(255_000..255_040).chain([262_100, 524_288, 700_001]) {
        let mut file = jpeg();
        file.resize(gap, 0);
        file.extend(exe());
        let report = report("image/jpeg", &file);
        let embedded: Vec<_> = report.findings.iter().filter(|f| f.code == "structure.embedded").collect();
        assert_eq!(embedded.len(), 1, "{gap}");
        assert_eq!(embedded[0].evidence, Some(Evidence::Bytes { offset: gap as u64, length: 1024 }));
    }
}

#[test]
fn a_zip_without_any_local_header_is_still_one_to_its_readers() {
    let mut mangled = zip();
    mangled[..4].copy_from_slice(b"XXXX");
    // Entry counts that do not agree: some readers do not care.
    let end = mangled.len() - 22;
    mangled[end + 8] = 7;
    let report = report("image/png", &[png(), mangled].concat());
    assert_eq!(codes(&report), ["trailing", "embedded"]);
    assert!(report.findings[1].detail.contains("zip"), "{report:?}");
}

#[test]
fn ordinary_bytes_are_no_second_format() {
    // A megabyte without any pattern in it, except two-byte ones by the thousand.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(1 << 20)
    .collect();
    for (name, bytes) in [
        ("noise", noise),
        ("MZ", b"MZ".repeat(1000)),
        ("PK", b"PK\x03\x04".repeat(1000)),
        ("tags", b"<b> <scripture> <htmlx> <?xml?> < script> <sv".repeat(100)),
    ] {
        let report = report("image/png", &png_with(&[png_chunk(b"prVt", &bytes)]));
        assert_eq!((report.coverage, report.findings), (Coverage::Complete, vec![]), "{name}");
    }
}

#[test]
fn broken_containers() {
    let edit = |mut file: Vec<u8>, at: usize, byte: u8| {
        file[at] = byte;
        file
    };
    let mut two_frames = jpeg_segment(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    two_frames.extend(b"stray bytes");
    let actl = png_chunk(b"acTL", &[0, 0, 0, 9, 0, 0, 0, 0]);
    let riff_short = edit(webp(), 4, 9);
    let xref = {
        let text = String::from_utf8(pdf()).unwrap();
        let at = text.rfind("startxref").unwrap();
        format!("{}startxref\n3\n%%EOF", &text[..at]).into_bytes()
    };
    let between = pdf_revised(b"PKfoo");
    for (name, media_type, file, expected, complete) in [
        ("png for a jpeg", "image/jpeg", png(), vec!["malformed"], false),
        ("no scan", "image/jpeg", vec![0xff, 0xd8, 0xff, 0xd9], vec!["malformed"], false),
        ("two frames, stray bytes", "image/jpeg", jpeg_with(&[two_frames]), vec!["malformed"], true),
        ("segment of length 1", "image/jpeg", edit(jpeg(), 5, 1), vec!["malformed"], false),
        ("checksum", "image/png", edit(png(), 16, 1), vec!["malformed"], true),
        (
            "no data",
            "image/png",
            b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xaeB`\x82".to_vec(),
            vec!["malformed"],
            false,
        ),
        ("frames missing", "image/png", png_with(&[actl]), vec!["malformed"], true),
        ("critical chunk", "image/png", png_with(&[png_chunk(b"CgBI", b"1234")]), vec!["malformed"], true),
        ("block of no kind", "image/gif", gif_with(b"\x77"), vec!["malformed"], false),
        ("no picture", "image/gif", b"GIF89a\x01\0\x01\0\0\0\0\x3b".to_vec(), vec!["malformed"], false),
        ("empty block", "image/gif", gif_with(b"\0\0\0"), vec!["malformed"], true),
        ("chunk over its end", "image/webp", riff_short, vec!["malformed"], false),
        ("no picture", "image/webp", webp_with(&[riff_chunk(b"VP8X", &[0; 10])]), vec!["malformed"], false),
        (
            "frame without picture",
            "image/webp",
            webp_with(&[webp_header(true, 1, 1), riff_chunk(b"ANMF", &[0; 16])]),
            vec!["malformed"],
            false,
        ),
        ("no header", "application/pdf", b"nothing here".to_vec(), vec!["malformed"], false),
        ("startxref astray", "application/pdf", xref, vec!["malformed"], false),
        (
            "first part of a linearized file",
            "application/pdf",
            pdf_with("/Linearized 1 /L 4096"),
            vec!["truncated"],
            false,
        ),
        ("foreign bytes between revisions", "application/pdf", between, vec!["malformed"], true),
    ] {
        let report = report(media_type, &file);
        assert_eq!(codes(&report), expected, "{media_type}: {name}: {report:?}");
        assert_eq!(report.coverage.is_complete(), complete, "{media_type}: {name}: {report:?}");
    }
}

#[test]
fn pictures_that_readers_show_differently() {
    let lossless = |width: u32, height: u32| {
        let bits = ((width - 1) | (height - 1) << 14).to_le_bytes();
        riff_chunk(b"VP8L", &[&[0x2f][..], &bits, &[0x88, 0x88]].concat())
    };
    let lossy = riff_chunk(b"VP8 ", &[0x10, 0, 0, 0x9d, 1, 0x2a, 7, 0, 9, 0, 0, 0]);
    let frame = |at: u8, size: u8, chunk: &[u8]| {
        let rectangle = [at, 0, 0, at, 0, 0, size - 1, 0, 0, size - 1, 0, 0, 0, 0, 0, 0];
        riff_chunk(b"ANMF", &[&rectangle[..], chunk].concat())
    };
    let gif_at = |rectangle: [u8; 8]| {
        let mut file = gif();
        let descriptor = file.iter().rposition(|byte| *byte == 0x2c).unwrap() + 1;
        file[descriptor..descriptor + 8].copy_from_slice(&rectangle);
        file
    };
    let control = |width: u8, left: u8| {
        let fields = [0, 0, 0, 0, 0, 0, 0, width, 0, 0, 0, 1, 0, 0, 0, left, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0];
        png_chunk(b"fcTL", &fields)
    };
    let announced = || png_chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    let (still, animated) = (webp_header(false, 4, 4), webp_header(true, 4, 4));
    for (name, media_type, file, expected) in [
        ("whole screen", "image/gif", gif_at([0, 0, 0, 0, 1, 0, 1, 0]), 0),
        ("wider than the screen", "image/gif", gif_at([0, 0, 0, 0, 2, 0, 1, 0]), 1),
        ("below the screen", "image/gif", gif_at([0, 0, 1, 0, 1, 0, 1, 0]), 1),
        ("of its canvas", "image/webp", webp_with(&[still.clone(), lossless(4, 4)]), 0),
        ("larger than its canvas", "image/webp", webp_with(&[still.clone(), lossless(9, 4)]), 1),
        ("lossy, of its canvas", "image/webp", webp_with(&[webp_header(false, 7, 9), lossy.clone()]), 0),
        ("lossy, of another size", "image/webp", webp_with(&[still.clone(), lossy]), 1),
        ("two pictures", "image/webp", webp_with(&[still.clone(), lossless(4, 4), lossless(4, 4)]), 1),
        ("two, simple", "image/webp", webp_with(&[lossless(4, 4), lossless(4, 4)]), 1),
        ("two headers", "image/webp", webp_with(&[still.clone(), still.clone(), lossless(4, 4)]), 1),
        (
            "a frame in a still",
            "image/webp",
            webp_with(&[still, lossless(4, 4), frame(0, 4, &lossless(4, 4))]),
            1,
        ),
        ("animated", "image/webp", webp_with(&[animated.clone(), frame(1, 2, &lossless(2, 2))]), 0),
        (
            "a still in an animation",
            "image/webp",
            webp_with(&[animated.clone(), frame(0, 4, &lossless(4, 4)), lossless(4, 4)]),
            1,
        ),
        ("a frame beyond", "image/webp", webp_with(&[animated.clone(), frame(1, 4, &lossless(4, 4))]), 1),
        ("a frame of another size", "image/webp", webp_with(&[animated, frame(0, 4, &lossless(2, 2))]), 1),
        ("one frame", "image/png", png_with(&[announced(), control(1, 0)]), 0),
        ("a frame too wide", "image/png", png_with(&[announced(), control(2, 0)]), 1),
        ("a frame too far right", "image/png", png_with(&[announced(), control(1, 1)]), 1),
        ("unannounced", "image/png", png_with(&[control(1, 0)]), 1),
    ] {
        let report = report(media_type, &file);
        assert_eq!(codes(&report), vec!["malformed"; expected], "{name}: {report:?}");
        assert_eq!(report.coverage, Coverage::Complete, "{name}: {report:?}");
    }
}

#[test]
fn pdf_prefixes_and_active_content() {
    let leading = report("application/pdf", &[&b"GIF89a junk "[..], &pdf()].concat());
    assert_eq!(codes(&leading), ["leading"]);
    assert_eq!(leading.findings[0].evidence, Some(Evidence::Bytes { offset: 0, length: 12 }));
    assert_eq!(
        codes(&report("application/pdf", &[&b"\xef\xbb\xbf\n"[..], &pdf()].concat())),
        Vec::<&str>::new()
    );
    for (dictionary, what) in [
        ("/OpenAction << /S /JavaScript /JS (app.alert(1)) >>", "scripts"),
        ("/A << /S/Launch/F(cmd.exe) >>", "launches programs"),
        ("/Names << /EmbeddedFiles 3 0 R >>", "embedded files"),
    ] {
        let report = report("application/pdf", &pdf_with(dictionary));
        assert_eq!(codes(&report), ["active"], "{dictionary}");
        assert!(report.findings[0].detail.contains(what), "{report:?}");
        assert_eq!(report.coverage, Coverage::Complete);
    }
    assert_eq!(codes(&report("application/pdf", &pdf_with("/JavaScripture /Launcher"))), Vec::<&str>::new());
}

#[test]
fn a_picture_that_no_index_lists_is_trailing() {
    let unlisted = report("image/jpeg", &[jpeg(), jpeg()].concat());
    assert_eq!(codes(&unlisted), ["trailing"]);
    assert!(unlisted.findings[0].detail.contains("jpeg"), "{unlisted:?}");
    let behind = [&jpeg_multi(0)[..], b"and more behind the last listed picture"].concat();
    assert_eq!(codes(&report("image/jpeg", &behind)), ["trailing"]);
}

#[test]
fn a_type_without_a_walk_and_a_size_that_is_wrong_are_failed() {
    assert!(!has_walk("application/x-foo"));
    let other = report("application/x-foo", &zip());
    assert!(matches!(other.coverage, Coverage::Failed(ref why) if why.code == "unsupported"), "{other:?}");
    for size in [0, 10, 1_000_000] {
        let report = walk("image/png", &mut Cursor::new(png()), size).unwrap();
        assert!(matches!(report.coverage, Coverage::Failed(ref why) if why.code == "io.size"), "{report:?}");
    }
}

#[test]
fn the_short_tag_of_php_is_php_too() {
    for (comment, found) in [
        (&b"<?=`$_GET[0]`?>"[..], true),
        (b"<?=eval($_POST['x']);", true),
        (b"<?=\x80\x81\x82 and more bytes", false),
        (b"<?=?>", false),
    ] {
        let file = jpeg_with(&[jpeg_segment(0xfe, comment)]);
        let report = walk("image/jpeg", &mut Cursor::new(&file), file.len() as u64).unwrap();
        assert_eq!(
            report.findings.iter().any(|f| f.code == "structure.embedded"),
            found,
            "{}",
            comment.escape_ascii()
        );
    }
}
