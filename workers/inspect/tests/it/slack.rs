//! What hides in the bytes of an archive that belong to no member.

use crate::build;
use crate::containers::{codes, report, why};
use lazaret_fixtures::raw::{Part, RawZip, tar_member, tar_of, zip_of};
use lazaret_fixtures::{Zip, disc, document};

const ZIP: &str = "application/zip";
const TAR: &str = "application/x-tar";

fn a() -> Part {
    Part::stored("a.txt", b"the first member")
}

/// An extra field of this number.
pub fn field(id: u16, content: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &u16::try_from(content.len()).unwrap().to_le_bytes(), content].concat()
}

fn sorted(media_type: &str, file: &[u8]) -> (Vec<String>, String) {
    let report = report(media_type, file);
    let mut codes: Vec<String> = codes(&report).into_iter().map(str::to_owned).collect();
    codes.sort();
    codes.dedup();
    (codes, why(&report).to_owned())
}

#[test]
fn zips() {
    let pdf = document::pdf();
    let (body, end) = pdf.split_at(pdf.len() - 200);
    let signing = |content: &[u8]| {
        let length = (content.len() as u64 + 24).to_le_bytes();
        [&length[..], content, &length, b"APK Sig Block 42"].concat()
    };
    let signed = |parts: &[Part], block: Vec<u8>| RawZip { between: block, ..RawZip::default() }.build(parts);
    let android = [Part::stored("AndroidManifest.xml", b"x"), Part::stored("classes.dex", b"x")];
    let streamed = |content: &[u8]| zip_of(&[Part::stored("a", content).with(|p| p.streamed = true)]);
    let cases: Vec<(&str, Vec<u8>, &[&str], &str)> = vec![
        (
            "a pdf between an extra field and the comment",
            RawZip { comment: end.to_vec(), ..RawZip::default() }
                .build(&[a().with(|p| p.extra = field(0x9999, body))]),
            &["embedded"],
            "",
        ),
        (
            "a pdf in the comment",
            RawZip { comment: pdf.clone(), ..RawZip::default() }.build(&[a()]),
            &["embedded"],
            "",
        ),
        (
            "php in a field of the directory",
            zip_of(&[a().with(|p| p.listed_extra = field(0x9999, b"<?=`$_GET[0]`?> and more"))]),
            &["embedded"],
            "",
        ),
        (
            "a program in the comment of a member",
            zip_of(&[a().with(|p| p.comment = build::exe())]),
            &["embedded", "trailing"],
            "",
        ),
        ("no fields at all", zip_of(&[a().with(|p| p.extra = b"something else".to_vec())]), &["gap"], ""),
        ("a name that begins a pdf", zip_of(&[Part::stored("%PDF-1.4 x", b"x")]), &["embedded"], ""),
        ("signatures where none belong", signed(&[a()], signing(&[7; 4000])), &["gap"], ""),
        ("signatures of a package", signed(&android, signing(&[7; 4000])), &["executable", "kind"], ""),
        (
            "a script among signatures",
            signed(&android, signing(b"<?php system('id'); ?> and more")),
            &["embedded", "executable", "kind"],
            "",
        ),
        (
            "an end and a member within a member",
            streamed(b"abcPK\x07\x08\0\0\0\0\x03\0\0\0\x03\0\0\0PK\x03\x04 and so on, to its own end"),
            &["hidden"],
            "hidden",
        ),
        ("a member whose length follows", streamed(b"nothing of the kind"), &[], ""),
        (
            "times and owners",
            zip_of(&[a().with(|p| p.extra = [field(0x5455, &[3; 9]), field(0x7875, &[1; 11])].concat())]),
            &[],
            "",
        ),
        ("alignment", zip_of(&[a().with(|p| p.extra = field(0xd935, &[0; 4000]))]), &[], ""),
        (
            "a comment",
            RawZip { comment: b"made by hand".to_vec(), ..RawZip::default() }
                .build(&[a().with(|p| p.comment = b"mine".to_vec())]),
            &[],
            "",
        ),
        // Readers of pdfs take the whole archive for one, and find more of it in the members behind.
        ("a pdf as the first member", Zip::default().stored("a.pdf", &pdf).finish(), &["hidden"], ""),
        (
            "a pdf whose header is in one member and the rest in another",
            Zip::default().stored("a.txt", b"x\n%PDF-1.4\n").stored("b.txt", &pdf[9..]).finish(),
            &["hidden"],
            "",
        ),
        (
            "a pdf beyond where readers look for one",
            Zip::default().stored("a.txt", &[b'x'; 2000]).stored("b.pdf", &pdf).finish(),
            &[],
            "",
        ),
    ];
    for (name, file, found, gap) in cases {
        let (codes, why) = sorted(ZIP, &file);
        assert_eq!(
            (codes.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), why.as_str()),
            (found, gap),
            "{name}"
        );
    }
}

