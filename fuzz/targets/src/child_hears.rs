//! The child's reading of what the service says.

use lazaret_sandbox::{
    GlimpseRequest, MembersRequest, Name, PictureRequest, RenditionSpec, Resize, Target,
    child::Channel,
    protocol::{Header, ToChild},
};
use std::{io::Write, os::unix::net::UnixStream};

/// More than a socket holds would need a second thread to write it.
const MOST: usize = 64 << 10;

pub fn run(data: &[u8]) {
    let data = &data[..data.len().min(MOST)];
    let Ok((ours, mut theirs)) = UnixStream::pair() else { return };
    if theirs.write_all(data).is_err() {
        return;
    }
    drop(theirs);
    let mut channel = Channel::over(ours);
    let mut messages = 0;
    while let Ok(Some(incoming)) = channel.receive() {
        assert!(incoming.file.is_none(), "a file out of nowhere");
        messages += 1;
        assert!(messages * 20 <= data.len(), "{messages} messages in {} bytes", data.len());
    }
}

fn told(sequence: u64, message: &ToChild) -> Vec<u8> {
    let head = serde_json::to_vec(message).unwrap_or_default();
    let header = Header { sequence, head_length: head.len() as u32, blob_length: 0 };
    [&header.encode()[..], &head].concat()
}

pub fn seeds() -> Vec<Vec<u8>> {
    let target = Target { width: 224, height: 224, resize: Resize::default() };
    let members = MembersRequest { max_members: 9, max_bytes: 99, max_ratio: 9, ratio_from: 99 };
    let messages = [
        ToChild::Open { size: 9, media_type: "image/png".to_owned() },
        ToChild::Walk,
        ToChild::Picture(PictureRequest::new(vec![target])),
        ToChild::Render(RenditionSpec::Thumbnail { max_edge: 320 }),
        ToChild::Render(RenditionSpec::Viewed { max_edge: 320, by: Name::new("ann@example.org") }),
        ToChild::Render(RenditionSpec::Played { max_edge: 320, by: Name::new("ann@example.org") }),
        ToChild::Members(members),
        ToChild::Glimpse(GlimpseRequest { pause_ms: 200, max_pixels: 1 << 20 }),
        ToChild::Close,
    ];
    let all: Vec<_> = (1..).zip(&messages).map(|(sequence, message)| told(sequence, message)).collect();
    let whole = all.concat();
    all.into_iter().chain([whole]).collect()
}
