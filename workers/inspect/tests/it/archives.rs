//! Walks of archives: what is whole, and every way of hiding that is known.

use lazaret_fixtures::raw::{Part, RawZip, nested, overlapping, tar_member, tar_of, zip_of};
use lazaret_fixtures::{Zip, disc};
use lazaret_inspect::archive::zip;
use lazaret_inspect::{has_walk, walk};
use lazaret_report::{Coverage, Evidence, Report};
use std::io::Cursor;
use std::process::Command;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn report(media_type: &str, file: &[u8]) -> Report {
    assert!(has_walk(media_type), "{media_type}");
    walk(media_type, &mut Cursor::new(file), file.len() as u64).unwrap()
}

fn codes(report: &Report) -> Vec<String> {
    let mut codes: Vec<_> = report.findings.iter().map(|f| f.code.replace("structure.", "")).collect();
    codes.sort();
    codes.dedup();
    codes
}

fn why(report: &Report) -> &str {
    match &report.coverage {
        Coverage::Complete => "",
        Coverage::Partial(why) | Coverage::Failed(why) => &why.code,
    }
}

fn a() -> Part {
    Part::stored("a.txt", b"the first member")
}

fn b() -> Part {
    Part::stored("b/b.txt", b"the second member")
}

fn folder() -> Part {
    Part::stored("b/", b"")
}

#[test]
fn zips_as_they_should_be() {
    let cases = [
        ("plain", zip_of(&[a(), folder(), b()])),
        ("empty", zip_of(&[])),
        ("deflated", Zip::default().deflated("a", &[7; 9000]).finish()),
        ("streamed", zip_of(&[a().with(|p| p.streamed = true), b()])),
        ("padded", RawZip { between: vec![0; 300], ..RawZip::default() }.build(&[a(), b()])),
        ("nested", nested(5, "a.txt", b"deep")),
        ("directory out of order", {
            let first = zip_of(&[a()]);
            let offset = first.len() as u32 - 22 - 46 - 5;
            let moved = b().with(|p| p.offset = Some(offset));
            let entry_of_a = a().with(|p| (p.is_there, p.offset) = (false, Some(0)));
            zip_of(&[a().with(|p| p.is_listed = false), moved, entry_of_a])
        }),
    ];
    for (name, file) in cases {
        let report = report("application/zip", &file);
        assert_eq!((&report.coverage, &report.findings), (&Coverage::Complete, &vec![]), "{name}");
    }
}

#[test]
fn every_way_to_hide_in_a_zip() {
    let raw = RawZip::default;
    let cases: Vec<(&str, Vec<u8>, &[&str], &str)> = vec![
        (
            "there and not listed",
            zip_of(&[a(), b().with(|p| p.is_listed = false)]),
            &["gap", "hidden"],
            "hidden",
        ),
        (
            "first, and not listed",
            zip_of(&[a().with(|p| p.is_listed = false), b()]),
            &["hidden", "leading"],
            "hidden",
        ),
        ("listed and not there", zip_of(&[a(), b().with(|p| p.is_there = false)]), &["hidden"], "hidden"),
        ("two names", zip_of(&[a().with(|p| p.listed_name = b"b.txt".to_vec())]), &["hidden"], "hidden"),
        ("two sizes", zip_of(&[a().with(|p| p.listed_size = 3)]), &["hidden"], "hidden"),
        ("more than it says", raw_more(-1), &["hidden"], "hidden"),
        ("fewer than it says", raw_more(1), &["hidden"], "hidden"),
        ("overlapping", overlapping(5, &[1; 100]), &["hidden", "overlap"], "hidden"),
        ("duplicated", zip_of(&[a(), a()]), &["duplicate"], ""),
        ("leading", RawZip { before: b"GIF89a and more".to_vec(), ..raw() }.build(&[a()]), &["leading"], ""),
        ("between", RawZip { between: b"something".to_vec(), ..raw() }.build(&[a()]), &["gap"], ""),
        ("behind", RawZip { after: b"something".to_vec(), ..raw() }.build(&[a()]), &["trailing"], ""),
        ("encrypted", Zip::default().encrypted("a", b"secret").finish(), &["encrypted"], "encrypted"),
        ("aes", zip_of(&[a().with(|p| p.method = 99)]), &["encrypted"], "encrypted"),
        ("climbs", zip_of(&[Part::stored("../../etc/cron.d/x", b"x")]), &["path"], ""),
        ("absolute", zip_of(&[Part::stored("/etc/passwd", b"x")]), &["path"], ""),
        ("zero byte", zip_of(&[Part::stored("a.txt\0.exe", b"x")]), &["executable", "path"], ""),
        ("link", zip_of(&[a().with(|p| p.mode = 0o120_777)]), &["link"], ""),
        ("program", zip_of(&[Part::stored("x/setup.exe", b"MZ")]), &["executable"], ""),
        (
            "program in disguise",
            zip_of(&[Part::stored("invoice.pdf.exe", b"MZ")]),
            &["double_extension", "executable"],
            "",
        ),
        (
            "java",
            zip_of(&[Part::stored("META-INF/MANIFEST.MF", b"x"), Part::stored("A.class", b"x")]),
            &["executable", "kind"],
            "",
        ),
        ("a folder that holds data", zip_of(&[Part::stored("x/", b"not empty at all")]), &[], ""),
    ];
    for (name, file, found, gap) in cases {
        let report = report("application/zip", &file);
        assert_eq!(codes(&report), found, "{name}: {report:?}");
        assert_eq!(why(&report), gap, "{name}: {report:?}");
    }
}

