//! Archives through the public door: what is inside is looked at, and what is not is said.

use crate::{
    samples,
    site::Site,
    upload::{coverage, has_reason},
};
use flate2::{Compression, write::GzEncoder};
use lazaret_fixtures::{
    Zip, document, eicar, picture, program,
    raw::{Part, nested, overlapping, tar_member, tar_of, zip_of},
};
use serde_json::Value;
use std::io::Write;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// Zips may hold what these tests put in them.
const SETTINGS: &str = "[archives]\nmembers = 50\nratio_from = \"1MiB\"\n";

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// One line for each file, in their order.
async fn scan(site: &Site, files: &[(&str, Vec<u8>)]) -> Vec<Value> {
    let mut arguments = vec!["scan", "--json"];
    for (name, bytes) in files {
        site.write(name, bytes);
        arguments.push(name);
    }
    let scan = site.run(&arguments).await;
    assert_eq!(scan.json().len(), files.len(), "{scan:?}");
    scan.json()
}

fn finding<'a>(line: &'a Value, code: &str) -> Option<&'a str> {
    let found = line["findings"].as_array().unwrap().iter().find(|f| f["code"] == code)?;
    found["detail"].as_str()
}

#[tokio::test]
async fn whole_archives_are_published_and_their_pictures_are_scored() {
    let site = Site::new(SETTINGS);
    let tar = tar_of(&[
        tar_member(b"a.txt", b'0', b"", &samples::text(1)),
        tar_member(b"b.jpg", b'0', b"", &samples::photo(1)),
    ]);
    let files = [
        ("texts.zip", Zip::default().deflated("a.txt", &samples::text(2)).stored("empty", b"").finish()),
        ("photo.zip", Zip::default().stored("in/b.jpg", &samples::photo(2)).finish()),
        ("photo.tar.gz", gz(&tar)),
        ("photo.tar", tar),
        ("nested.zip", nested(3, "c.jpg", &samples::photo(3))),
    ];
    for (line, (name, _)) in scan(&site, &files).await.iter().zip(&files) {
        assert_eq!(line["verdict"], "publish", "{name}: {line}");
        assert_eq!(coverage(line, "image"), ("complete", ""), "{name}");
        let scored = line["labels"]["nsfw-mobilenet-v2.porn"].is_f64();
        assert_eq!(scored, *name != "texts.zip", "{name}: {line}");
    }
}

#[tokio::test]
async fn law_2_any_member_that_is_not_looked_at_is_a_gap_of_the_upload() {
    let site = Site::new(SETTINGS);
    let text = samples::text(1);
    let zeros = vec![0; 2 << 20];
    let ppmd = Part::stored("a.txt", &text).with(|p| p.method = 98);
    let unlisted = Part::stored("b.txt", &text).with(|p| p.is_listed = false);
    let absent = Part::stored("b.txt", &text).with(|p| p.is_there = false);
    let many: Vec<_> = (0..51).map(|n| Part::stored(&format!("{n}.txt"), &samples::text(n))).collect();
    let a = || Part::stored("a.txt", &text);
    let files = [
        ("deep.zip", nested(20, "a.txt", &text), "limit.depth"),
        ("bomb.zip", Zip::default().deflated("a", &zeros).finish(), "limit.ratio"),
        ("bomb.gz", gz(&zeros), "limit.ratio"),
        (
            "bomb-within.zip",
            zip_of(&[Part::stored("b.zip", &Zip::default().deflated("a", &zeros).finish())]),
            "limit.ratio",
        ),
        ("many.zip", zip_of(&many), "limit.members"),
        ("overlapping.zip", overlapping(40, &text), "hidden"),
        // clamd calls it OK: it does not unpack this method, and does not say so.
        ("ppmd.zip", zip_of(&[ppmd]), "unreadable"),
        ("unlisted.zip", zip_of(&[a(), unlisted]), "hidden"),
        ("absent.zip", zip_of(&[a(), absent]), "hidden"),
        ("secret.zip", Zip::default().encrypted("a.txt", &text).finish(), "encrypted"),
        (
            "secret-within.zip",
            zip_of(&[Part::stored("s.zip", &Zip::default().encrypted("a", &text).finish())]),
            "encrypted",
        ),
    ];
    let named: Vec<_> = files.iter().map(|(name, bytes, _)| (*name, bytes.clone())).collect();
    for (line, (name, _, why)) in scan(&site, &named).await.iter().zip(&files) {
        assert_eq!(line["verdict"], "review", "{name}: {line}");
        for check in ["type", "structure", "antivirus", "image"] {
            let (covered, told) = coverage(line, check);
            assert_eq!(covered, "partial", "{name}, {check}: {line}");
            assert!(check == "antivirus" || told.contains(why), "{name}, {check}: {told}");
            assert!(has_reason(line, &format!("coverage.{check}.partial")), "{name}: {line}");
        }
    }
}

