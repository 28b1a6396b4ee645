//! The true type by magic bytes, held against what the sender says: a name, a media type, the file, one a line.

use crate::{is_for_people, lines};
use lazaret_fixtures::each;
use lazaret_inspect::{Declared, identify_by_magic};

pub fn run(data: &[u8]) {
    let [name, declared, head] = lines::<3>(data);
    let (name, declared) = (String::from_utf8_lossy(name), String::from_utf8_lossy(declared));
    let declared = Declared { media_type: Some(&declared), filename: Some(&name) };
    let told = identify_by_magic(head, declared);
    assert!(is_media_type(&told.media_type), "{:?}", told.media_type);
    told.report.findings.iter().for_each(|finding| assert!(is_for_people(&finding.detail), "{finding:?}"));
    // What others say changes what is found, never what the file is.
    assert_eq!(told.media_type, identify_by_magic(head, Declared::default()).media_type);
}

/// As the planner and the policies read it.
fn is_media_type(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    text.split_once('/').is_some_and(|(kind, rest)| part(kind) && part(rest))
}

pub fn seeds() -> Vec<Vec<u8>> {
    let seed = |file: &each::File| {
        let head = &file.bytes[..file.bytes.len().min(1024)];
        [file.name.as_bytes(), b"\n", file.media_type.as_bytes(), b"; a=b\n", head].concat()
    };
    let mut seeds: Vec<_> = each::all().iter().map(seed).collect();
    for text in
        ["#EXTM3U\n", "ffconcat version 1.0\n", "v=0\r\no=- 0", "#!/bin/sh\n", "<?xml?><!-- a --><s:svg>"]
    {
        seeds.push(format!("a.exe.jpg\nimage/jpeg\n{text}").into_bytes());
    }
    seeds
}
