//! What single records of archives say: each is changed in place, or put where it does not belong.

use crate::containers::report;
use crate::slack::{cabinet, field};
use crate::support::{Repeated, Said, assert_told};
use lazaret_fixtures::disc;
use lazaret_fixtures::raw::{Part, RawZip, tar_member, tar_of, zip_of};
use lazaret_inspect::archive::{MAX_LISTED, iso, tar, zip};
use lazaret_inspect::walk;
use std::io::{Cursor, Write};

const ZIP: &str = "application/zip";
const TAR: &str = "application/x-tar";
const ISO: &str = "application/x-iso9660-image";
const CAB: &str = "application/vnd.ms-cab-compressed";
const SEVEN: &str = "application/x-7z-compressed";
const DOC: &str = "application/msword";
const ODT: &str = "application/vnd.oasis.opendocument.text";

fn a() -> Part {
    Part::stored("a.txt", b"the first member")
}

fn edited(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn find(file: &[u8], what: &[u8]) -> usize {
    memchr::memmem::find(file, what).unwrap()
}

/// A wide end (APPNOTE 4.3.14) of a directory, of a length of its own, and what leads to it, before the end of `zip`.
fn with_wide_end(zip: &[u8], directory: usize, long: usize, length: u64) -> Vec<u8> {
    let end = zip.len() - 22;
    let [long, place, at, one] = [long, directory, end, 1].map(|n| (n as u64).to_le_bytes());
    let record = [&b"PK\x06\x06"[..], &length.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat();
    let locator = [&b"PK\x06\x07"[..], &[0; 4], &at, &1_u32.to_le_bytes()].concat();
    [&zip[..end], &record, &one, &one, &long, &place, &locator, &zip[end..]].concat()
}

#[test]
fn two_ends_and_two_directories_of_a_zip() {
    let one = zip_of(&[a()]);
    let (directory, end) = (find(&one, b"PK\x01\x02"), one.len() - 22);
    let long = end - directory;
    assert_told("one wide end", &report(ZIP, &with_wide_end(&one, directory, long, 44)), &[], ("", ""));
    assert_told(
        "a wide end of another length",
        &report(ZIP, &with_wide_end(&one, directory, long, 60)),
        &[("malformed", "zip64 end of the wrong length")],
        ("", ""),
    );

    // Each directory lists one of the two members.
    let two = zip_of(&[a(), Part::stored("b.exe", b"the other member")]);
    let (directory, end) = (find(&two, b"PK\x01\x02"), two.len() - 22);
    let long = end - directory;
    let first = |zip: &[u8]| {
        let end = zip.len() - 22;
        edited(
            zip,
            end + 8,
            &[&[1, 0, 1, 0][..], &(long as u32 / 2).to_le_bytes(), &(directory as u32).to_le_bytes()]
                .concat(),
        )
    };
    assert_told(
        "two ends",
        &report(ZIP, &first(&with_wide_end(&two, directory + long / 2, long / 2, 44))),
        &[("hidden", "two ends")],
        ("hidden", "two ends"),
    );
    assert_told(
        "two directories",
        &report(ZIP, &first(&two)),
        &[("hidden", "two directories")],
        ("hidden", "two directories"),
    );
}

#[test]
fn what_a_zip_says_in_one_place_alone() {
    let zip = zip_of(&[a()]);
    let (directory, end) = (find(&zip, b"PK\x01\x02"), zip.len() - 22);
    let crc = crc32fast::hash(b"a.txt").to_le_bytes();
    let name = field(0x7075, &[&[1][..], &crc, b"b.txt"].concat());
    let again = a().with(|p| (p.is_there, p.offset) = (false, Some(0)));
    let streamed = zip_of(&[a().with(|p| p.streamed = true)]);
    let longer = 9000_u32.to_le_bytes();
    let cases: Vec<(&str, Vec<u8>, &[Said], Said)> = vec![
        (
            "a second name",
            zip_of(&[a().with(|p| p.listed_extra = name)]),
            &[("hidden", "two names")],
            ("", ""),
        ),
        (
            "several disks",
            edited(&zip, end + 4, &[1, 0]),
            &[("malformed", "several disks")],
            ("multi_disk", ""),
        ),
        ("a member on another disk", edited(&zip, directory + 34, &[1, 0]), &[], ("multi_disk", "")),
        (
            "a page in the comment of a member",
            zip_of(&[a().with(|p| p.comment = b"<SCRIPT>".to_vec())]),
            &[("embedded", "a browser or php")],
            ("", ""),
        ),
        (
            "php in the comment",
            RawZip { comment: b"<?PHP system('id');".to_vec(), ..RawZip::default() }.build(&[a()]),
            &[("embedded", "a browser or php")],
            ("", ""),
        ),
        ("one member twice", zip_of(&[a(), again]), &[("overlap", "")], ("overlap", "")),
        ("a member of no name", zip_of(&[Part::stored("", b"x")]), &[("path", "no name")], ("", "")),
        (
            "a descriptor that is none",
            edited(&streamed, find(&streamed, b"PK\x07\x08") + 4, b"evil"),
            &[("malformed", "no descriptor")],
            ("", ""),
        ),
        (
            "a member that is longer than the file",
            edited(&edited(&zip, 18, &longer), directory + 20, &longer),
            &[("hidden", "is listed and not there")],
            ("hidden", "is listed and not there"),
        ),
    ];
    for (name, file, found, gap) in cases {
        assert_told(name, &report(ZIP, &file), found, gap);
    }
    let text = zip_of(&[
        Part::stored("mimetype", ODT.as_bytes()),
        Part::stored("Basic/Standard/Module1.xml", b"<x/>"),
    ]);
    assert_told("macros of a text", &report(ODT, &text), &[("macro", "Basic/Standard")], ("", ""));
}

#[test]
fn cabinets_and_7z() {
    let whole = cabinet(b"", b"", b"", b"");
    let behind = [&whole[..], b"more"].concat();
    assert_told("behind a cabinet", &report(CAB, &behind), &[("trailing", "4 bytes")], ("", ""));
    // It goes on in a next one, whose names follow what the header keeps for others.
    let mut first = cabinet(b"b.cab\0disk 2\0", b"", b"", b"");
    first[30] |= 2;
    first[36] = 0;
    assert_told("a set", &report(CAB, &first), &[("malformed", "a set of cabinets")], ("multi_disk", ""));

    let whole = disc::seven(&[0], &[("a", b"x")]);
    assert_told("7z", &report(SEVEN, &whole), &[], ("", ""));
    let behind = [&whole[..], b"more"].concat();
    assert_told("behind a 7z", &report(SEVEN, &behind), &[("trailing", "4 bytes")], ("", ""));
    let length = (64 << 20) + 1_u64;
    let start = [&[0; 8][..], &length.to_le_bytes(), &[0; 4]].concat();
    let head = [&whole[..8], &crc32fast::hash(&start).to_le_bytes(), &start].concat();
    let mut file = Repeated::new(head, vec![0; 1 << 16], length + 32);
    let report = walk(SEVEN, &mut file, length + 32).unwrap();
    assert_told("a long list", &report, &[], ("limit.members", "67108865 bytes"));
}

#[test]
fn tars() {
    let file = tar_member(b"a", b'0', b"", b"x");
    let padded = edited(&tar_of(std::slice::from_ref(&file)), 600, b"x");
    assert_told("padding", &report(TAR, &padded), &[("gap", "padding")], ("", ""));
    let short = [&file[..], &[0; 512]].concat();
    assert_told("one block of zeros", &report(TAR, &short), &[("truncated", "one block")], ("", ""));
    let holes = tar_member(b"pax", b'x', b"", b"22 GNU.sparse.major=1\n");
    assert_told("sparse", &report(TAR, &tar_of(&[holes, file])), &[], ("unreadable", "sparse"));
}

/// A disc of one file, whose record gets `more`, and the rest of the disc as `change` has it.
fn disc_with(more: &[u8], change: impl FnOnce(&mut Vec<u8>, usize)) -> Vec<u8> {
    let mut disc = disc::iso(&[("A", b"x")]);
    let at = 18 * 2048 + 2 * 34;
    let length = usize::from(disc[at]);
    disc[at] += u8::try_from(more.len()).unwrap();
    disc[at + length..at + length + more.len()].copy_from_slice(more);
    change(&mut disc, at);
    disc
}

#[test]
fn discs() {
    let rock_ridge = |more: &[u8]| disc_with(more, |_, _| ());
    // It goes on where it stands itself (P1281 5.1): in sector 18, behind its name.
    let place = 2 * 34 + 36;
    let both = |n: u32| [n.to_le_bytes(), n.to_be_bytes()].concat();
    let circle = [&b"CE\x1c\x01"[..], &both(18), &both(place), &both(28)].concat();
    let cases: [(&str, Vec<u8>, &[Said], Said); 6] = [
        ("a device", rock_ridge(&[&b"PN\x14\x01"[..], &[0; 16]].concat()), &[("link", "a device")], ("", "")),
        ("packed", rock_ridge(&[&b"ZF\x10\x01"[..], &[0; 12]].concat()), &[], ("unreadable", "compressed")),
        ("a circle", rock_ridge(&circle), &[("malformed", "does not end")], ("malformed", "does not end")),
        ("pieces", disc_with(b"", |disc, at| disc[at + 25] |= 0x80), &[], ("unreadable", "several pieces")),
        ("interleaved", disc_with(b"", |disc, at| disc[at + 26] = 1), &[], ("unreadable", "several pieces")),
        // The sequence of the bridge stands behind the descriptors (ECMA-167 2/9.1), here where the file lies.
        (
            "udf",
            disc_with(b"", |disc, _| disc[19 * 2048..][..7].copy_from_slice(b"\0NSR02\x01")),
            &[],
            ("unreadable", "udf"),
        ),
    ];
    for (name, file, found, gap) in cases {
        let report = report(ISO, &file);
        assert_told(name, &report, found, gap);
    }
}

#[test]
fn more_members_than_are_listed() {
    // One entry of a directory of no name, again and again.
    let zip = zip_of(&[Part::stored("", b"x")]);
    let (directory, end) = (find(&zip, b"PK\x01\x02"), zip.len() - 22);
    let directory = zip[directory..end].repeat(MAX_LISTED + 1);
    let mut file = [&zip[..zip.len() - 22 - 46], &directory, &zip[end..]].concat();
    let at = file.len() - 10;
    file[at..at + 4].copy_from_slice(&u32::try_from(directory.len()).unwrap().to_le_bytes());
    let listed = zip::list(&mut Cursor::new(&file), file.len() as u64).unwrap();
    assert_eq!(listed.members.len(), MAX_LISTED);
    assert!(format!("{:?}", listed.coverage).contains("limit.members"), "{:?}", listed.coverage);

    let size = (MAX_LISTED as u64 + 3) * 512;
    let listed = tar::list(&mut Repeated::new(vec![], tar_member(b"a", b'0', b"", b""), size), size).unwrap();
    assert_eq!(listed.members.len(), MAX_LISTED);
    assert!(format!("{:?}", listed.coverage).contains("limit.members"), "{:?}", listed.coverage);

    // No two files of the same bytes: each is one longer than the one before.
    let mut disc = disc::iso(&[("A", b"x")]);
    let at = 18 * 2048;
    let record = disc[at + 2 * 34..][..36].to_vec();
    disc.truncate(at);
    for n in 0..=MAX_LISTED {
        if disc.len() % 2048 + 36 > 2048 {
            disc.resize(disc.len().next_multiple_of(2048), 0);
        }
        let size = u32::try_from(n).unwrap().to_le_bytes();
        disc.extend([&record[..10], &size, &record[14..]].concat());
    }
    disc.resize(disc.len().next_multiple_of(2048), 0);
    let root = u32::try_from(disc.len() - at).unwrap().to_le_bytes();
    disc[16 * 2048 + 166..][..4].copy_from_slice(&root);
    let listed = iso::list(&mut Cursor::new(&disc), disc.len() as u64).unwrap();
    assert_eq!(listed.members.len(), MAX_LISTED, "{:?}", listed.coverage);
    assert!(format!("{:?}", listed.coverage).contains("limit.members"), "{:?}", listed.coverage);
}

/// What is listed of a file that is shorter than it was when it was hashed is never all of it.
#[test]
fn a_file_that_became_shorter() {
    let (zip_file, tar_file) = (zip_of(&[a()]), tar_of(&[tar_member(b"a", b'0', b"", b"x")]));
    let disc = disc::iso(&[("A", b"x")]);
    let more = |file: &[u8]| file.len() as u64 + 1;
    let coverages = [
        zip::list(&mut Cursor::new(&zip_file), more(&zip_file)).unwrap().coverage,
        tar::list(&mut Cursor::new(&tar_file), more(&tar_file)).unwrap().coverage,
        iso::list(&mut Cursor::new(&disc), more(&disc)).unwrap().coverage,
    ];
    for coverage in coverages {
        assert!(format!("{coverage:?}").contains("io.size"), "{coverage:?}");
    }
}

#[test]
fn older_documents_that_break_off() {
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    compound.create_stream("/WordDocument").unwrap().write_all(&[7; 5000]).unwrap();
    compound.flush().unwrap();
    let whole = compound.into_inner().into_inner();
    assert_told("whole", &report(DOC, &whole), &[], ("", ""));
    let name: Vec<u8> = "WordDocument".encode_utf16().flat_map(u16::to_le_bytes).collect();
    // The length in its entry ([MS-CFB] 2.6.1).
    let longer = edited(&whole, find(&whole, &name) + 0x78, &50_000_u64.to_le_bytes());
    assert_told(
        "a stream longer than its chain",
        &report(DOC, &longer),
        &[("malformed", "to its end")],
        ("malformed", "to its end"),
    );
    assert_told(
        "no tables",
        &report(DOC, &edited(&whole, 0x4c, &9999_u32.to_le_bytes())),
        &[("malformed", "tables are broken")],
        ("malformed", "tables are broken"),
    );
}
