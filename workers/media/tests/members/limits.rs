//! Bombs, and decompressors that are told to take what they may not.

use crate::{LIMITS, code, gz, take, taken, tool};
use lazaret_fixtures::raw::{Part, overlapping, zip_of};
use lazaret_fixtures::{Zip, disc};
use lazaret_sandbox::MembersRequest;

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
