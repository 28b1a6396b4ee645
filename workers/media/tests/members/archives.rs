//! Archives of members: what comes out, and what is told of the rest.

use crate::{LIMITS, PACKED, TEXT, code, gz, take, taken, tool, whole};
use lazaret_fixtures::Zip;
use lazaret_fixtures::raw::{Part, nested, tar_member, tar_of, zip_of};
use lazaret_sandbox::Members;

#[tokio::test]
async fn every_member_comes_out_as_it_went_in() {
    let long: Vec<u8> = (0..700_000u32).map(|i| (i.wrapping_mul(i) >> 9) as u8).collect();
    let zip = Zip::default().stored("a", b"one").deflated("d/b", &long).stored("empty", b"").finish();
    let (members, gap) = taken("application/zip", &zip, &LIMITS).await;
    assert!(
        members == [whole("a", b"one"), whole("d/b", &long), whole("empty", b"")] && gap.is_empty(),
        "{gap}"
    );

    let link = tar_member(b"l", b'2', b"/etc/passwd", b"");
    let tar = tar_of(&[tar_member(b"a", b'0', b"", b"one"), link, tar_member(b"b", b'0', b"", &long)]);
    let (members, gap) = taken("application/x-tar", &tar, &LIMITS).await;
    assert!(members == [whole("a", b"one"), whole("b", &long)] && gap.is_empty(), "{gap}");

    let (members, gap) = taken("application/gzip", &gz(&long), &LIMITS).await;
    assert!(members == [whole("content", &long)] && gap.is_empty(), "{gap}");
    // Two streams one after another are one file, as `zcat` reads them.
    let (members, _) = taken("application/gzip", &[gz(b"one"), gz(b"two")].concat(), &LIMITS).await;
    assert_eq!(members, [whole("content", b"onetwo")]);
}

#[tokio::test]
async fn a_member_that_is_not_listed_comes_out_too() {
    let zip = zip_of(&[Part::stored("a", b"one"), Part::stored("b", b"two").with(|p| p.is_listed = false)]);
    let (members, gap) = taken("application/zip", &zip, &LIMITS).await;
    assert_eq!((members, gap.as_str()), (vec![whole("a", b"one"), whole("b", b"two")], "hidden"));
}

#[tokio::test]
async fn what_passes_for_a_link_is_looked_at_too() {
    let zip = zip_of(&[Part::stored("l", b"MZ or a path").with(|p| p.mode = 0o120_777)]);
    let (members, gap) = taken("application/zip", &zip, &LIMITS).await;
    assert_eq!((members, gap.as_str()), (vec![whole("l", b"MZ or a path")], ""));
}

#[tokio::test]
async fn what_cannot_be_read_is_a_gap_and_the_rest_comes_out() {
    let ppmd = Part::stored("ppmd", b"something").with(|p| p.method = 98);
    let lzma = Part::stored("lzma", b"something").with(|p| p.method = 14);
    let broken = Part::stored("broken", b"something").with(|p| p.crc = 1);
    let short = Part::stored("short", b"something").with(|p| (p.size, p.listed_size) = (90, 90));
    let rest = Part::stored("rest", b"the rest");
    let cases = [
        (zip_of(&[ppmd, rest.clone()]), "unreadable"),
        (zip_of(&[lzma, rest.clone()]), "unreadable"),
        (zip_of(&[broken, rest.clone()]), "unreadable"),
        (zip_of(&[short, rest]), "unreadable"),
        (Zip::default().encrypted("e", b"secret").stored("rest", b"the rest").finish(), "encrypted"),
    ];
    for (zip, why) in cases {
        let (members, gap) = taken("application/zip", &zip, &LIMITS).await;
        assert_eq!((members[0].2.as_str(), gap.as_str()), (why, why));
        assert_eq!(members[1], whole("rest", b"the rest"));
    }
    let cut = &gz(&[5; 5000])[..20];
    let (members, gap) = taken("application/gzip", cut, &LIMITS).await;
    assert_eq!((members.len(), gap.as_str()), (1, "unreadable"));
    let (_, gap) = taken("application/gzip", &[&gz(b"x")[..], b"and more"].concat(), &LIMITS).await;
    assert_eq!(gap, "trailing");
}

