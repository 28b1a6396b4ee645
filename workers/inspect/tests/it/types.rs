//! The media type through the public door: real files, lies, and files that must not be called lies.

use crate::{build, support};
use lazaret_inspect::{ContentModel, Declared, Identified, identify, identify_by_magic};
use std::io::Write;

fn by_both(model: &mut ContentModel, bytes: &[u8], declared: Declared<'_>) -> Identified {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    identify(model, &file, declared).unwrap()
}

fn codes(identified: &Identified) -> Vec<&str> {
    identified.report.findings.iter().map(|f| f.code.trim_start_matches("type.")).collect()
}

const HTML: &[u8] =
    b"<!DOCTYPE html>\n<html><head><title>A page</title></head><body><p>Hello</p></body></html>\n";
const SVG: &[u8] =
    b"<?xml version=\"1.0\"?>\n<!-- made by hand -->\n<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></svg>\n";
const PHP: &[u8] = b"<?php\nif (isset($_GET['c'])) { system($_GET['c']); }\necho 'done';\n?>\n";
const SHELL: &[u8] = b"#!/bin/sh\nset -eu\nfor f in *.txt; do echo \"$f\"; done\n";
const RUST: &[u8] = b"#![forbid(unsafe_code)]\nuse std::io;\nfn main() -> io::Result<()> {\n    println!(\"hi\");\n    Ok(())\n}\n";
const CSV: &[u8] = b"name,age,town\nAnna,31,Bonn\nBert,42,Ulm\nCarl,53,Kiel\nDora,28,Jena\n";
const PROSE: &[u8] = b"MZ is how this letter begins, and BM would be another beginning.\nIt goes on for a while, in plain words.\n";

#[test]
fn content_claim_and_name() {
    let mut model = support::model();
    let empty: &[&str] = &[];
    for (bytes, media_type, filename, expected, found) in [
        (build::jpeg(), "image/jpg", "photo.JPG", "image/jpeg", empty),
        (build::jpeg(), "image/png", "photo.jpg", "image/jpeg", &["mismatch"]),
        (build::jpeg(), "", "photo.png", "image/jpeg", &["extension"]),
        (build::png(), "application/octet-stream", "photo", "image/png", empty),
        (build::gif(), "image/gif", "a.gif", "image/gif", empty),
        (build::webp(), "image/webp; charset=binary", "a.webp", "image/webp", empty),
        (build::pdf(), "application/x-pdf", "a.pdf", "application/pdf", empty),
        (build::zip(), "application/x-zip-compressed", "a.zip", "application/zip", empty),
        (build::zip(), "image/jpeg", "a.jpg", "application/zip", &["mismatch", "extension"]),
        (
            build::exe(),
            "image/jpeg",
            "holiday.jpg",
            "application/vnd.microsoft.portable-executable",
            &["mismatch", "extension", "executable"],
        ),
        (build::exe(), "", "setup.exe", "application/vnd.microsoft.portable-executable", &["executable"]),
        (HTML.to_vec(), "text/html; charset=utf-8", "a.html", "text/html", empty),
        (HTML.to_vec(), "text/plain", "a.txt", "text/html", &["mismatch", "extension"]),
        (SVG.to_vec(), "image/svg+xml", "a.svg", "image/svg+xml", empty),
        (SVG.to_vec(), "image/png", "a.png", "image/svg+xml", &["mismatch", "extension"]),
        (PHP.to_vec(), "image/gif", "shell.gif", "text/x-php", &["mismatch", "extension"]),
        (SHELL.to_vec(), "text/plain", "notes.txt", "text/x-shellscript", &["executable"]),
        (RUST.to_vec(), "text/plain", "main.rs", "application/x-rust", empty),
        (CSV.to_vec(), "text/csv", "people.csv", "text/csv", empty),
        (CSV.to_vec(), "text/plain", "people.txt", "text/csv", empty),
        (PROSE.to_vec(), "text/plain", "letter.txt", "text/plain", empty),
        (
            b"BM is how this one begins, and goes on in words.\n".to_vec(),
            "text/plain",
            "b.txt",
            "text/plain",
            empty,
        ),
        (PROSE.to_vec(), "", "letter.jpg", "text/plain", &["extension"]),
        (
            vec![0x93, 0, 7, 0xfe, 0x11, 0, 0x80, 0x99, 1, 2, 3, 4, 250, 251],
            "",
            "a.bin",
            "application/octet-stream",
            &["unknown"],
        ),
        (
            vec![0x93, 0, 7, 0xfe, 0x11, 0, 0x80, 0x99, 1, 2, 3, 4, 250, 251],
            "",
            "a.jpg",
            "application/octet-stream",
            &["extension", "unknown"],
        ),
        (b"hi".to_vec(), "text/plain", "a.txt", "text/plain", empty),
        (Vec::new(), "image/jpeg", "a.jpg", "application/octet-stream", &["empty"]),
    ] {
        let declared =
            Declared { media_type: Some(media_type).filter(|m| !m.is_empty()), filename: Some(filename) };
        let identified = by_both(&mut model, &bytes, declared);
        assert_eq!(identified.media_type, expected, "{filename} as {media_type}");
        assert_eq!(codes(&identified), found, "{filename} as {media_type}: {identified:?}");
        assert!(identified.report.coverage.is_complete());
        assert_eq!(identified.report.engine.name, "inspect");
    }
}

