//! The readers of what stands between pictures, for fuzzing.

use crate::live;
use crate::render::userdata::Writing;
pub use ffmpeg_next::codec::Id;
use lazaret_sandbox::Why;
use std::io::{self, Read};

/// What a copy keeps of what a container holds for the decoder of a track, and of one of its packets.
pub fn kept(id: Id, head: &[u8], packet: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Why> {
    let writing = Writing::of(id, head)?;
    let kept = writing.head_without(id, head)?.unwrap_or_else(|| head.to_vec());
    Ok((kept, writing.without(packet)?.unwrap_or_else(|| packet.to_vec())))
}

/// What FFmpeg reads of a transport stream.
pub fn sieved(from: impl Read) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    live::feed::Sieve::new(from).read_to_end(&mut out)?;
    Ok(out)
}
