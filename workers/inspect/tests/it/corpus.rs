//! Walks over real files: all that is well made is complete and without findings, and cut short it is not.

use crate::support;
use lazaret_inspect::{Declared, has_walk, identify_by_magic, walk};
use lazaret_report::Report;
use std::io::Cursor;

fn report(media_type: &str, file: &[u8]) -> Report {
    walk(media_type, &mut Cursor::new(file), file.len() as u64).unwrap()
}

#[test]
fn real_files_walk_to_their_end() {
    let Some(folder) = support::corpus() else {
        eprintln!("skipped: no corpus beside this repository");
        return;
    };
    let mut walked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let file = std::fs::read(entry.path()).unwrap();
        let media_type = identify_by_magic(&file[..file.len().min(8192)], Declared::default()).media_type;
        // JPEG-LS shares JPEG's first bytes and nothing else; no browser shows it.
        if !has_walk(&media_type) || name.ends_with(".jls") {
            continue;
        }
        walked += 1;
        let whole = report(&media_type, &file);
        assert!(whole.coverage.is_complete(), "{name}: {whole:?}");
        assert_eq!(whole.findings, [], "{name}");
        for part in 1..20 {
            let cut = report(&media_type, &file[..file.len() * part / 20]);
            assert!(!cut.coverage.is_complete(), "{name}, {part}/20: {cut:?}");
        }
        let behind = report(&media_type, &[&file[..], b"<?php system('id'); ?> and so on"].concat());
        let codes: Vec<_> = behind.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, ["structure.trailing", "structure.embedded"], "{name}");
    }
    assert!(walked >= 10, "only {walked}");
}