/// A compressed member whose length follows it, and within it a descriptor that tells how long it is up to there: who
/// goes by descriptors takes what follows for members.
#[test]
fn a_compressed_member_that_may_end_within() {
    let deflated = b"\x2b\xce\xcf\x4d\x55\x28\x49\xad\x28\x51\x28\xc6\xc2\x02\x00";
    let text = b"some text some text some text ";
    let length = u32::try_from(deflated.len()).unwrap().to_le_bytes();
    let size = u32::try_from(text.len()).unwrap().to_le_bytes();
    let crc = crc32fast::hash(text).to_le_bytes();
    let second = zip_of(&[Part::stored("b", b"MZ and more")]);
    let zip = |within: &[u8]| {
        zip_of(&[Part::stored("a", text).with(|p| {
            (p.packed, p.method, p.streamed) = ([deflated, within].concat(), 8, true);
        })])
    };
    let marked = [&b"PK\x07\x08"[..], &crc, &length, &size, &second].concat();
    let unmarked = [&crc[..], &length, &size, &second].concat();
    let wide = [&b"PK\x07\x08"[..], &crc, &length, &[0; 4], &size, &[0; 4], &second].concat();
    let wide_unmarked = [&crc[..], &length, &[0; 4], &size, &[0; 4], &second].concat();
    for within in [&marked, &unmarked, &wide, &wide_unmarked] {
        assert_eq!(
            sorted(ZIP, &zip(within)),
            (vec!["hidden".to_owned()], "hidden".to_owned()),
            "{within:x?}"
        );
    }
    // An archive in an archive, which no packer makes smaller, has its marks too.
    for within in [&b""[..], &second, b"PK\x07\x08 and so on, which says nothing of itself"] {
        assert_eq!(sorted(ZIP, &zip(within)), (vec![], String::new()), "{within:x?}");
    }
}

#[test]
fn links_of_every_system() {
    for host in [2, 3, 5, 16, 19, 30] {
        let file = zip_of(&[a().with(|p| (p.mode, p.host) = (0o120_777, host))]);
        assert_eq!(sorted(ZIP, &file).0, ["link"], "{host}");
    }
}

#[test]
fn tars() {
    let file = |name: &str| tar_member(name.as_bytes(), b'0', b"", b"content");
    let extended = |kind: u8, records: &[u8]| tar_member(b"pax", kind, b"", records);
    let cases: Vec<(&str, Vec<u8>, &[&str], &str)> = vec![
        (
            "git's comment",
            tar_of(&[extended(b'g', b"52 comment=0123456789012345678901234567890123456789\n"), file("a")]),
            &[],
            "",
        ),
        ("times of all", tar_of(&[extended(b'g', b"12 mtime=42\n"), file("a")]), &[], ""),
        (
            "a name of all",
            tar_of(&[extended(b'g', b"14 path=../up\n"), file("a")]),
            &["hidden", "path"],
            "hidden",
        ),
        ("a size of all", tar_of(&[extended(b'g', b"10 size=1\n"), file("a")]), &["hidden"], "hidden"),
        ("a name of solaris", tar_of(&[extended(b'X', b"14 path=../up\n"), file("a")]), &["path"], ""),
        (
            "a size that some can read",
            tar_of(&[extended(b'x', b"14 size=8_704\n"), file("a")]),
            &["malformed"],
            "malformed",
        ),
        (
            "a record that lies",
            tar_of(&[extended(b'x', b"99 path=a\n"), file("a")]),
            &["malformed"],
            "malformed",
        ),
        (
            "a record of all that lies",
            tar_of(&[extended(b'g', b"99 path=a\n"), file("a")]),
            &["malformed"],
            "malformed",
        ),
        (
            "a long one of all",
            tar_of(&[extended(b'g', &vec![b'x'; (1 << 20) + 1]), file("a")]),
            &["malformed"],
            "malformed",
        ),
        ("a name that begins a pdf", tar_of(&[file("%PDF-1.4")]), &["embedded"], ""),
        (
            "a pdf as the first member",
            tar_of(&[tar_member(b"a.pdf", b'0', b"", &document::pdf())]),
            &["hidden"],
            "",
        ),
        (
            "a pdf whose header is in one member and the rest in another",
            tar_of(&[
                tar_member(b"a.txt", b'0', b"", b"x\n%PDF-1.4\n"),
                tar_member(b"b.txt", b'0', b"", &document::pdf()[9..]),
            ]),
            &["hidden"],
            "",
        ),
        (
            "a pdf beyond where readers look for one",
            tar_of(&[file("a"), tar_member(b"a.pdf", b'0', b"", &document::pdf())]),
            &[],
            "",
        ),
        (
            "a disc around its members",
            tar_of(&[tar_member(b"a", b'0', b"", &{
                let mut content = vec![b' '; 0x9000];
                let at = 0x8001 - 512;
                content[at..at + 6].copy_from_slice(b"CD001\x01");
                content
            })]),
            &["embedded"],
            "",
        ),
    ];
    for (name, file, found, gap) in cases {
        let (codes, why) = sorted(TAR, &file);
        assert_eq!(
            (codes.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), why.as_str()),
            (found, gap),
            "{name}"
        );
    }
}

