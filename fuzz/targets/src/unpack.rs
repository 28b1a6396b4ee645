//! Members taken out of archives and streams, under small limits: no more comes than is allowed, and what is said to be
//! complete is all there.

use crate::{choose, chosen, holds, is_for_people};
use flate2::bufread::DeflateDecoder;
use lazaret_fixtures::raw::{Part, zip_of};
use lazaret_fixtures::{Zip, each};
use lazaret_inspect::archive::{Format, zip};
use lazaret_media::unpack;
use lazaret_report::Why;
use lazaret_sandbox::{MembersRequest, child::MemberSink};
use rustix::fs::{MemfdFlags, memfd_create};
use std::{
    fs::File,
    io::{self, Seek, Write},
};

/// Canonical media types. New ones go to the end: seeds count from the beginning.
const TYPES: [&str; 9] = [
    "application/zip",
    "application/x-tar",
    "application/x-iso9660-image",
    "application/x-7z-compressed",
    "application/gzip",
    "application/x-bzip2",
    "application/x-xz",
    "application/zstd",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
];

const REQUEST: MembersRequest =
    MembersRequest { max_members: 32, max_bytes: 1 << 20, max_ratio: 100, ratio_from: 64 << 10 };

pub fn run(data: &[u8]) {
    let Some((media_type, bytes)) = choose(&TYPES, data) else { return };
    let size = bytes.len() as u64;
    // Without memory for a file there is nothing to be learnt.
    let Ok(mut file) = held(bytes) else { return };
    let mut taken = Taken::default();
    let told = unpack::members(&mut file, size, media_type, &REQUEST, &mut taken);
    let summary = told.unwrap_or_else(|why| panic!("{media_type}: {why}"));
    assert!(!taken.open, "a member without an end");
    let (allowed, _) = REQUEST.allowance(size);
    assert!(taken.bytes <= allowed, "{} bytes, and {allowed} are allowed", taken.bytes);
    assert!(taken.members <= REQUEST.max_members, "{} members", taken.members);
    assert_eq!(u64::from(taken.members), summary.seen);
    summary.findings.iter().for_each(|finding| assert!(is_for_people(&finding.detail), "{finding:?}"));
    if summary.coverage.is_complete() {
        assert!(!taken.gaps && summary.seen == summary.listed, "{summary:?}");
        if *media_type == TYPES[0] {
            is_used_up(&mut file, bytes);
        }
    }
    if let Some(format) = Format::of(media_type).filter(|format| format.is_stream()) {
        let report = unpack::walk(format, &file, size).unwrap_or_else(|error| panic!("{error}"));
        holds(&report, size);
        // What was taken out whole was walked whole; the walk has no limit of bytes.
        assert!(report.coverage.is_complete() || !summary.coverage.is_complete(), "{report:?}, {summary:?}");
    }
}

/// Of what is complete all packed bytes are used.
fn is_used_up(file: &mut File, bytes: &[u8]) {
    let listing = zip::list(file, bytes.len() as u64).unwrap_or_else(|error| panic!("{error}"));
    for member in listing.members.iter().filter(|m| m.method == 8 && m.form != zip::Form::Folder) {
        let packed = &bytes[member.data as usize..(member.data + member.packed) as usize];
        let mut decoder = DeflateDecoder::new(packed);
        let expanded = io::copy(&mut decoder, &mut io::sink());
        assert_eq!((expanded.ok(), decoder.total_in()), (Some(member.size), member.packed), "{member:?}");
    }
}

fn held(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("fuzz", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

#[derive(Default)]
struct Taken {
    open: bool,
    members: u32,
    bytes: u64,
    gaps: bool,
}

impl Write for Taken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(self.open, "bytes of no member");
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MemberSink for Taken {
    fn begin(&mut self, _: &str) -> io::Result<()> {
        assert!(!self.open, "a member within a member");
        self.open = true;
        self.members += 1;
        Ok(())
    }

    fn end(&mut self, gap: Option<Why>) -> io::Result<()> {
        assert!(std::mem::take(&mut self.open), "the end of no member");
        self.gaps |= gap.is_some();
        gap.iter().for_each(|why| assert!(is_for_people(&why.detail), "{why:?}"));
        Ok(())
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let files = each::all();
    let mut seeds: Vec<_> =
        files.iter().filter_map(|file| chosen(&TYPES, &file.media_type, &file.bytes)).collect();
    let bomb = Zip::default().deflated("zeros", &vec![0; 200_000]).finish();
    seeds.extend(chosen(&TYPES, &"application/zip", &bomb));
    let deflated = Part::stored("a", b"x").with(|p| (p.packed, p.method) = (b"\xab\0\0".to_vec(), 8));
    let behind = deflated.clone().with(|p| p.packed.extend(b"%PDF-1.4"));
    for part in [deflated, behind] {
        seeds.extend(chosen(&TYPES, &"application/zip", &zip_of(&[part])));
    }
    seeds
}