fn raw_more(more: i32) -> Vec<u8> {
    RawZip { more, ..RawZip::default() }.build(&[a(), b()])
}

#[test]
fn members_that_one_directory_hides_are_still_handed_out() {
    let file = zip_of(&[a(), b().with(|p| p.is_listed = false), Part::stored("x/", b"data")]);
    let listing = zip::list(&mut Cursor::new(&file), file.len() as u64).unwrap();
    let seen: Vec<_> = listing.members.iter().map(|m| (m.name.as_str(), m.listed, m.form)).collect();
    let file = zip::Form::File;
    assert_eq!(seen, [("a.txt", true, file), ("b/b.txt", false, file), ("x/", true, file)]);
    assert!(!listing.coverage.is_complete());
}

#[test]
fn comments_are_texts() {
    for (comment, found) in [
        (&b"made by hand, \xc3\xa9"[..], &[][..]),
        (b"<ScRiPt>alert(1)</script>", &["embedded"]),
        (b"\x7fELF\x02\x01\x01\0", &["trailing"]),
    ] {
        let mut file = zip_of(&[a()]);
        let length = file.len();
        file[length - 2..].copy_from_slice(&u16::try_from(comment.len()).unwrap().to_le_bytes());
        file.extend(comment);
        assert_eq!(codes(&report("application/zip", &file)), found);
    }
}

#[test]
fn a_cut_zip_is_never_complete() {
    let whole = zip_of(&[a(), folder(), b()]);
    for cut in 0..whole.len() {
        let report = report("application/zip", &whole[..cut]);
        assert!(!report.coverage.is_complete() && !report.findings.is_empty(), "cut at {cut}");
    }
}

/// Found by fuzzing: the comment of a listed member may be told to reach beyond the end of the file.
#[test]
fn evidence_lies_within_the_file_wherever_a_directory_says_it_ends() {
    let mut zip = zip_of(&[a()]);
    let entry = zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    zip[entry + 32..entry + 34].copy_from_slice(&0xffff_u16.to_le_bytes());
    let report = report("application/zip", &zip);
    assert_eq!(codes(&report), ["malformed"]);
    for finding in &report.findings {
        let Some(Evidence::Bytes { offset, length }) = finding.evidence else { panic!("{finding:?}") };
        assert!(offset + length <= zip.len() as u64, "{finding:?}");
    }
}

#[test]
fn kinds_of_zip_are_told_apart() {
    let ooxml = |more: &[Part]| {
        let mut parts = vec![
            Part::stored("[Content_Types].xml", b"<Types/>"),
            Part::stored("word/document.xml", b"<w/>"),
        ];
        parts.extend_from_slice(more);
        zip_of(&parts)
    };
    let odt = "application/vnd.oasis.opendocument.text";
    let of_type = |name: &str| {
        zip_of(&[Part::stored("mimetype", name.as_bytes()), Part::stored("content.xml", b"<x/>")])
    };
    let apk = zip_of(&[Part::stored("AndroidManifest.xml", b"x"), Part::stored("classes.dex", b"x")]);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (DOCX, ooxml(&[]), &[]),
        ("application/zip", ooxml(&[]), &["kind"]),
        (odt, of_type(odt), &[]),
        ("application/epub+zip", of_type("application/epub+zip"), &[]),
        (DOCX, of_type(odt), &["kind"]),
        (odt, zip_of(&[a()]), &["kind"]),
        ("application/vnd.android.package-archive", apk.clone(), &["executable"]),
        (DOCX, apk, &["executable", "kind"]),
        (DOCX, ooxml(&[Part::stored("word/vbaProject.bin", b"x")]), &["macro"]),
        (DOCX, ooxml(&[Part::stored("word/embeddings/oleObject1.bin", b"x")]), &["object"]),
    ];
    for (media_type, file, found) in cases {
        assert_eq!(codes(&report(media_type, &file)), found, "{media_type}");
    }
}

