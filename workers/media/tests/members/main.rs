//! Members of archives, through the real pool and the real `lazaret-media`.

mod archives;
mod documents;
mod limits;
mod seven;
mod streams;
#[path = "../support/mod.rs"]
mod support;

use flate2::{Compression, write::GzEncoder};
use lazaret_sandbox::{Coverage, Members, MembersRequest, Trouble};
use std::io::Write;
use support::{is_well, open, pool};

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
