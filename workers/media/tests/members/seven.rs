//! 7z and discs, whose lists say which bytes are whose.

use crate::{
    LIMITS, PACKED, TEXT, code,
    support::{open, pool},
    take, taken, whole,
};
use lazaret_fixtures::disc;
use lazaret_sandbox::{Members, MembersRequest};

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