#[test]
fn a_gif_that_is_php_behind_its_header_is_a_conflict() {
    let mut model = support::model();
    let polyglot = [&b"GIF89a;\n"[..], &PHP.repeat(8)].concat();
    let identified = by_both(&mut model, &polyglot, Declared { media_type: None, filename: Some("a.gif") });
    assert_eq!(
        (identified.media_type.as_str(), codes(&identified)),
        ("image/gif", vec!["conflict"]),
        "{identified:?}"
    );
}

#[test]
fn names_are_escaped_and_cut() {
    let name = format!("{}\u{202e}gpj\u{1b}[31m.\n.png", "x".repeat(10_000));
    let identified = identify_by_magic(&build::jpeg(), Declared { media_type: None, filename: Some(&name) });
    let detail = &identified.report.findings[0].detail;
    assert!(detail.len() < 200 && detail.bytes().all(|b| (b' '..=b'~').contains(&b)), "{detail}");
    assert!(detail.contains("\\u{202e}gpj"), "{detail}");
}

#[test]
fn without_the_model_the_magic_bytes_decide() {
    for (bytes, expected) in [
        (build::jpeg(), "image/jpeg"),
        (build::png(), "image/png"),
        (build::gif(), "image/gif"),
        (build::webp(), "image/webp"),
    ] {
        let identified = identify_by_magic(&bytes, Declared { media_type: Some(expected), filename: None });
        assert_eq!((identified.media_type.as_str(), codes(&identified)), (expected, vec![]));
    }
    assert_eq!(codes(&identify_by_magic(b"", Declared::default())), ["empty"]);
}

#[test]
fn the_model_says_who_it_is_and_what_it_sees() {
    let mut model = support::model();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(RUST).unwrap();
    let answer = model.answer(&file).unwrap();
    assert_eq!((answer.label, answer.group, answer.is_text), ("rust", "code", true));
    assert_eq!(answer.media_type.as_deref(), Some("application/x-rust"));
    assert!((0.5..=1.0).contains(&answer.score));
    assert!(!ContentModel::version().is_empty());
}

/// Files of many formats under their own names: none may be called a lie, except these, which are.
#[test]
fn the_corpus_under_its_own_names() {
    let Some(folder) = support::corpus() else {
        eprintln!("skipped: no corpus beside this repository");
        return;
    };
    // JSON named .webp; an archive whose last bytes are a whole zip, which a zip reader would open.
    let lies = [("fixture-json.webp", "extension"), ("fixture.ar", "conflict")];
    let mut model = support::model();
    let (mut files, mut unknown, mut wrong) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let file = std::fs::File::open(entry.path()).unwrap();
        let identified =
            identify(&mut model, &file, Declared { media_type: None, filename: Some(&name) }).unwrap();
        files += 1;
        for code in codes(&identified) {
            match code {
                "unknown" => unknown += 1,
                "executable" | "executable.name" => {}
                _ if lies.contains(&(name.as_str(), code)) => {}
                _ => wrong.push(format!("{name}: {identified:?}")),
            }
        }
    }
    assert!(files > 200 && unknown * 8 < files, "{unknown} of {files} unknown");
    assert_eq!(wrong, Vec::<String>::new());
}