/// Of UDF alone (ECMA-167 2/9.1), in a picture and around an archive's members.
#[test]
fn a_disc_that_is_no_iso() {
    let disc = |magic: &[(usize, &[u8])], begin: usize| {
        let mut content = vec![b' '; 0xa000];
        for (place, magic) in magic {
            content[place - begin..place - begin + magic.len()].copy_from_slice(magic);
        }
        content
    };
    let sequences: [&[(usize, &[u8])]; 3] = [
        &[(0x8001, b"BEA01\x01"), (0x8801, b"NSR02\x01")],
        &[(0x8001, b"NSR03\x01")],
        &[(0x8001, b"BEA01\x01"), (0xa001 - 0x800, b"NSR03\x01")],
    ];
    for magic in sequences {
        let tar = tar_of(&[tar_member(b"a", b'0', b"", &disc(magic, 512))]);
        assert_eq!(sorted(TAR, &tar).0, ["embedded"], "{magic:x?}");
        let text = disc(magic, 0);
        assert!(sorted("text/plain", &text).0.contains(&"embedded".to_owned()), "{magic:x?}");
    }
    let elsewhere = tar_of(&[tar_member(b"a", b'0', b"", &disc(&[(0x8002, b"BEA01\x01NSR02\x01")], 512))]);
    assert_eq!(sorted(TAR, &elsewhere).0, [""; 0]);
}

#[test]
fn discs() {
    const ISO: &str = "application/x-iso9660-image";
    let whole = disc::iso(&[("A", b"x")]);
    assert_eq!(sorted(ISO, &whole), (vec![], String::new()));
    // The file's record gets room for more.
    let mode = [b"PX\x24\x01\xff\xa1\0\0".to_vec(), vec![0; 28]].concat();
    for (more, found) in
        [(b"SL\x08\x01\0\0\0\0".to_vec(), "link"), (mode, "link"), (b"NM\x0a\x01\0../up".to_vec(), "path")]
    {
        let mut disc = whole.clone();
        let at = 18 * 2048 + 2 * 34;
        let length = usize::from(disc[at]);
        disc[at] += u8::try_from(more.len()).unwrap();
        disc[at + length..at + length + more.len()].copy_from_slice(&more);
        assert_eq!(sorted(ISO, &disc).0, [found]);
    }
}

/// A cabinet of one stored file, with these bytes in its header's reserve, before and behind the list, and behind the data.
pub fn cabinet(reserved: &[u8], before: &[u8], between: &[u8], after: &[u8]) -> Vec<u8> {
    let content = b"some text";
    let list = [&9_u32.to_le_bytes()[..], &[0; 12], b"a.txt\0"].concat();
    let at = 36 + 4 + reserved.len() + 8 + before.len();
    let data = at + list.len() + between.len();
    let block = [&[0; 4][..], &[9, 0, 9, 0], content].concat();
    let size = data + block.len() + after.len();
    let long = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    [
        b"MSCF\0\0\0\0",
        &long(size)[..],
        &[0; 4],
        &long(at),
        &[0, 0, 0, 0, 3, 1, 1, 0, 1, 0, 4, 0, 0, 0, 0, 0],
        &u16::try_from(reserved.len()).unwrap().to_le_bytes(),
        &[0, 0],
        reserved,
        &long(data),
        &[1, 0, 0, 0],
        before,
        &list,
        between,
        &block,
        after,
    ]
    .concat()
}

#[test]
fn cabinets() {
    const CAB: &str = "application/vnd.ms-cab-compressed";
    let some = b"%PDF is not said here, and yet it is something";
    let cases: [(&str, Vec<u8>, &[&str]); 7] = [
        ("whole", cabinet(b"", b"", b"", b""), &[]),
        ("a signature's place", cabinet(&[1; 20], b"", b"", b""), &[]),
        ("a large reserve", cabinet(&[1; 400], b"", b"", b""), &["gap"]),
        ("before the list", cabinet(b"", some, b"", b""), &["gap"]),
        ("between list and data", cabinet(b"", b"", some, b""), &["gap"]),
        ("behind the data", cabinet(b"", b"", b"", some), &["gap"]),
        (
            "the list within the data",
            {
                let mut cab = cabinet(b"", b"", b"", b"");
                cab[16..20].copy_from_slice(&60_u32.to_le_bytes());
                cab
            },
            &["gap", "overlap", "path"],
        ),
    ];
    for (name, file, found) in cases {
        assert_eq!(sorted(CAB, &file).0, found, "{name}: {:?}", report(CAB, &file));
    }
}

