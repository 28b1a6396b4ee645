//! The walks of the wider formats: what is clean, what is not, and where it is seen.

use crate::support::Repeated;
use lazaret_fixtures::{film::*, heif as items, sound::*, still::*};
use lazaret_inspect::{has_walk, walk};
use lazaret_report::{Coverage, Evidence, Report};
use std::io::Cursor;

pub fn report(media_type: &str, file: &[u8]) -> Report {
    walk(media_type, &mut Cursor::new(file), file.len() as u64).unwrap()
}

pub fn codes(report: &Report) -> Vec<&str> {
    let mut codes: Vec<_> = report.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
    codes.dedup();
    codes
}

/// The code of partial or failed coverage, or an empty one.
pub fn why(report: &Report) -> &str {
    match &report.coverage {
        Coverage::Complete => "",
        Coverage::Partial(why) | Coverage::Failed(why) => &why.code,
    }
}

/// A picture of 4 by 2 pixels: a run, four literal ones with padding, the end of a row, a jump, the end.
const RUNS: [u8; 14] = [4, 7, 0, 0, 0, 3, 1, 2, 3, 0, 1, 9, 0, 1];

/// Every format's good files, small enough to be cut at each byte.
pub fn good() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let exif = vec![(34665, 4, vec![8 + 128 + 2 + 10 * 12 + 4 + 8 + 8])];
    let mut with_exif = tiff(&exif);
    with_exif.extend(b"\x01\0\x00\x90\x07\0\x04\0\0\x000232\0\0\0\0");
    let tagged = [id3v2(&[(b"TIT2", b"\0A song")], 20), mp3(3), apev2(), id3v1()].concat();
    let chained = [ogg(), ogg()].concat();
    let heic = heif(b"heic", b"");
    vec![
        ("bmp", "image/bmp", bmp(5, 3)),
        ("run-length bmp", "image/bmp", bmp_run_lengths(4, 2, &RUNS)),
        ("tiff", "image/tiff", tiff(&[])),
        ("tiff with exif", "image/tiff", with_exif),
        ("mp4", "video/mp4", mp4()),
        ("mp4 of open length", "video/quicktime", mp4_with(&Mp4 { open: true, ..Mp4::default() })),
        ("heic", "image/heic", heic),
        ("avif", "image/avif", heif(b"avif", b"")),
        ("heic of tiles", "image/heic", items::phone(|_| ())),
        ("matroska", "video/x-matroska", matroska(b"matroska", b"")),
        ("webm", "video/webm", matroska(b"webm", &element(b"\xec", &[0; 30]))),
        ("mp3", "audio/mpeg", mp3(3)),
        ("tagged mp3", "audio/mpeg", tagged),
        ("ogg", "application/ogg", ogg()),
        ("chained ogg", "audio/ogg", chained),
        ("wav", "audio/wav", wav(&[])),
        ("wav with a list", "audio/wav", wav(&[(b"LIST", b"INFOISFT\x03\0\0\0abc\0")])),
        ("rf64", "audio/wav", rf64()),
    ]
}

#[test]
fn good_files_are_complete_and_without_findings() {
    for (name, media_type, file) in good() {
        assert!(has_walk(media_type), "{media_type}");
        let report = report(media_type, &file);
        assert_eq!((&report.coverage, &report.findings), (&Coverage::Complete, &vec![]), "{name}");
        let mut padded = file.clone();
        padded.extend([0; 3000]);
        // Zeros behind an open length are its content, and two zeros may be the beginning of an element.
        if !name.contains("open") {
            assert_eq!(codes(&self::report(media_type, &padded)), Vec::<&str>::new(), "{name}, padded");
        }
    }
}

#[test]
fn cut_at_any_byte_none_is_complete() {
    for (name, media_type, file) in good() {
        for cut in 0..file.len() {
            let report = report(media_type, &file[..cut]);
            // Tags, the chunk behind the sound and the second of two files are not missed where they are missing.
            let whole_without = match name {
                "tagged mp3" => cut >= file.len() - id3v1().len() - apev2().len(),
                "chained ogg" => cut == file.len() / 2,
                _ => false,
            };
            assert!(whole_without || !report.coverage.is_complete(), "{name} cut at {cut}: {report:?}");
        }
    }
}

