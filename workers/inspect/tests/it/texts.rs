//! Text is text to its last byte; what speaks of other formats is still text.

use crate::build;
use crate::containers::{codes, report, why};
use crate::support;
use lazaret_fixtures::document;
use lazaret_inspect::{Declared, identify_by_magic};
use lazaret_report::Coverage;

const TYPES: [&str; 4] = ["text/plain", "text/csv", "text/tab-separated-values", "application/json"];

/// More than anybody reads who looks at a file's beginning or end alone.
fn prose(bytes: usize) -> Vec<u8> {
    b"It was a dark and stormy night; the rain fell in torrents. "
        .iter()
        .copied()
        .cycle()
        .take(bytes)
        .collect()
}

/// A pdf in text, with these between the numbers of its one object, and between them and the word.
fn spread([first, second]: &[&[u8]; 2]) -> Vec<u8> {
    let script = b"obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>\ntrailer<</Root 1 0 R>>";
    [b"x\n%PDF-1.4\n%1", *first, b"0", *second, script].concat()
}

/// A zip archive that ends in a comment of prose.
fn zip_that_ends_in_prose() -> Vec<u8> {
    let mut zip = build::zip();
    let length = zip.len();
    zip[length - 2..].copy_from_slice(&3000_u16.to_le_bytes());
    [zip, prose(3000)].concat()
}

#[test]
fn what_goes_on_as_something_else_is_told() {
    let utf16 = |text: &[u8]| -> Vec<u8> {
        [0xff, 0xfe].into_iter().chain(text.iter().flat_map(|b| [*b, 0])).collect()
    };
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("a zip", [prose(9000), zip_that_ends_in_prose()].concat(), &["malformed", "embedded"]),
        (
            "a zip in wide text",
            [utf16(&prose(9000)), zip_that_ends_in_prose()].concat(),
            &["malformed", "embedded"],
        ),
        ("a program", [prose(9000), build::exe(), prose(3000)].concat(), &["malformed", "embedded"]),
        ("a pdf", [prose(900), document::pdf()].concat(), &["embedded"]),
        ("a pdf whose objects are spread out", spread(&[&b" ".repeat(65), b"\n\n\t"]), &["embedded"]),
        ("a pdf with a long gap", spread(&[&b"\r\n ".repeat(200_000), b" "]), &["embedded"]),
        ("a pdf with comments", spread(&[b" %\n", b" % 1 2 3\r%%obj\n"]), &["embedded"]),
        ("a pdf that is entered within a comment", spread(&[b"%\n", b"%\n"]), &["embedded"]),
        ("a pdf with signs", b"x\n%PDF-1.4\n+1+0 obj<</Type/Catalog>>endobj".to_vec(), &["embedded"]),
        ("a pdf to its end", b"x\n%PDF-1.4\n1 0 obj".to_vec(), &["embedded"]),
        ("a zero", [prose(100_000), vec![0], prose(100_000)].concat(), &["malformed"]),
        ("half a character", [utf16(&prose(100)), vec![b'x']].concat(), &["malformed"]),
    ];
    for (name, file, found) in cases {
        for media_type in TYPES {
            let report = report(media_type, &file);
            assert_eq!(codes(&report), found, "{name} as {media_type}: {report:?}");
        }
        if name == "a zip" {
            // Nothing else would say so: by its beginning it is text.
            let seen = identify_by_magic(&file[..8192], Declared::default()).media_type;
            assert_eq!(seen, "text/plain");
        }
    }
}

#[test]
fn text_that_speaks_of_formats_stays_text() {
    let log = "2026-01-01 GET /x.zip magic PK\\x03\\x04, then %PDF-1.7, <html>, <?php and <?= and GIF89a; \
               __HALT_COMPILER(); ustar Rar! 7z MZ ELF 2 objects, endobj, obj\n";
    for text in [
        b"".to_vec(),
        log.repeat(2000).into_bytes(),
        "Gr\u{fc}\u{df}e \u{2603} \u{1f980}\n".repeat(9000).into_bytes(),
        b"Gr\xfc\xdfe aus K\xf6ln\r\n".repeat(9000),
        "\u{feff}wide \u{2603}".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "\u{feff}wide \u{1f980}".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        b"\x1b[1mred\x1b[0m\tand\x0cfeed\x08\n".to_vec(),
        br#"{"html": "<script>alert(1)</script>", "n": [1, 2]}"#.to_vec(),
    ] {
        for media_type in TYPES {
            let report = report(media_type, &text);
            assert_eq!((&report.coverage, &report.findings), (&Coverage::Complete, &vec![]), "{media_type}");
        }
    }
}

