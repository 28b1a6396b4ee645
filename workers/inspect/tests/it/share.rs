//! The true type of the corpus's files, by a table that people wrote.

use crate::support;
use lazaret_inspect::{Declared, identify};
use std::collections::BTreeMap;
use std::fs::File;

const TABLE: &str = include_str!("../data/types.tsv");

#[test]
fn the_true_type_is_named_for_nearly_all_files() {
    let Some(folder) = support::corpus() else {
        eprintln!("skipped: no corpus beside this repository");
        return;
    };
    let folder = folder.parent().unwrap().to_owned();
    let mut model = support::model();
    let mut formats: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in TABLE.lines().filter(|row| !row.starts_with('#')) {
        let [format, path, types] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let file = File::open(folder.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let named = identify(&mut model, &file, Declared::default()).unwrap().media_type;
        let right = types.split(' ').any(|t| t == named);
        let (named_right, all) = formats.entry(format).or_default();
        *named_right += u32::from(right);
        *all += 1;
        if !right {
            wrong.push(format!("{path} is {types} and named {named}"));
        }
    }
    let (right, all) = formats.values().fold((0, 0), |(a, b), (right, all)| (a + right, b + all));
    for (format, (right, all)) in &formats {
        println!("{format}: {right} of {all}");
    }
    println!("{right} of {all} files: {:.1} %; wrong: {wrong:#?}", 100.0 * f64::from(right) / f64::from(all));
    assert!(all > 130 && right * 100 >= all * 95, "{right} of {all}: {wrong:#?}");
}

/// What would open other files or connections under the name of a picture or a film is called by its own name.
#[test]
fn lists_of_other_files_are_no_media() {
    let mut model = support::model();
    for (text, media_type) in [
        ("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nfile:///etc/passwd\n", "application/vnd.apple.mpegurl"),
        ("#EXTM3U\r\nhttp://a.example/x.ts\r\n", "application/vnd.apple.mpegurl"),
        ("\u{feff}#EXTM3U\nx.ts\n", "application/vnd.apple.mpegurl"),
        ("ffconcat version 1.0\nfile '/etc/passwd'\n", "application/x-ffconcat"),
        (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n",
            "application/sdp",
        ),
        (
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>http://a.example/</BaseURL></MPD>\n",
            "application/dash+xml",
        ),
    ] {
        for name in ["film.mp4", "film.mov", "film.mkv", "photo.jpg", "sound.mp3", "sound.wav"] {
            let declared = Declared { media_type: Some("video/mp4"), filename: Some(name) };
            let file = support::file(text.as_bytes());
            let identified = identify(&mut model, &file, declared).unwrap();
            assert_eq!(identified.media_type, media_type, "{text}");
            let codes: Vec<_> = identified.report.findings.iter().map(|f| f.code.as_str()).collect();
            assert!(
                codes.contains(&"type.mismatch") && codes.contains(&"type.extension"),
                "{name}: {codes:?}"
            );
            assert!(!lazaret_inspect::has_walk(media_type));
        }
    }
}

/// A picture, a film or a sound that is text under another name: what the walks are for is not even begun.
#[test]
fn programs_under_any_name() {
    let mut model = support::model();
    for (bytes, kind) in [
        (crate::build::exe(), "windows"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec(), "unix"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0\x02\0\0\0\x10\0\0\0".to_vec(), "macos"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07\0\0\0\x03\0\0\x10\0".to_vec(), "macos"),
        (b"#!/bin/sh\nrm -rf /\n".to_vec(), "a script"),
        (b"#! /usr/bin/env python3\nprint(1)\n".to_vec(), "a script"),
        (b"[InternetShortcut]\r\nURL=file://a.example/x.exe\r\n".to_vec(), "windows shortcut"),
        (b"[Desktop Entry]\nType=Application\nExec=sh -c x\n".to_vec(), "desktop shortcut"),
    ] {
        for name in ["invoice.pdf", "photo.jpg", "notes.txt", "noext"] {
            let declared = Declared { media_type: None, filename: Some(name) };
            let identified = identify(&mut model, &support::file(&bytes), declared).unwrap();
            let program = identified.report.findings.iter().find(|f| f.code == "type.executable");
            assert!(program.is_some_and(|f| f.detail.contains(kind)), "{kind} as {name}: {identified:?}");
        }
    }
}