#[tokio::test]
async fn bytes_behind_a_compressed_stream_are_a_gap() {
    let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n";
    let descriptor = |packed: &[u8]| {
        let [crc, packed, size] = [crc32fast::hash(TEXT), packed.len() as u32, TEXT.len() as u32];
        [&b"PK\x07\x08"[..], &crc.to_le_bytes(), &packed.to_le_bytes(), &size.to_le_bytes()].concat()
    };
    for (method, packed) in PACKED {
        let entry = Part::stored("b", b"MZ and more");
        let local = zip_of(&[entry]);
        let local = &local[..local.windows(4).position(|w| w == b"PK\x01\x02").unwrap()];
        for (behind, streamed) in [
            (vec![], false),
            (pdf.to_vec(), false),
            (vec![0], false),
            // For who reads from front to back: a true descriptor, and a member of its own.
            ([descriptor(packed).as_slice(), local].concat(), true),
        ] {
            let part = Part::stored("a", TEXT).with(|p| {
                (p.packed, p.method, p.streamed) = ([packed, &behind].concat(), method, streamed);
            });
            let zip = zip_of(&[part]);
            let (Members { members, summary }, out) = take("application/zip", &zip, &LIMITS).await.unwrap();
            let found: Vec<_> = summary.findings.iter().map(|f| f.code.as_str()).collect();
            let expected = match (behind.is_empty(), streamed) {
                (true, _) => (vec![], ""),
                (false, false) => (vec!["structure.gap"], "gap"),
                (false, true) => (vec!["structure.gap"], "hidden"),
            };
            assert_eq!((found, code(&summary.coverage)), expected, "method {method}, {behind:x?}");
            assert!(members.len() == 1 && out == TEXT, "method {method}");
        }
    }
}

#[tokio::test]
async fn methods_that_clamd_passes_over() {
    let code = "import sys,zipfile\nfor m in (8,12,14):\n  with zipfile.ZipFile(sys.argv[1]+str(m),'w',m) as z: z.writestr('a',b'some text '*9999)";
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("m");
    let content = b"some text ".repeat(9999);
    match std::process::Command::new("python3").args(["-c", code]).arg(&prefix).status() {
        Ok(status) => assert!(status.success()),
        Err(error) => return eprintln!("skipped: python3: {error}"),
    }
    for method in [8, 12, 14] {
        let zip = std::fs::read(format!("{}{method}", prefix.display())).unwrap();
        let (members, gap) = taken("application/zip", &zip, &LIMITS).await;
        assert!(members == [whole("a", &content)] && gap.is_empty(), "{method}: {gap}");
    }
    for (program, method) in [("zstd", 93), ("xz", 95)] {
        let Some(packed) = tool(program, &content) else { continue };
        let part = Part::stored("a", &content).with(|p| (p.packed, p.method) = (packed, method));
        let (members, gap) = taken("application/zip", &zip_of(&[part]), &LIMITS).await;
        assert!(members == [whole("a", &content)] && gap.is_empty(), "{method}: {gap}");
    }
}

#[tokio::test]
async fn a_nested_archive_comes_out_one_level_at_a_time() {
    let (members, _) = taken("application/zip", &nested(3, "deep", b"x"), &LIMITS).await;
    assert_eq!(members.iter().map(|m| m.0.as_str()).collect::<Vec<_>>(), ["level-2.zip"]);
    assert!(members[0].1.starts_with(b"PK\x03\x04"));
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let refused = take("application/vnd.rar", b"Rar!\x1a\x07\x00", &LIMITS).await.unwrap_err();
    assert_eq!(refused.code(), "unreadable");
}
