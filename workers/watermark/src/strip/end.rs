//! Where compressed pixels end. What stands behind is shown by nobody, and so is a place to hide something in.

use flate2::{Decompress, FlushDecompress, Status};
use weezl::{
    BitOrder, LzwStatus,
    decode::{Configuration, Decoder},
};

/// What is unpacked at a time, and looked at by nobody.
const PIECE: usize = 64 << 10;

/// Bytes that a zlib stream takes at the beginning of `data`, and the bytes that it holds. `None` where it is broken or does
/// not end.
pub(super) fn of_zlib(data: &[u8]) -> Option<(usize, u64)> {
    let mut stream = Decompress::new(true);
    let mut piece = vec![0; PIECE];
    loop {
        let taken = usize::try_from(stream.total_in()).ok()?;
        let before = (taken, stream.total_out());
        let status = stream.decompress(data.get(taken..)?, &mut piece, FlushDecompress::None).ok()?;
        let after = (usize::try_from(stream.total_in()).ok()?, stream.total_out());
        match status {
            Status::StreamEnd => return Some(after),
            _ if after == before => return None,
            _ => {}
        }
    }
}

/// The pixels of a GIF's picture.
pub(super) struct Pixels {
    /// Bytes of the data that they take.
    pub(super) end: usize,
    pub(super) count: u64,
    /// The colours of its palette that any has.
    pub(super) used: [bool; 256],
}

/// What GIF's LZW holds at the beginning of `data`. `None` where it is broken or has no end code.
pub(super) fn of_lzw(code_size: u8, data: &[u8]) -> Option<Pixels> {
    // The decoder reads up to eight bytes ahead of the code that it is at: the last ones are given to it one by one.
    let mut stream = Lzw::new(code_size);
    let ahead = stream.until_done(data)??;
    let (count, used) = (stream.pixels, stream.used);
    let (most, last) = data.split_at(ahead.saturating_sub(8));
    let mut stream = Lzw::new(code_size);
    let end = match stream.until_done(most)? {
        Some(end) => end,
        None => {
            let done = last.chunks(1).position(|byte| !matches!(stream.until_done(byte), Some(None)));
            most.len() + done? + 1
        }
    };
    Some(Pixels { end, count, used })
}

struct Lzw {
    stream: Decoder,
    piece: Vec<u8>,
    pixels: u64,
    used: [bool; 256],
}

impl Lzw {
    fn new(code_size: u8) -> Self {
        let stream = Configuration::new(BitOrder::Lsb, code_size).with_yield_on_full_buffer(true).build();
        Self { stream, piece: vec![0; PIECE], pixels: 0, used: [false; 256] }
    }

    /// How many of these bytes were taken by the end; `Some(None)` where it wants more.
    fn until_done(&mut self, data: &[u8]) -> Option<Option<usize>> {
        let mut taken = 0;
        loop {
            let done = self.stream.decode_bytes(data.get(taken..)?, &mut self.piece);
            taken += done.consumed_in;
            self.pixels += done.consumed_out as u64;
            self.piece[..done.consumed_out].iter().for_each(|index| self.used[usize::from(*index)] = true);
            match done.status.ok()? {
                LzwStatus::Done => return Some(Some(taken)),
                LzwStatus::Ok | LzwStatus::NoProgress if done.consumed_in == 0 && done.consumed_out == 0 => {
                    return Some(None);
                }
                LzwStatus::Ok | LzwStatus::NoProgress => {}
            }
        }
    }
}
