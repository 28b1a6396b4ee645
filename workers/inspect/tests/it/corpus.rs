//! Walks over real files: all that is well made is complete and without findings, and cut short it is not.

use crate::support;
use lazaret_inspect::{Declared, has_walk, identify_by_magic, walk};
use lazaret_report::Report;
use std::io::Cursor;

fn report(media_type: &str, file: &[u8]) -> Report {
    walk(media_type, &mut Cursor::new(file), file.len() as u64).unwrap()
}

#[test]
fn real_files_walk_to_their_end() {
    let Some(folder) = support::corpus() else {
        eprintln!("skipped: no corpus beside this repository");
        return;
    };
    // Beginnings of files, and one that is spoilt on purpose.
    let broken = [
        "fixture.ogv",
        "fixture-unknown-ogg.ogx",
        "fixture.mp2",
        "fixture-mpa.mp2",
        "fixture-ffe3.mp3",
        "fixture-mp2l3.mp3",
        "fixture-bad-offset-10.mp3",
        "fixture-corrupt.mkv",
        "fixture2.mkv",
        "fixture-isom.mp4",
        "fixture-isomv2.mp4",
        "fixture-mp4v2.mp4",
        "fixture-dash.mp4",
        "fixture-moov.mov",
        "fixture-babys-songbook.m4b.m4a",
        "fixture.f4a",
        "fixture.f4b",
        "fixture.f4p",
        "fixture.f4v",
        "fixture.m4b",
        "fixture.m4p",
        "fixture.3g2",
        "fixture-sony-zv-e10.arw",
        "fixture-Leica-M10.dng",
        "fixture.nef",
        "fixture2.nef",
        "fixture3.nef",
        "fixture4.nef",
    ];
    let mut walked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let file = std::fs::read(entry.path()).unwrap();
        let media_type = identify_by_magic(&file[..file.len().min(8192)], Declared::default()).media_type;
        // Archives have tests of their own; another sound may stand behind a long ID3 tag.
        let archive = lazaret_inspect::archive::Format::of(&media_type).is_some();
        let other_sound = name.starts_with("fixture-id3v2.") || name == "fixture.jmp";
        // Text has no end of its own.
        let text = media_type.starts_with("text/plain") || media_type == "application/json";
        if !has_walk(&media_type) || archive || other_sound || text {
            continue;
        }
        walked += 1;
        let whole = report(&media_type, &file);
        if broken.contains(&name.as_str()) {
            assert!(!whole.coverage.is_complete(), "{name}: {whole:?}");
            continue;
        }
        assert!(whole.coverage.is_complete(), "{name}: {whole:?}");
        assert_eq!(whole.findings, [], "{name}");
        for part in 1..20 {
            let cut = report(&media_type, &file[..file.len() * part / 20]);
            assert!(!cut.coverage.is_complete(), "{name}, {part}/20: {cut:?}");
        }
        let behind = report(&media_type, &[&file[..], b"<?php system('id'); ?> and so on"].concat());
        let codes: Vec<_> = behind.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, ["structure.trailing", "structure.embedded"], "{name}");
    }
    assert!(walked >= 50, "only {walked}");
}
