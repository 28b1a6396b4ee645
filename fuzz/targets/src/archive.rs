//! Walks and lists of archives. The list is what the unpacker goes by, so that it may not be surer than the walk.

use crate::{choose, chosen, holds, is_clean};
use lazaret_fixtures::{each, raw};
use lazaret_inspect::archive::{iso, tar, walk, zip};
use lazaret_report::{Coverage, Report};
use std::io::Cursor;

/// Canonical media types. New ones go to the end: seeds count from the beginning.
const TYPES: [&str; 12] = [
    "application/zip",
    "application/x-tar",
    "application/x-7z-compressed",
    "application/vnd.rar",
    "application/x-iso9660-image",
    "application/vnd.ms-cab-compressed",
    "application/x-cfb",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.oasis.opendocument.text",
    "application/epub+zip",
    "application/java-archive",
    "application/vnd.android.package-archive",
];

pub fn run(data: &[u8]) {
    let Some((media_type, file)) = choose(&TYPES, data) else { return };
    let report = walked(media_type, file);
    if is_clean(&report) {
        let more = walked(media_type, &[file, b"\xf1"].concat());
        assert!(!is_clean(&more), "{media_type}: a byte behind the end");
    }
    let listed = match *media_type {
        "application/zip" => listed_zip(file),
        "application/x-tar" => listed_tar(file),
        "application/x-iso9660-image" => listed_iso(file),
        _ => return,
    };
    assert!(listed.is_complete() || !report.coverage.is_complete(), "{listed:?}, and {report:?}");
}

fn walked(media_type: &str, file: &[u8]) -> Report {
    let size = file.len() as u64;
    let report = walk(media_type, &mut Cursor::new(file), size).ok().flatten();
    let report = report.unwrap_or_else(|| panic!("{media_type} can be walked"));
    holds(&report, size);
    report
}

/// Every stretch lies within the file.
fn within(file: &[u8], begin: u64, length: u64) {
    let end = begin.checked_add(length);
    assert!(end.is_some_and(|end| end <= file.len() as u64), "{begin} + {length} of {}", file.len());
}

fn listed_zip(file: &[u8]) -> Coverage {
    let listing = zip::list(&mut Cursor::new(file), file.len() as u64);
    let listing = listing.unwrap_or_else(|error| panic!("{error}"));
    let mut packed = 0u64;
    for member in &listing.members {
        within(file, member.data, member.packed);
        packed += member.packed;
    }
    let fits = packed <= file.len() as u64;
    assert!(fits || listing.overlaps, "members of {packed} bytes in {}, and no overlap", file.len());
    assert!(!listing.overlaps || !listing.coverage.is_complete(), "a bomb that was looked at wholly");
    listing.coverage
}

fn listed_tar(file: &[u8]) -> Coverage {
    let listing = tar::list(&mut Cursor::new(file), file.len() as u64);
    let listing = listing.unwrap_or_else(|error| panic!("{error}"));
    listing.members.iter().for_each(|member| within(file, member.data, member.size));
    listing.coverage
}

fn listed_iso(file: &[u8]) -> Coverage {
    let listing = iso::list(&mut Cursor::new(file), file.len() as u64);
    let listing = listing.unwrap_or_else(|error| panic!("{error}"));
    listing.members.iter().for_each(|member| within(file, member.data, member.size));
    listing.coverage
}

pub fn seeds() -> Vec<Vec<u8>> {
    let files = each::all();
    let mut seeds: Vec<_> =
        files.iter().filter_map(|file| chosen(&TYPES, &file.media_type, &file.bytes)).collect();
    let heads: [(&str, &[u8]); 3] = [
        ("application/vnd.rar", b"Rar!\x1a\x07\x01\0"),
        (
            "application/vnd.ms-cab-compressed",
            b"MSCF\0\0\0\0\x2c\0\0\0\0\0\0\0\x2c\0\0\0\0\0\0\0\x03\x01\0\0\0\0\0\0\0\0\0\0",
        ),
        ("application/x-cfb", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ];
    seeds.extend(heads.iter().filter_map(|(media_type, head)| chosen(&TYPES, media_type, head)));
    let part = raw::Part::stored("a", b"b");
    let zips = [
        raw::overlapping(3, b"kernel"),
        raw::nested(2, "a", b"b"),
        raw::RawZip { before: b"#!/bin/sh\n".to_vec(), ..Default::default() }.build(&[part]),
    ];
    seeds.extend(zips.iter().filter_map(|zip| chosen(&TYPES, &"application/zip", zip)));
    seeds
}
