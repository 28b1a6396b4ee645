//! RTMP's chunks (Adobe's specification 1.0, 5.3) to messages, and back. Pure.

use crate::streams::pull::trouble::Trouble;
use bytes::{Buf, Bytes, BytesMut};
use std::collections::HashMap;

/// Streams of chunks that may be open at a time, and bytes of messages that are not whole.
const STREAMS: usize = 64;
const HELD: usize = 16 << 20;
/// As chunks begin, both ways.
const SIZE: usize = 128;
/// From here on a timestamp stands in four bytes of its own.
const FAR: u32 = 0xff_ffff;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    /// Milliseconds.
    pub at: u32,
    pub body: Bytes,
}

/// What is known of a stream of chunks.
#[derive(Debug, Clone, Default)]
struct Head {
    at: u32,
    /// As it stands in the last header: an instant, or the time since the one before.
    field: u32,
    length: usize,
    kind: u8,
    stream: u32,
    body: BytesMut,
}

/// Puts messages together.
#[derive(Debug)]
pub struct Chunks {
    size: usize,
    heads: HashMap<u32, Head>,
    held: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { size: SIZE, heads: HashMap::new(), held: 0 }
    }
}

/// There are too few bytes yet.
struct Short;

impl Chunks {
    /// Takes the next message out of `bytes`, if it is whole.
    pub fn next(&mut self, bytes: &mut BytesMut) -> Result<Option<Message>, Trouble> {
        loop {
            match self.chunk(bytes)? {
                Err(Short) => return Ok(None),
                Ok(None) => {}
                Ok(Some(message)) => match (message.kind, &message.body[..]) {
                    (1, [a, b, c, d, ..]) => {
                        let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                        if size == 0 || size > HELD {
                            return Err(Trouble::nonsense(format!("chunks of {size} bytes")));
                        }
                        self.size = size;
                    }
                    (2, [a, b, c, d, ..]) => {
                        if let Some(head) = self.heads.get_mut(&u32::from_be_bytes([*a, *b, *c, *d])) {
                            self.held -= head.body.len();
                            head.body.clear();
                        }
                    }
                    _ => return Ok(Some(message)),
                },
            }
        }
    }

    /// One chunk; the message that it ends.
    fn chunk(&mut self, bytes: &mut BytesMut) -> Result<Result<Option<Message>, Short>, Trouble> {
        let mut rest = &bytes[..];
        let Some((format, id)) = begins(&mut rest) else { return Ok(Err(Short)) };
        let known = self.heads.get(&id);
        if known.is_none() && (format != 0 || self.heads.len() >= STREAMS) {
            return Err(Trouble::nonsense("a chunk of a message that never began"));
        }
        let mut head =
            known.map_or_else(Head::default, |head| Head { body: BytesMut::new(), ..head.clone() });
        let begun = known.map_or(0, |head| head.body.len());
        if begun > 0 && format != 3 {
            return Err(Trouble::nonsense("a message in the middle of another"));
        }
        if fields(&mut rest, format, &mut head).is_none() {
            return Ok(Err(Short));
        }
        if begun == 0 {
            head.at = if format == 0 { head.field } else { head.at.wrapping_add(head.field) };
        }
        let length = (head.length - begun).min(self.size);
        if rest.len() < length {
            return Ok(Err(Short));
        }
        let before = bytes.len() - rest.len();
        bytes.advance(before);
        let piece = bytes.split_to(length);
        self.held += length;
        if self.held > HELD {
            return Err(Trouble::nonsense("more messages at a time than anybody needs"));
        }
        let place = self.heads.entry(id).or_default();
        let mut body = std::mem::take(&mut place.body);
        body.extend_from_slice(&piece);
        let whole = body.len() == head.length;
        *place = Head { body: BytesMut::new(), ..head };
        if !whole {
            place.body = body;
            return Ok(Ok(None));
        }
        self.held -= body.len();
        Ok(Ok(Some(Message { kind: place.kind, at: place.at, body: body.freeze() })))
    }
}

/// Format and id of a chunk.
fn begins(rest: &mut &[u8]) -> Option<(u8, u32)> {
    let first = byte(rest)?;
    let id = match first & 0x3f {
        0 => 64 + u32::from(byte(rest)?),
        1 => {
            let low = u32::from(byte(rest)?);
            64 + low + 256 * u32::from(byte(rest)?)
        }
        id => id.into(),
    };
    Some((first >> 6, id))
}

