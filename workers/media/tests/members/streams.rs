//! Files that are one compressed stream: gzip, bzip2, xz and zstd.

use crate::{
    LIMITS, code, gz,
    support::{open, pool},
    taken, tool, whole,
};
use flate2::Compression;
use lazaret_fixtures::Zip;
use lazaret_sandbox::MembersRequest;
use std::io::Write;

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
