//! The service's reading of what a child says.

use lazaret_report::{Coverage, Engine, Finding, Report, Why};
use lazaret_sandbox::{
    MemberHead, MemberTail,
    fuzzing::hear_out,
    protocol::{FromChild, Header},
};
use std::{io::Write, os::unix::net::UnixStream, sync::LazyLock};
use tokio::runtime::{Builder, Runtime};

/// More than a socket holds would need a second thread to write it.
const MOST: usize = 64 << 10;
const HEADS: u64 = 32 << 10;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap_or_else(|error| panic!("{error}"))
});

pub fn run(data: &[u8]) {
    let data = &data[..data.len().min(MOST)];
    let Ok((ours, mut theirs)) = UnixStream::pair() else { return };
    if ours.set_nonblocking(true).and_then(|()| theirs.write_all(data)).is_err() {
        return;
    }
    drop(theirs);
    let heard = RUNTIME.block_on(async {
        match tokio::net::UnixStream::from_std(ours) {
            Ok(socket) => hear_out(socket, 1, HEADS).await,
            Err(_) => Vec::new(),
        }
    });
    // Each message has a header of 20 bytes, and all of them stand in the data.
    assert!(heard.len() * 20 <= data.len().min(HEADS as usize), "{} messages in {}", heard.len(), data.len());
}

/// A message as a child sends it.
fn said(message: &FromChild, blob: &[u8]) -> Vec<u8> {
    let head = serde_json::to_vec(message).unwrap_or_default();
    let header = Header { sequence: 1, head_length: head.len() as u32, blob_length: blob.len() as u32 };
    [&header.encode()[..], &head, blob].concat()
}

pub fn seeds() -> Vec<Vec<u8>> {
    let finding = Finding::new("structure.trailing", "3 bytes after the end").scored(0.5);
    let report =
        Report { engine: Engine::new("inspect", "1"), coverage: Coverage::Complete, findings: vec![finding] };
    let member = [
        said(&FromChild::Member(MemberHead { name: "a.txt".to_owned() }), b""),
        said(&FromChild::Chunk, b"some bytes"),
        said(&FromChild::MemberEnd(MemberTail { bytes: 10, gap: Some(Why::new("unreadable", "")) }), b""),
    ];
    vec![
        said(&FromChild::Opened, b""),
        said(&FromChild::Report(report), b""),
        said(&FromChild::Refused(Why::new("media.undecodable", "")), b""),
        said(&FromChild::Attempted { denied: None }, b""),
        member.concat(),
    ]
}