#[test]
fn a_second_format_behind_is_trailing_and_embedded() {
    for (name, media_type, file) in good().into_iter().filter(|(name, ..)| !name.contains("open")) {
        for (what, payload) in [
            ("zip", crate::build::zip()),
            ("php", b"<?php system($_GET['c']); ?> and more".to_vec()),
            ("windows program", crate::build::exe()),
            ("java bytecode", b"\xca\xfe\xba\xbe\0\0\0\x34\0\x20\x07 and more of it".to_vec()),
            ("macos program", b"\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0\x02\0\0\0 and more of it".to_vec()),
            ("cabinet", b"MSCF\0\0\0\0\x40\0\0\0\0\0\0\0\x2c\0\0\0\0\0\0\0\x03\x01\x01\0".to_vec()),
        ] {
            let report = report(media_type, &[&file[..], &payload].concat());
            assert_eq!(codes(&report), ["trailing", "embedded"], "{what} behind {name}: {report:?}");
            assert!(report.findings[1].detail.contains(what), "{what} behind {name}: {report:?}");
            let (offset, length) = (file.len() as u64, payload.len() as u64);
            assert_eq!(
                report.findings[0].evidence,
                Some(Evidence::Bytes { offset, length }),
                "{what}: {name}"
            );
            assert!(report.coverage.is_complete(), "{what} behind {name}: {report:?}");
        }
    }
}

/// A name, the media type, the file, its findings, and the code of its coverage.
type Case = (&'static str, &'static str, Vec<u8>, &'static [&'static str], &'static str);

