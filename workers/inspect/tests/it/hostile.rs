//! No bytes make a walk panic, loop or point outside the file; none make the identification panic.

use crate::build;
use lazaret_fixtures::{document, markup};
use lazaret_inspect::{Declared, identify_by_magic, walk};
use lazaret_report::Evidence;
use proptest::prelude::*;
use std::io::Cursor;

const TYPES: [&str; 15] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "application/pdf",
    "image/bmp",
    "image/tiff",
    "image/avif",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "application/ogg",
    "audio/wav",
    "image/svg+xml",
    "text/html",
];

fn holds(media_type: &str, file: &[u8]) {
    let size = file.len() as u64;
    let report = walk(media_type, &mut Cursor::new(file), size).unwrap();
    assert!(report.findings.len() <= 32);
    for finding in &report.findings {
        let Some(Evidence::Bytes { offset, length }) = finding.evidence else {
            panic!("no place: {finding:?}")
        };
        assert!(offset.checked_add(length).is_some_and(|end| end <= size), "{finding:?} in {size} bytes");
    }
    identify_by_magic(file, Declared { media_type: Some(media_type), filename: Some("a.jpg") });
}

fn valid() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let mut files = build::all();
    files.push(("multi", "image/jpeg", build::jpeg_multi(5)));
    files.push(("updated", "application/pdf", build::pdf_updated()));
    files.extend(crate::containers::good());
    let packed = document::pdf_stream(
        "/Type /ObjStm /First 4 /Filter /FlateDecode",
        &document::deflated(b"<< /JS >>"),
    );
    files.push(("packed", "application/pdf", document::pdf_of(&[packed], "")));
    files.push(("svg", "image/svg+xml", markup::svg("<a href='#x' onclick='y'>z</a>")));
    files.push(("html", "text/html", markup::html("<script>x</script><img srcset='a 1x'>")));
    prop::sample::select(files).prop_map(|(_, media_type, file)| (media_type, file))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(media_type in prop::sample::select(&TYPES[..]), file in prop::collection::vec(any::<u8>(), 0..2000)) {
        holds(media_type, &file);
    }

    #[test]
    fn arbitrary_bytes_behind_a_valid_head((media_type, file) in valid(), keep in 2_usize..64, tail in prop::collection::vec(any::<u8>(), 0..2000)) {
        holds(media_type, &[&file[..keep.min(file.len())], &tail[..]].concat());
    }

    #[test]
    fn mutated_files((media_type, mut file) in valid(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6)) {
        for (at, byte, kind) in edits {
            let at = at.index(file.len().max(1));
            match kind {
                0 if at < file.len() => file[at] = byte,
                1 => file.insert(at.min(file.len()), byte),
                2 if at < file.len() => { file.remove(at); }
                _ => { let again: Vec<u8> = file.iter().skip(at).take(usize::from(byte)).copied().collect(); file.extend(again); }
            }
        }
        holds(media_type, &file);
    }

    /// `infer` reads lengths and offsets out of zip and OLE heads.
    #[test]
    fn heads_that_infer_parses(start in prop::sample::select(vec![
        &b"PK\x03\x04"[..],
        b"PK\x03\x04\x14\0\x06\0\x08\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x50\x2a\x4d\x18", b"\x02\x21\x4c\x18", b"\0\0\0\x18ftypmif1", b"dey\n", b"MZ",
    ]), tail in prop::collection::vec(any::<u8>(), 0..9000)) {
        identify_by_magic(&[start, &tail[..]].concat(), Declared::default());
    }
}