#[tokio::test]
async fn law_2_no_time_left_is_a_gap() {
    let site = Site::new("[archives]\ntime = \"1ms\"\n");
    let zip = Zip::default().stored("a.txt", &samples::text(1)).finish();
    let lines = scan(&site, &[("a.zip", zip)]).await;
    let (covered, why) = coverage(&lines[0], "image");
    assert!(covered == "partial" && why.contains("limit.time"), "{}", lines[0]);
    assert_eq!(lines[0]["verdict"], "review");
}

/// Seconds of work for a decoder, within its own limits.
#[tokio::test]
async fn law_2_the_only_member_takes_no_more_than_the_time_of_its_archive() {
    let site = Site::new("[archives]\ntime = \"2s\"\n");
    let zip = Zip::default().stored("a.gif", &samples::heavy()).finish();
    let lines = scan(&site, &[("a.zip", zip)]).await;
    let (covered, why) = coverage(&lines[0], "image");
    assert!(covered == "partial" && why.contains("limit.time"), "{}", lines[0]);
    assert_eq!(lines[0]["verdict"], "review");
}

#[tokio::test]
async fn what_is_bad_in_a_member_is_bad_in_the_upload_and_says_where() {
    let site = Site::new(SETTINGS);
    let virus = nested(3, "eicar.txt", &eicar());
    let exe = zip_of(&[Part::stored("holiday/readme.txt", &program::windows())]);
    let page = zip_of(&[Part::stored(
        "a.zip",
        &zip_of(&[Part::stored("x.html", b"<html><script>alert(1)</script></html>")]),
    )]);
    let films = zip_of(&[Part::stored("a.pdf", &document::pdf())]);
    let files = [
        ("virus.zip", virus, "quarantine", "antivirus.infected", ""),
        (
            "virus.tar.gz",
            gz(&tar_of(&[tar_member(b"e", b'0', b"", &eicar())])),
            "quarantine",
            "antivirus.infected",
            "",
        ),
        ("exe.zip", exe, "quarantine", "type.executable", "member \"holiday/readme.txt\""),
        ("page.zip", page, "quarantine", "type.not_allowed", "member \"a.zip\": member \"x.html\""),
        (
            "climbs.zip",
            zip_of(&[Part::stored("../../x.txt", &samples::text(1))]),
            "review",
            "structure.path",
            "../../x.txt",
        ),
        (
            "link.zip",
            zip_of(&[Part::stored("x", b"/etc/passwd").with(|p| p.mode = 0o120_777)]),
            "review",
            "structure.link",
            "",
        ),
        (
            "double.zip",
            zip_of(&[Part::stored("a.pdf.exe", &samples::text(1))]),
            "review",
            "structure.double_extension",
            "",
        ),
        ("pdf.zip", films, "review", "", ""),
    ];
    let named: Vec<_> = files.iter().map(|(name, bytes, ..)| (*name, bytes.clone())).collect();
    for (line, (name, _, verdict, code, place)) in scan(&site, &named).await.iter().zip(&files) {
        assert_eq!(line["verdict"], *verdict, "{name}: {line}");
        let detail = finding(line, code);
        assert!(code.is_empty() || detail.is_some_and(|d| d.contains(place)), "{name}: {line}");
    }
}

#[tokio::test]
async fn our_own_recursion_finds_what_clamd_is_not_shown_as_a_whole() {
    let site = Site::new(SETTINGS);
    // Every member goes to clamd by itself too: the finding names it.
    let lines = scan(&site, &[("virus.zip", nested(2, "eicar.txt", &eicar()))]).await;
    let details: Vec<_> = lines[0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["code"] == "antivirus.infected")
        .map(|f| f["detail"].as_str().unwrap())
        .collect();
    assert!(
        details.iter().any(|d| d.starts_with("member \"level-1.zip\": member \"eicar.txt\": ")),
        "{details:?}"
    );
}