#[test]
fn a_part_of_a_document_is_text_too() {
    let part = lazaret_inspect::structure::PART;
    assert_eq!(codes(&report(part, b"<?xml version='1.0'?><html><script/></html>")), [""; 0]);
    let packed = [b"<?xml version='1.0'?><x>".to_vec(), prose(9000), build::zip()].concat();
    assert_eq!(codes(&report(part, &packed)), ["malformed", "embedded"]);
}

/// Markup runs in it, and readers differ in what is code.
#[test]
fn markdown_that_acts_or_shows_pictures() {
    let cases: [(&str, &[&str]); 19] = [
        ("", &[]),
        (
            "# A title\n\nSome *text*, [a link](https://example.org), <https://example.org>, a <b>word</b> &amp; 1 < 2.\n",
            &[],
        ),
        (
            "```rust\nfn f<T>(x: &'a T) -> Vec<u8> {}\n```\n\n    #include <stdio.h>\n\n| a | b |\n|---|---|\n| `<p>` | [x] |\n",
            &[],
        ),
        ("---\ntitle: x\n---\n\n[a]: https://example.org 'b'\n[a] and [^1]\n\n[^1]: a note\n", &[]),
        ("text <script>alert(1)</script>", &["active"]),
        ("```\n<script>alert(1)</script>\n```", &["active"]),
        ("<p onclick=alert(1)>x</p>", &["active"]),
        ("<iframe src='x'></iframe>", &["active"]),
        ("[a](javascript:alert(1))", &["active"]),
        ("[a](&#106;ava&Tab;script:alert(1))", &["active"]),
        ("[a]\n\n[a]: <JavaScript:alert(1)>", &["active"]),
        ("<vbscript:x>", &["active"]),
        ("| a |\n|---|\n| [b](javascript:alert`1`) |", &["active"]),
        ("![a](https://example.org/pixel.png)", &["active"]),
        ("![a](data:image/png;base64,AAAA)", &["active"]),
        ("![a][b]\n\n[b]: x.png", &["active"]),
        ("<img src='&#100;ata:image/png;base64,AAAA'>", &["active"]),
        ("<p style='background:\\75 rl(data:image/png;base64,AAAA)'>x</p>", &["active"]),
        ("<svg><circle r='9'/></svg>", &["active"]),
    ];
    for (text, found) in cases {
        let report = report("text/markdown", text.as_bytes());
        let mut codes = codes(&report);
        codes.dedup();
        assert_eq!((codes, &report.coverage), (found.to_vec(), &Coverage::Complete), "{text}: {report:?}");
    }
    let packed = [prose(9000), build::zip()].concat();
    assert_eq!(codes(&report("text/markdown", &packed)), ["malformed", "embedded"]);
}

#[test]
fn real_text_is_text() {
    let Some(folder) = support::corpus() else {
        eprintln!("skipped: no corpus beside this repository");
        return;
    };
    let mut walked = 0;
    for entry in std::fs::read_dir(folder.parent().unwrap())
        .unwrap()
        .flat_map(|e| std::fs::read_dir(e.unwrap().path()))
    {
        for file in entry.filter_map(Result::ok).filter(|file| file.path().is_file()) {
            let bytes = std::fs::read(file.path()).unwrap();
            let media_type =
                identify_by_magic(&bytes[..bytes.len().min(8192)], Declared::default()).media_type;
            if !TYPES.contains(&media_type.as_str()) {
                continue;
            }
            walked += 1;
            let report = report(&media_type, &bytes);
            assert_eq!(
                (why(&report), codes(&report).len()),
                ("", 0),
                "{}: {report:?}",
                file.path().display()
            );
        }
    }
    eprintln!("{walked} texts");
}