#[test]
fn rars() {
    const RAR: &str = "application/vnd.rar";
    let four = |kind: u8, flags: u16, rest: &[u8], data: &[u8]| {
        let size = u16::try_from(7 + rest.len()).unwrap().to_le_bytes();
        let head = [&[kind][..], &flags.to_le_bytes(), &size, rest].concat();
        [&(crc32fast::hash(&head) as u16).to_le_bytes()[..], &head, data].concat()
    };
    let file_four = |flags: u16, name: &[u8]| {
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let rest = [&[9, 0, 0, 0, 9, 0, 0, 0, 3][..], &[0; 10], &length, &[0; 4], name].concat();
        four(0x74, 0x8000 | flags, &rest, b"some text")
    };
    let five = |head: &[u8], data: &[u8]| {
        let head = [&[u8::try_from(head.len()).unwrap()], head].concat();
        [&crc32fast::hash(&head).to_le_bytes()[..], &head, data].concat()
    };
    // Behind its flags: data of nine bytes, no flags of its own, sizes, attributes, and its name.
    let file_five = |extra: &[u8], name: &[u8]| {
        let own = [&[9, 0, 9, 0, 0, 0, u8::try_from(name.len()).unwrap()], name].concat();
        let head = match extra.len() {
            0 => [&[2, 2][..], &own].concat(),
            n => [&[2, 3, u8::try_from(n).unwrap()][..], &own, extra].concat(),
        };
        five(&head, b"some text")
    };
    let old = |parts: &[Vec<u8>]| [&b"Rar!\x1a\x07\0"[..], &parts.concat()].concat();
    let new = |parts: &[Vec<u8>]| [&b"Rar!\x1a\x07\x01\0"[..], &parts.concat()].concat();
    let (main, end) = (four(0x73, 0, &[0; 6], b""), four(0x7b, 0x4000, b"", b""));
    let (main5, end5) = (five(&[1, 0, 0], b""), five(&[5, 0, 0], b""));
    let wrong = |mut block: Vec<u8>| {
        block[0] ^= 1;
        block
    };
    let behind = b"and more, which no header claims".to_vec();
    let cases: [(&str, Vec<u8>, &[&str]); 17] = [
        ("whole", old(&[main.clone(), file_four(0, b"a.txt"), end.clone()]), &[]),
        ("without an end", old(&[main.clone(), file_four(0, b"a.txt")]), &[]),
        ("behind", old(&[main.clone(), end.clone(), behind.clone()]), &["trailing"]),
        (
            "a block of no kind",
            old(&[main.clone(), four(9, 0x8000, &[4, 0, 0, 0], b"more"), end.clone()]),
            &["gap"],
        ),
        ("a wrong checksum", old(&[wrong(main.clone()), end.clone()]), &["malformed"]),
        ("cut", old(&[main.clone(), file_four(0, b"a.txt")[..20].to_vec()]), &["truncated"]),
        ("climbs", old(&[main.clone(), file_four(0, b"../a.txt"), end.clone()]), &["path"]),
        ("encrypted", old(&[main, file_four(4, b"a.txt"), end]), &["encrypted"]),
        ("encrypted headers", old(&[four(0x73, 0x80, &[0; 6], b""), behind.clone()]), &["encrypted"]),
        ("whole, of version 5", new(&[main5.clone(), file_five(b"", b"a.txt"), end5.clone()]), &[]),
        ("behind, of version 5", new(&[main5.clone(), end5.clone(), behind.clone()]), &["trailing"]),
        (
            "a block of no kind, of version 5",
            new(&[main5.clone(), five(&[9, 2, 4], b"more"), end5.clone()]),
            &["gap"],
        ),
        ("a wrong checksum, of version 5", new(&[wrong(main5.clone()), end5.clone()]), &["malformed"]),
        ("without an end, of version 5", new(&[main5.clone(), file_five(b"", b"a.txt")]), &["truncated"]),
        (
            "encrypted, of version 5",
            new(&[main5.clone(), file_five(&[2, 1, 0], b"a.txt"), end5.clone()]),
            &["encrypted"],
        ),
        ("a link, of version 5", new(&[main5.clone(), file_five(&[2, 5, 1], b"a.txt"), end5]), &["link"]),
        ("encrypted headers, of version 5", new(&[five(&[4, 0, 0], b""), behind]), &["encrypted"]),
    ];
    for (name, file, found) in cases {
        let report = report(RAR, &file);
        assert_eq!(sorted(RAR, &file).0, found, "{name}: {report:?}");
        assert!(!report.coverage.is_complete(), "{name}");
    }
}