/// A member is published as it is, with what turns its colours into others; a copy of an upload leaves that out.
#[tokio::test]
async fn law_2_pictures_that_are_shown_in_other_colours_are_scored_in_part() {
    let site = Site::new(SETTINGS);
    let chunk = |name: &[u8; 4], content: &[u8]| {
        img_parts::png::PngChunk::new(*name, content.to_vec().into()).encoder().bytes().to_vec()
    };
    let with = |name: &[u8; 4], content: &[u8]| {
        let png = picture::png(&picture::landscape(40, 30, 5));
        [&png[..33], &chunk(name, content), &png[33..]].concat()
    };
    let jpeg = |change: &[u8; 4]| {
        let mut profile = lazaret_fixtures::icc::profile();
        let at = profile.windows(4).position(|w| w == b"cprt").unwrap();
        profile[at..at + 4].copy_from_slice(change);
        let photo = samples::photo(3);
        let piece = [&b"ICC_PROFILE\0\x01\x01"[..], &profile].concat();
        let length = u16::try_from(piece.len() + 2).unwrap().to_be_bytes();
        [&photo[..2], b"\xff\xe2", &length, &piece, &photo[2..]].concat()
    };
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
    let srgb = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
    let mut turned = srgb;
    turned[2..].rotate_left(2);
    let cases = [
        ("display.jpg", jpeg(b"cprt"), true),
        ("tables.jpg", jpeg(b"A2B0"), false),
        ("gamma.png", with(b"gAMA", &numbers(&[45_455])), true),
        ("dark.png", with(b"gAMA", &numbers(&[5_000])), false),
        ("srgb.png", with(b"cHRM", &numbers(&srgb)), true),
        ("turned.png", with(b"cHRM", &numbers(&turned)), false),
        ("said.png", with(b"cICP", &[1, 13, 0, 1]), true),
        ("bright.png", with(b"cICP", &[9, 16, 0, 1]), false),
    ];
    let files: Vec<_> = cases
        .iter()
        .flat_map(|(name, picture, _)| {
            let zip = zip_of(&[Part::stored(name, picture)]);
            [(format!("{name}.zip"), zip), ((*name).to_owned(), picture.clone())]
        })
        .collect();
    let named: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    for (lines, (name, _, is_fine)) in scan(&site, &named).await.chunks(2).zip(&cases) {
        let expected = if *is_fine { ("publish", "complete") } else { ("review", "partial") };
        let (covered, why) = coverage(&lines[0], "image");
        assert_eq!((lines[0]["verdict"].as_str().unwrap(), covered), expected, "{name}: {}", lines[0]);
        assert!(*is_fine || why.contains("embedded"), "{name}: {why}");
        assert_eq!(lines[1]["verdict"], "publish", "{name}: {}", lines[1]);
    }
}

#[tokio::test]
async fn documents() {
    let site = Site::new("");
    let docx = |more: &[(&str, &[u8])]| {
        let types = br#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
        let relations = br#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;
        let text = br#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Hello there, this is a letter.</w:t></w:r></w:p></w:body></w:document>"#;
        let zip = Zip::default()
            .deflated("[Content_Types].xml", types)
            .deflated("_rels/.rels", relations)
            .deflated("word/document.xml", text);
        more.iter().fold(zip, |zip, (name, content)| zip.deflated(name, content)).finish()
    };
    let external = br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" Target="http://example.org/t.dotm" TargetMode="External"/></Relationships>"#;
    let photo = samples::photo(7);
    let files = [
        ("letter.docx", docx(&[]), "publish", ""),
        ("photo.docx", docx(&[("word/media/image1.jpeg", &photo)]), "publish", ""),
        (
            "template.docx",
            docx(&[("word/_rels/settings.xml.rels", external)]),
            "review",
            "structure.external",
        ),
        (
            "macro.docx",
            docx(&[("word/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")]),
            "review",
            "structure.macro",
        ),
        (
            "program.docx",
            docx(&[("word/media/image1.jpeg", &program::windows())]),
            "quarantine",
            "type.executable",
        ),
    ];
    let named: Vec<_> = files.iter().map(|(name, bytes, ..)| (*name, bytes.clone())).collect();
    for (line, (name, _, verdict, code)) in scan(&site, &named).await.iter().zip(&files) {
        assert_eq!(line["type"]["media_type"], DOCX, "{name}: {line}");
        assert_eq!(line["verdict"], *verdict, "{name}: {line}");
        assert!(code.is_empty() || finding(line, code).is_some(), "{name}: {line}");
    }
}