#[test]
fn tars() {
    let file = |name: &str| tar_member(name.as_bytes(), b'0', b"", b"content");
    let long = [tar_member(b"././@LongLink", b'L', b"", &[b'n'; 300]), file("cut")].concat();
    let pax = [tar_member(b"pax", b'x', b"", b"19 path=../climbed\n"), file("a")].concat();
    let cases: Vec<(&str, Vec<u8>, &[&str], &str)> = vec![
        ("whole", tar_of(&[file("a"), tar_member(b"d/", b'5', b"", b""), file("d/b"), long]), &[], ""),
        ("climbs", tar_of(&[file("../a")]), &["path"], ""),
        ("climbs by an extended header", tar_of(&[pax]), &["path"], ""),
        ("link", tar_of(&[tar_member(b"l", b'2', b"/etc/passwd", b"")]), &["link"], ""),
        (
            "link with data",
            tar_of(&[tar_member(b"l", b'2', b"x", b"MZ and more")]),
            &["hidden", "link"],
            "hidden",
        ),
        ("device", tar_of(&[tar_member(b"sda", b'4', b"", b"")]), &["link"], ""),
        ("duplicated", tar_of(&[file("a"), file("a")]), &["duplicate"], ""),
        ("behind", [tar_of(&[file("a")]), file("hidden")].concat(), &["trailing"], "hidden"),
        ("no end", file("a"), &["truncated"], "truncated"),
        ("sparse", tar_of(&[tar_member(b"s", b'S', b"", b"")]), &["malformed"], "malformed"),
    ];
    for (name, file, found, gap) in cases {
        let report = report("application/x-tar", &file);
        assert_eq!(
            (codes(&report), why(&report)),
            (found.iter().map(|s| s.to_string()).collect(), gap),
            "{name}"
        );
    }
}

#[test]
fn discs_in_circles_and_with_names_that_climb() {
    let iso = "application/x-iso9660-image";
    assert_eq!(codes(&report(iso, &disc::iso(&[("../X", b"x")]))), ["path"]);
    let mut circle = disc::iso(&[("A", b"x")]);
    // The file's record becomes a directory that is the root itself.
    let at = 18 * 2048 + 2 * 34;
    circle.copy_within(18 * 2048 + 2..18 * 2048 + 26, at + 2);
    assert!(report(iso, &circle).coverage.is_complete());
    let broken = [&disc::iso(&[("A", b"x")])[..17 * 2048], &[0; 4096]].concat();
    assert!(!report(iso, &broken).coverage.is_complete());
}

/// Found by fuzzing: nobody looked before the descriptors, or behind the volume.
#[test]
fn bytes_around_the_volume_of_a_disc_are_told() {
    let iso = "application/x-iso9660-image";
    let whole = disc::iso(&[("A", b"x")]);
    assert_eq!(codes(&report(iso, &[&whole[..], &[0; 4096]].concat())), Vec::<String>::new());
    assert_eq!(codes(&report(iso, &[&whole[..], b"x"].concat())), ["trailing"]);
    let mut before = whole;
    before[..9].copy_from_slice(b"#!/bin/sh");
    assert_eq!(codes(&report(iso, &before)), ["leading"]);
}

#[test]
fn older_office_documents() {
    use std::io::Write;
    let doc = |streams: &[&str]| {
        let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for path in streams {
            let path = std::path::Path::new(path);
            compound.create_storage_all(path.parent().unwrap()).unwrap();
            compound.create_stream(path).unwrap().write_all(&[7; 5000]).unwrap();
        }
        compound.flush().unwrap();
        compound.into_inner().into_inner()
    };
    let cases: [(&[&str], &[&str], &str); 4] = [
        (&["/WordDocument", "/1Table"], &[], ""),
        (&["/WordDocument", "/Macros/VBA/_VBA_PROJECT", "/Macros/VBA/dir"], &["macro"], ""),
        (&["/EncryptionInfo", "/EncryptedPackage"], &["encrypted"], "encrypted"),
        (&["/ObjectPool/_1/\u{1}Ole10Native"], &["object"], ""),
    ];
    for (streams, found, gap) in cases {
        let file = doc(streams);
        let report = report("application/msword", &file);
        assert_eq!(
            (codes(&report), why(&report)),
            (found.iter().map(|s| (*s).to_owned()).collect(), gap),
            "{streams:?}"
        );
        let cut =
            walk("application/msword", &mut Cursor::new(&file[..file.len() / 2]), file.len() as u64 / 2)
                .unwrap();
        assert!(!cut.coverage.is_complete(), "{streams:?}");
    }
}

