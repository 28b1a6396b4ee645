//! Pictures as a transport stream (ISO/IEC 13818-1), which the child unpacks: bytes alone would have no times, and would not
//! say where something is missing. Pure.

use super::{rtp::Picture, sdp::Codec};
use bytes::{BufMut, Bytes, BytesMut};

const PACKET: usize = 188;
/// Where the table of tracks is, and where the one track.
const TABLE: u16 = 0x1000;
const VIDEO: u16 = 0x100;
/// The time of the first picture, in 1/90000 s, so that one that comes before it has one, too.
const FIRST: i64 = 90_000 * 10;
/// Pictures from one pair of tables to the next, at most.
const TABLES: u32 = 50;

#[derive(Debug)]
pub struct Packer {
    codec: Codec,
    /// Of the tables, and of the track: packets so far, in four bits.
    counts: [u8; 2],
    since: u32,
}

impl Packer {
    pub fn new(codec: Codec) -> Self {
        Self { codec, counts: [0; 2], since: TABLES }
    }

    pub fn picture(&mut self, picture: &Picture) -> Bytes {
        let mut out = BytesMut::with_capacity(picture.bytes.len() * 11 / 10 + 4 * PACKET);
        self.since += 1;
        if picture.is_key || self.since >= TABLES {
            self.since = 0;
            self.tables(&mut out);
        }
        if picture.is_torn {
            // A number that is left out is how such a stream says that something is missing.
            self.counts[1] = self.counts[1].wrapping_add(1);
        }
        let stamp = (FIRST.wrapping_add(picture.at) as u64) & 0x1_ffff_ffff;
        let bits = |shift: u32, mask: u64| ((stamp >> shift) & mask) as u8;
        let length = u16::try_from(picture.bytes.len() + 8).unwrap_or(0).to_be_bytes();
        let mut head = vec![0, 0, 1, 0xe0, length[0], length[1], 0x80, 0x80, 5];
        let odd = |bits: u8, marks: u8| (bits << 1) | marks;
        head.extend([
            odd(bits(30, 7), 0x21),
            bits(22, 0xff),
            odd(bits(15, 0x7f), 1),
            bits(7, 0xff),
            odd(bits(0, 0x7f), 1),
        ]);
        for (n, piece) in [&head[..], &picture.bytes].concat().chunks(PACKET - 4).enumerate() {
            self.packet(&mut out, n == 0, piece);
        }
        out.freeze()
    }

    fn packet(&mut self, out: &mut BytesMut, is_first: bool, piece: &[u8]) {
        let spare = PACKET - 4 - piece.len();
        let count = self.count(1);
        let [high, low] = VIDEO.to_be_bytes();
        let filled = if spare > 0 { 0x30 } else { 0x10 };
        out.extend_from_slice(&[0x47, high | if is_first { 0x40 } else { 0 }, low, filled | count]);
        if spare > 0 {
            out.put_u8((spare - 1) as u8);
        }
        if spare > 1 {
            out.put_u8(0);
            out.put_bytes(0xff, spare - 2);
        }
        out.extend_from_slice(piece);
    }

    fn count(&mut self, of: usize) -> u8 {
        let count = self.counts[of] & 0x0f;
        self.counts[of] = self.counts[of].wrapping_add(1);
        count
    }

    /// One programme, and its one track.
    fn tables(&mut self, out: &mut BytesMut) {
        let ([th, tl], [vh, vl]) = (TABLE.to_be_bytes(), VIDEO.to_be_bytes());
        let kind = match self.codec {
            Codec::H264 => 0x1b,
            Codec::H265 => 0x24,
        };
        let count = self.count(0);
        let programmes = [0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | th, tl];
        let tracks = [2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe0 | vh, vl, 0xf0, 0, kind, 0xe0 | vh, vl, 0xf0, 0];
        for (at, table) in [([0, 0], &programmes[..]), ([th, tl], &tracks[..])] {
            let end = out.len() + PACKET;
            out.extend_from_slice(&[0x47, 0x40 | at[0], at[1], 0x10 | count, 0]);
            out.extend_from_slice(table);
            out.put_u32(check(table));
            out.resize(end, 0xff);
        }
    }
}

/// CRC-32 as MPEG has it: from the highest bit down, and not turned at the end.
fn check(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ (u32::from(*byte) << 24), |sum, _| {
            (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(length: usize, is_torn: bool) -> Picture {
        Picture { at: -9, bytes: vec![7; length].into(), is_key: false, is_torn }
    }

    #[test]
    fn pictures_of_all_lengths_fill_their_packets() {
        assert_eq!(check(b"123456789"), 0x0376_e6e7, "as published");
        for length in [1, 169, 170, 171, 353, 354, 355, 100_000] {
            let mut packer = Packer::new(Codec::H264);
            let out = packer.picture(&picture(length, false));
            assert_eq!(out.len() % PACKET, 0);
            let mut bytes = Vec::new();
            for (n, packet) in out.chunks_exact(PACKET).enumerate() {
                assert_eq!(packet[0], 0x47);
                if n >= 2 {
                    assert_eq!(packet[3] & 0x0f, ((n - 2) & 0x0f) as u8);
                    let skipped = if packet[3] & 0x20 == 0 { 0 } else { 1 + usize::from(packet[4]) };
                    bytes.extend(&packet[4 + skipped..]);
                }
            }
            assert_eq!((bytes.len(), &bytes[..4]), (length + 14, &[0, 0, 1, 0xe0][..]), "{length}");
            assert!(bytes[14..].iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn what_is_missing_leaves_a_number_out() {
        let mut packer = Packer::new(Codec::H265);
        packer.picture(&picture(1, false));
        let counts: Vec<_> =
            [false, true, false].map(|torn| packer.picture(&picture(1, torn))[3] & 0x0f).into();
        assert_eq!(counts, [1, 3, 4]);
    }
}