/// Files with one fault each.
#[test]
fn what_is_wrong_is_found() {
    let edit = |mut file: Vec<u8>, at: usize, bytes: &[u8]| {
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let gap = [&tiff(&[])[..], b"\0\0hidden"].concat();
    let moved = edit(bmp(5, 3), 10, &58_u32.to_le_bytes());
    let moved = [&moved[..54], b"evil", &moved[54..]].concat();
    let mut linked = bmp(5, 3);
    linked[14] = 124;
    linked[10] = 138;
    linked.splice(54..54, [0; 84]);
    linked[70..74].copy_from_slice(b"KNIL");
    let link = linked.len() as u32 - 14;
    linked[126..134].copy_from_slice(&[link.to_le_bytes(), 4_u32.to_le_bytes()].concat());
    linked.extend(b"C:\\x");
    let length = linked.len() as u32;
    linked[2..6].copy_from_slice(&length.to_le_bytes());
    let mp4_file = mp4();
    let mp4 = |asked: Mp4| mp4_with(&asked);
    let id3 = |name, content: &[u8]| [id3v2(&[(name, content)], 9), mp3(2)].concat();
    let attached = element(b"\x19\x41\xa4\x69", &element(b"\x61\xa7", &element(b"\x46\x5c", b"MZ")));
    let linked_film = element(b"\x15\x49\xa9\x66", &element(b"\x3e\xb9\x23", &[7; 16]));
    let void = element(b"\xec", b"not void");
    let locked = element(
        b"\x16\x54\xae\x6b",
        &element(b"\xae", &element(b"\x6d\x80", &element(b"\x62\x40", &element(b"\x50\x35", &[])))),
    );
    let cases: Vec<Case> = vec![
        ("other magic", "image/bmp", tiff(&[]), &["malformed"], "malformed"),
        ("bytes before the pixels", "image/bmp", moved, &["gap", "malformed"], ""),
        ("profile elsewhere", "image/bmp", linked, &["active"], ""),
        ("size past the file", "image/bmp", edit(bmp(5, 3), 2, &[255, 255]), &["truncated"], "truncated"),
        ("size within the pixels", "image/bmp", edit(bmp(5, 3), 2, &[60, 0]), &["malformed"], ""),
        (
            "gigantic",
            "image/bmp",
            edit(bmp(5, 3), 18, &[255, 255, 255, 127, 255, 255, 255, 127]),
            &["truncated"],
            "truncated",
        ),
        ("palette too long", "image/bmp", edit(bmp(5, 3), 46, &[0, 0, 0, 1]), &["malformed"], "malformed"),
        (
            "directory that is its own next",
            "image/tiff",
            edit(tiff(&[]), 8 + 128 + 2 + 108, &[136]),
            &["malformed"],
            "malformed",
        ),
        ("bytes behind", "image/tiff", gap, &["trailing"], ""),
        (
            "strip past the file",
            "image/tiff",
            tiff(&[(324, 4, vec![8]), (325, 4, vec![9000])]),
            &["truncated"],
            "truncated",
        ),
        ("overlap", "image/tiff", tiff(&[(324, 4, vec![40]), (325, 4, vec![40])]), &["malformed"], ""),
        ("strips without lengths", "image/tiff", tiff(&[(324, 4, vec![8])]), &["malformed"], "malformed"),
        (
            "value of 2^32 numbers",
            "image/tiff",
            edit(tiff(&[]), 136 + 2 + 4, &[255, 255, 255, 255]),
            &["truncated"],
            "truncated",
        ),
        ("kind unknown", "image/tiff", tiff(&[(700, 99, vec![1])]), &["malformed"], ""),
        ("tables of old", "image/tiff", tiff(&[(519, 4, vec![8])]), &[], "unsupported"),
        ("data elsewhere", "video/mp4", mp4(Mp4 { data: (*b"url ", 0), ..Mp4::default() }), &["active"], ""),
        ("alias", "video/quicktime", mp4(Mp4 { data: (*b"alis", 0), ..Mp4::default() }), &["active"], ""),
        (
            "chunk past the file",
            "video/mp4",
            mp4(Mp4 { shift: 9000, ..Mp4::default() }),
            &["truncated"],
            "truncated",
        ),
        (
            "unclaimed",
            "video/mp4",
            mp4(Mp4 { unclaimed: b"#!/bin/sh".to_vec(), ..Mp4::default() }),
            &["gap"],
            "",
        ),
        (
            "chunk in the movie header",
            "video/mp4",
            mp4(Mp4 { shift: 0_u32.wrapping_sub(99), ..Mp4::default() }),
            &["malformed", "gap"],
            "",
        ),
        ("unclaimed in a picture", "image/avif", heif(b"avif", b"#!/bin/sh"), &["gap"], ""),
        (
            "unclaimed beside the description of a picture",
            "image/avif",
            items::heif(b"avif", 1, &[items::AV1.item()], &boxed(b"idat", b"#!/bin/sh")),
            &["gap"],
            "",
        ),
        (
            "box shorter than its head",
            "video/mp4",
            edit(mp4_file.clone(), 28, &[0, 0, 0, 3]),
            &["malformed"],
            "malformed",
        ),
        (
            "box longer than the one around it",
            "video/mp4",
            edit(mp4_file.clone(), 28, &[0, 0, 9, 0]),
            &["malformed"],
            "malformed",
        ),
        ("boxes within boxes", "video/mp4", nested_boxes(5000), &["malformed"], "malformed"),
        ("attached file", "video/x-matroska", matroska(b"matroska", &attached), &["active"], ""),
        ("goes on elsewhere", "video/x-matroska", matroska(b"matroska", &linked_film), &["active"], ""),
        ("void that is not", "video/webm", matroska(b"webm", &void), &["gap"], ""),
        ("encrypted track", "video/webm", matroska(b"webm", &locked), &[], "encrypted"),
        ("other document", "video/webm", matroska(b"evil", b""), &["malformed"], ""),
        (
            "element past its segment",
            "video/webm",
            [edit(matroska(b"webm", b""), 48, &[9]), vec![0; 3000]].concat(),
            &["malformed"],
            "malformed",
        ),
        (
            "file in a tag",
            "audio/mpeg",
            id3(b"GEOB", b"\0application/x-msdownload\0x.exe\0\0MZ"),
            &["active"],
            "",
        ),
        ("picture elsewhere", "audio/mpeg", id3(b"APIC", b"\0-->\0\x03\0http://a.example/"), &["active"], ""),
        (
            "between frames",
            "audio/mpeg",
            [mp3_frames(3), b"evil bytes".to_vec(), mp3_frames(3)].concat(),
            &["gap"],
            "",
        ),
        ("before the tag", "audio/mpeg", [mp3(2), b"evil bytes".to_vec(), id3v1()].concat(), &["gap"], ""),
        ("frames missing", "audio/mpeg", mp3(5)[..417 * 5].to_vec(), &["truncated"], "truncated"),
        ("no frame", "audio/mpeg", id3v2(&[], 9), &["malformed"], "malformed"),
        ("free bit rate", "audio/mpeg", b"\xff\xfb\x04\x64 and more".to_vec(), &[], "unsupported"),
        ("checksum", "audio/ogg", edit(ogg(), 60, b"evil"), &["malformed"], ""),
        (
            "stream without its end",
            "audio/ogg",
            [ogg_page(2, 7, 0, b"a"), ogg()].concat(),
            &["malformed"],
            "",
        ),
        (
            "page missing",
            "audio/ogg",
            [ogg_page(2, 7, 0, b"a"), ogg_page(4, 7, 2, b"b")].concat(),
            &["malformed"],
            "",
        ),
        ("chunk past its end", "audio/wav", edit(wav(&[]), 40, &[255]), &["malformed"], "malformed"),
        ("end past the file", "audio/wav", edit(wav(&[]), 5, &[9]), &["truncated"], "truncated"),
        ("sound twice", "audio/wav", wav(&[(b"data", &[1; 10])]), &["malformed"], ""),
        ("no sound", "audio/wav", edit(wav(&[]), 36, b"junk"), &["malformed"], "malformed"),
        ("sizes of no sense", "audio/wav", edit(rf64(), 20, &[255; 8]), &["malformed"], "malformed"),
    ];
    let mut wrong = Vec::new();
    for (name, media_type, file, found, coverage) in cases {
        let report = report(media_type, &file);
        if codes(&report) != found || why(&report) != coverage {
            wrong.push(format!("{media_type}, {name}: {found:?} {coverage:?} is {report:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Both may leave out their lengths, and then end with the file or where something else begins.
#[test]
fn live_recordings() {
    let live = report("video/webm", &matroska_live());
    assert_eq!((live.coverage, live.findings), (Coverage::Complete, vec![]));
    let behind = report("video/webm", &[matroska_live(), crate::build::zip()].concat());
    assert_eq!(codes(&behind), ["truncated", "embedded"], "{behind:?}");
    assert!(!behind.coverage.is_complete());
}

/// A picture that a browser would also take for a script: its first bytes are a name, and what is binary is a comment or
/// a text.
#[test]
fn a_picture_that_is_a_script() {
    let gif = |sides: &[u8], script: &str| {
        let screen = [b"GIF89a", sides, b"\x80\0\0\0\0\0\xff\xff\xff\x21\xfe"].concat();
        let comment = [&[script.len() as u8], script.as_bytes(), b"\0"].concat();
        [screen, comment, b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b".to_vec()].concat()
    };
    for (sides, script, is_script) in [
        (b"/*\x01\0", "*/=1;alert(document.domain)//", true),
        (b"/*\x01\0", "*/:alert(1)//", true),
        (b"/*\x01\0", "*/\n;f()", true),
        (b"=1/*", "*/;alert(1)//", true),
        (b"=0/*", "*/,alert(1)/*", true),
        (b"=\"\x01\0", "\";alert(1)//", true),
        (b"='\x01\0", "'+alert(1)//", true),
        (b"=`\x01\0", "`;alert(1)/*", true),
        (b"/*\x01\0", "a comment that stays one", false),
        (b"=\0\x01\0", "*/ and a width of 61 \"", false),
        (b"\x01\0\x01\0", "*/=1;alert(document.domain)//", false),
    ] {
        let report = report("image/gif", &gif(sides, script));
        let told =
            report.findings.iter().any(|f| f.code == "structure.embedded" && f.detail.contains("javascript"));
        assert_eq!(
            (told, report.findings.len()),
            (is_script, usize::from(is_script)),
            "{script}: {report:?}"
        );
    }
}

/// Directories by the thousand that share one long list: read once, it would be bearable.
#[test]
fn a_list_that_is_read_again_and_again() {
    let long = 1_u32 << 19;
    let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
    let directories = 2000_u32;
    let list = 8 + directories * 30;
    for i in 1..=directories {
        file.extend(b"\x02\0\x11\x01\x04\0");
        file.extend([long, list].iter().flat_map(|n| n.to_le_bytes()));
        file.extend(b"\x17\x01\x04\0");
        file.extend([long, list].iter().flat_map(|n| n.to_le_bytes()));
        file.extend((if i == directories { 0 } else { 8 + i * 30 }).to_le_bytes());
    }
    file.resize(file.len() + long as usize * 4, 0);
    let size = file.len() as u64;
    let mut file = Repeated::new(file, vec![0], size);
    let report = walk("image/tiff", &mut file, size).unwrap();
    assert_eq!(why(&report), "limit.parts");
    assert!(file.read < 40 * size, "{} of {size} bytes", file.read);
}