/// Those fields of the header that this format has.
fn fields(rest: &mut &[u8], format: u8, head: &mut Head) -> Option<()> {
    if format < 3 {
        head.field = three(rest)?;
    }
    if format < 2 {
        head.length = three(rest)? as usize;
        head.kind = byte(rest)?;
    }
    if format == 0 {
        let stream: [u8; 4] = *rest.first_chunk()?;
        *rest = &rest[4..];
        head.stream = u32::from_le_bytes(stream);
    }
    // It stands before every chunk of such a message.
    if head.field >= FAR {
        let far: [u8; 4] = *rest.first_chunk()?;
        *rest = &rest[4..];
        let far = u32::from_be_bytes(far);
        head.field = if format < 3 { far.max(FAR) } else { head.field };
    }
    Some(())
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

fn three(rest: &mut &[u8]) -> Option<u32> {
    let [a, b, c]: [u8; 3] = *rest.first_chunk()?;
    *rest = &rest[3..];
    Some(u32::from_be_bytes([0, a, b, c]))
}

/// A message of ours in chunks, on the chunks' stream `id` (3 to 63).
pub fn chunked(id: u8, kind: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(FAR).to_be_bytes();
    let mut bytes = vec![id, 0, 0, 0, length[1], length[2], length[3], kind];
    bytes.extend(stream.to_le_bytes());
    for (n, piece) in body.chunks(SIZE).enumerate() {
        if n > 0 {
            bytes.push(0xc0 | id);
        }
        bytes.extend(piece);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Result<Vec<Message>, Trouble> {
        let (mut chunks, mut bytes, mut all) = (Chunks::default(), BytesMut::from(bytes), Vec::new());
        while let Some(message) = chunks.next(&mut bytes)? {
            all.push(message);
        }
        Ok(all)
    }

    #[test]
    fn messages_come_out_as_they_went_in() {
        let (long, short) = (vec![7; 1000], vec![9; 5]);
        let bytes = [chunked(3, 20, 0, &long), chunked(4, 9, 1, &short), chunked(3, 20, 0, &[])].concat();
        let message = |kind, body: &[u8]| Message { kind, at: 0, body: Bytes::copy_from_slice(body) };
        assert_eq!(all(&bytes).unwrap(), [message(20, &long), message(9, &short), message(20, &[])]);
        // In the smallest steps.
        let (mut chunks, mut buffer, mut count) = (Chunks::default(), BytesMut::new(), 0);
        for byte in &bytes {
            buffer.extend_from_slice(&[*byte]);
            count += usize::from(chunks.next(&mut buffer).unwrap().is_some());
        }
        assert_eq!((count, buffer.len()), (3, 0));
    }

    #[test]
    fn headers_that_lean_on_the_one_before() {
        let first = [&[4, 0, 0, 10, 0, 0, 2, 9, 1, 0, 0, 0][..], &[1, 2]].concat();
        let bytes = [
            &first[..],
            // The same length and kind 40 ms later, again so, and as the one before.
            &[0x84, 0, 0, 40, 3, 4],
            &[0xc4, 5, 6],
            // Another kind, far in the future.
            &[0x44, 0xff, 0xff, 0xff, 0, 0, 1, 8, 1, 0, 0, 0, 7],
        ];
        let read = all(&bytes.concat()).unwrap();
        let told: Vec<_> = read.iter().map(|message| (message.kind, message.at, message.body[0])).collect();
        assert_eq!(told, [(9, 10, 1), (9, 50, 3), (9, 90, 5), (8, 90 + 0x0100_0000, 7)]);
    }

    #[test]
    fn chunks_grow_and_messages_are_given_up() {
        let larger = chunked(2, 1, 0, &1000_u32.to_be_bytes());
        let message = [&[3, 0, 0, 0, 0, 3, 0, 20, 0, 0, 0, 0][..], &[1; 768]].concat();
        assert_eq!(all(&[larger, message].concat()).unwrap().len(), 1);
        let half = [&[3, 0, 0, 0, 0, 3, 0, 20, 0, 0, 0, 0][..], &[1; 128]].concat();
        let abort = chunked(2, 2, 0, &3_u32.to_be_bytes());
        let fresh = chunked(3, 20, 0, &[5]);
        assert_eq!(all(&[half.clone(), abort, fresh.clone()].concat()).unwrap()[0].body[..], [5]);
        for wrong in [
            [half, fresh].concat(),
            vec![0xc3, 0],
            chunked(2, 1, 0, &0_u32.to_be_bytes()),
            chunked(2, 1, 0, &u32::MAX.to_be_bytes()),
            (0..70)
                .flat_map(|id: u8| [&[0, id, 0, 0, 0, 0, 1, 0, 9, 0, 0, 0, 0][..], &[0; 128]].concat())
                .collect(),
        ] {
            assert!(all(&wrong).is_err(), "{:?}", &wrong[..2]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = all(&bytes);
        }
    }
}
