//! Walks of containers. A file that is walked to its end without a finding has its last byte in its place: with one more
//! behind it, or, where the end is told, without its last one, it is no such file.

use crate::{choose, chosen, holds, is_clean};
use lazaret_fixtures::each;
use lazaret_inspect::structure::walk;
use lazaret_report::Report;
use std::io::Cursor;

/// Canonical media types. New ones go to the end: seeds count from the beginning.
const TYPES: [&str; 18] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "image/avif",
    "image/heic",
    "video/mp4",
    "video/x-matroska",
    "video/webm",
    "audio/mpeg",
    "application/ogg",
    "audio/wav",
    "application/pdf",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/html",
];

/// Formats that tell where they end.
const ENDED: [&str; 5] = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/svg+xml"];

pub fn run(data: &[u8]) {
    let Some((media_type, file)) = choose(&TYPES, data) else { return };
    let report = walked(media_type, file);
    assert_eq!(report, walked(media_type, file), "a walk says the same again");
    if !is_clean(&report) {
        return;
    }
    // Text may go on behind a page.
    if *media_type != "text/html" {
        let more = walked(media_type, &[file, b"\xf1"].concat());
        assert!(!is_clean(&more), "{media_type}: a byte behind the end");
    }
    if ENDED.contains(media_type)
        && let Some((last, less)) = file.split_last()
        // Zeros and white space behind the end are padding.
        && !matches!(last, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
    {
        assert!(!is_clean(&walked(media_type, less)), "{media_type}: without the last byte");
    }
}

fn walked(media_type: &str, file: &[u8]) -> Report {
    let size = file.len() as u64;
    let report = walk(media_type, &mut Cursor::new(file), size);
    // Memory can always be read.
    let report = report.unwrap_or_else(|error| panic!("{media_type}: {error}"));
    holds(&report, size);
    report
}

pub fn seeds() -> Vec<Vec<u8>> {
    each::all().iter().filter_map(|file| chosen(&TYPES, &file.media_type, &file.bytes)).collect()
}
