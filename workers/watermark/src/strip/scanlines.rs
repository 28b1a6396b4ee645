//! The pixels of a PNG's frames, each in one chunk that ends where they do.

use super::{end, indices};
use img_parts::Bytes;
use img_parts::png::PngChunk;

/// Column and row of the first pixel of each of Adam7's passes, and the steps to the next (third edition, 8.1).
const PASSES: [[u64; 4]; 7] =
    [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/// The same chunks, with the data of each frame in one, up to its end; frames are numbered anew, and of a palette only
/// colours that some pixel has are kept.
pub(super) fn tight(chunks: &[PngChunk]) -> Result<Vec<PngChunk>, &'static str> {
    let header = chunks.first().and_then(|c| c.contents().first_chunk::<13>()).ok_or("it has no header")?;
    let mut frames = Frames {
        header: *header,
        size: two(&header[..]),
        data: None,
        number: 0,
        used: [false; 256],
        out: Vec::new(),
    };
    for chunk in chunks {
        let contents = chunk.contents();
        match &chunk.kind() {
            b"IDAT" => frames.more(*b"IDAT", contents)?,
            b"fdAT" => frames.more(*b"fdAT", contents.get(4..).unwrap_or_default())?,
            b"fcTL" => {
                frames.end()?;
                frames.size = contents.get(4..12).map(two).ok_or("a frame's header is malformed")?;
                let number = frames.next();
                let control = [&number[..], contents.get(4..).unwrap_or_default()].concat();
                frames.out.push(PngChunk::new(*b"fcTL", Bytes::from(control)));
            }
            _ => {
                frames.end()?;
                frames.out.push(chunk.clone());
            }
        }
    }
    if header[9] == INDEXED {
        frames.out.iter_mut().for_each(|chunk| forget(chunk, &frames.used));
    }
    Ok(frames.out)
}

/// The colour type of pictures whose pixels are places in a palette.
const INDEXED: u8 = 3;

/// Makes colours that no pixel has black, and opaque.
fn forget(chunk: &mut PngChunk, used: &[bool; 256]) {
    let (each, nothing) = match &chunk.kind() {
        b"PLTE" => (3, 0),
        b"tRNS" => (1, 255),
        _ => return,
    };
    let mut contents = chunk.contents().to_vec();
    for (colour, used) in contents.chunks_mut(each).zip(used) {
        if !used {
            colour.fill(nothing);
        }
    }
    *chunk = PngChunk::new(chunk.kind(), Bytes::from(contents));
}

struct Frames {
    header: [u8; 13],
    size: (u64, u64),
    /// Of the frame that is being read, and its chunks' kind.
    data: Option<([u8; 4], Vec<u8>)>,
    number: u32,
    /// Places in the palette that some pixel of some frame has.
    used: [bool; 256],
    out: Vec<PngChunk>,
}

impl Frames {
    fn more(&mut self, kind: [u8; 4], bytes: &[u8]) -> Result<(), &'static str> {
        if self.data.as_ref().is_some_and(|(last, _)| *last != kind) {
            self.end()?;
        }
        self.data.get_or_insert((kind, Vec::new())).1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        let Some((kind, mut data)) = self.data.take() else { return Ok(()) };
        let (length, held) = end::of_zlib(&data).ok_or("its pixels do not end")?;
        if held != self.bytes() {
            return Err("its pixels are not as many as its header says");
        }
        data.truncate(length);
        if self.header[9] == INDEXED {
            let depth = self.header[8];
            if !matches!(depth, 1 | 2 | 4 | 8) {
                return Err("its header is malformed");
            }
            indices::mark(&data, &self.passes(), depth, &mut self.used)
                .ok_or("its pixels are packed in a way that is unknown")?;
        }
        if &kind == b"fdAT" {
            let number = self.next();
            data.splice(0..0, number);
        }
        self.out.push(PngChunk::new(kind, Bytes::from(data)));
        Ok(())
    }

    fn next(&mut self) -> [u8; 4] {
        let number = self.number;
        self.number += 1;
        number.to_be_bytes()
    }

    /// Of the frame's scanlines, unpacked: a filter's number before each.
    fn bytes(&self) -> u64 {
        let [.., depth, colour, _, _, _] = self.header;
        let channels = match colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        let bits = u64::from(depth) * channels;
        let lines = |(width, height): (u64, u64)| match width {
            0 => 0,
            _ => height * (1 + (width * bits).div_ceil(8)),
        };
        self.passes().into_iter().map(lines).sum()
    }

    /// Pixels a line, and lines, of each pass over the frame that is being read.
    fn passes(&self) -> Vec<(u64, u64)> {
        let (width, height) = self.size;
        if self.header[12] == 0 {
            return vec![(width, height)];
        }
        let pass = |[left, top, across, down]: [u64; 4]| {
            (width.saturating_sub(left).div_ceil(across), height.saturating_sub(top).div_ceil(down))
        };
        PASSES.into_iter().map(pass).collect()
    }
}

/// Two numbers of 32 bits, big endian.
fn two(bytes: &[u8]) -> (u64, u64) {
    let number = |at: usize| {
        bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, |b| u32::from_be_bytes(b).into())
    };
    (number(0), number(4))
}