/// Runs a tool in a folder with a few files; `None` where it is not installed.
fn tool(program: &str, arguments: &[&str], result: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("deep")).unwrap();
    std::fs::write(path("a.txt"), "text ".repeat(1000)).unwrap();
    std::fs::write(path("deep/b.bin"), (0..50_000u32).map(|i| ((i * i) >> 7) as u8).collect::<Vec<_>>())
        .unwrap();
    let ran = Command::new(program).args(arguments).current_dir(folder.path()).output();
    match ran {
        Ok(output) => {
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Some(std::fs::read(path(result)).unwrap())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {program} is not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn what_real_tools_make_is_whole() {
    let python = |code: &'static str| ["-c", code];
    let many = "import zipfile\nwith zipfile.ZipFile('o','w') as z:\n  for i in range(66000): z.writestr(str(i), b'')";
    let streamed = "import zipfile,sys\nclass S:\n  def __init__(s,f): s.f=f\n  def write(s,b): return s.f.write(b)\n  def flush(s): pass\nwith zipfile.ZipFile(S(open('o','wb')),'w',zipfile.ZIP_DEFLATED) as z:\n  z.write('a.txt'); z.write('deep/b.bin')";
    let wide = "import zipfile\nwith zipfile.ZipFile('o','w') as z:\n  with z.open('a','w',force_zip64=True) as f: f.write(b'x')";
    let pax = "import tarfile\nwith tarfile.open('o','w',format=tarfile.PAX_FORMAT) as t:\n  i=tarfile.TarInfo('n'*300+'é'); t.addfile(i); t.add('deep')";
    let zip = "application/zip";
    let tar = "application/x-tar";
    let cases: Vec<(&str, &str, Vec<&str>)> = vec![
        (zip, "zip", vec!["-q", "-r", "o", "a.txt", "deep"]),
        (zip, "zip", vec!["-q", "-fd", "-fz", "o", "a.txt"]),
        (zip, "python3", python(many).into()),
        (zip, "python3", python(streamed).into()),
        (zip, "python3", python(wide).into()),
        (tar, "tar", vec!["-cf", "o", "a.txt", "deep"]),
        (tar, "tar", vec!["--format=pax", "-cf", "o", "a.txt", "deep"]),
        (tar, "tar", vec!["--format=v7", "-cf", "o", "a.txt", "deep"]),
        (tar, "python3", python(pax).into()),
    ];
    for (media_type, program, arguments) in cases {
        let result = if program == "zip" { "o.zip" } else { "o" };
        let Some(file) = tool(program, &arguments, result) else { continue };
        let report = report(media_type, &file);
        assert_eq!(
            (&report.coverage, &report.findings),
            (&Coverage::Complete, &vec![]),
            "{program} {arguments:?}"
        );
    }
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        /// One byte of a good archive changed: never a panic, and in a ZIP's own records never complete in silence.
        #[test]
        fn a_changed_byte(at in 0usize..200, to: u8) {
            for (media_type, mut file) in [
                ("application/zip", zip_of(&[a(), b()])),
                ("application/x-tar", tar_of(&[tar_member(b"a", b'0', b"", b"x")])),
            ] {
                let at = at % file.len();
                file[at] = to;
                let _ = report(media_type, &file);
            }
        }

        #[test]
        fn noise(head in prop::sample::select(vec![&b"PK\x03\x04"[..], b"PK\x05\x06", b""]), noise: Vec<u8>) {
            let file = [head, &noise, b"PK\x05\x06", &noise].concat();
            for media_type in ["application/zip", "application/x-tar", DOCX] {
                let _ = report(media_type, &file);
            }
            for (media_type, head) in [
                ("application/x-7z-compressed", &b"7z\xbc\xaf\x27\x1c"[..]),
                ("application/vnd.ms-cab-compressed", b"MSCF"),
                ("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
                ("application/vnd.rar", b"Rar!\x1a\x07\x01"),
            ] {
                let file = [head, &noise].concat();
                prop_assert!(!report(media_type, &file).coverage.is_complete());
            }
        }
    }
}
