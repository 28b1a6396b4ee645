//! Where the pixels of a WebP end, within the chunks that hold them: found by decoding less and less, for a decoder that
//! is cut short says so.

use image_webp::WebPDecoder;
use std::io::Cursor;

/// So few bytes more than are needed hide nothing, and are not sought: that costs a decoding of the picture.
const SLACK: usize = 16;
/// The last bytes that a decoder takes may be needed in part.
const CAREFUL: usize = 2;

/// The chunks of one picture.
#[derive(Clone)]
pub(super) struct Picture {
    pub(super) name: [u8; 4],
    pub(super) pixels: Vec<u8>,
    pub(super) alpha: Option<Vec<u8>>,
}

impl Picture {
    /// The same picture in as few bytes; `None` where it cannot be decoded.
    pub(super) fn tight(mut self) -> Option<Self> {
        if !self.decodes() {
            return None;
        }
        if let Some(alpha) = self.alpha.take() {
            let with = |n: usize| Self { alpha: Some(alpha[..n].to_vec()), ..self.clone() };
            let needed = needed(alpha.len(), |n| with(n).decodes());
            self = with(needed);
        }
        if &self.name == b"VP8L" {
            let with = |n: usize| Self { pixels: self.pixels[..n].to_vec(), ..self.clone() };
            let needed = needed(self.pixels.len(), |n| with(n).decodes());
            return Some(with(needed));
        }
        // Each partition (RFC 6386, 9.5) by itself.
        for i in 0..Lossy::read(&self.pixels)?.partitions.len() {
            let lossy = Lossy::read(&self.pixels)?;
            let with = |n: usize| Self { pixels: lossy.shortened(i, n), ..self.clone() };
            let needed = needed(lossy.partitions[i].len(), |n| with(n).decodes());
            self = with(needed);
        }
        Some(self)
    }

    fn decodes(&self) -> bool {
        let Ok(mut decoder) = WebPDecoder::new(Cursor::new(self.file())) else { return false };
        let Some(size) = decoder.output_buffer_size() else { return false };
        decoder.read_image(&mut vec![0; size]).is_ok()
    }

    /// As a file of its own.
    fn file(&self) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        if let (Some(alpha), Some((width, height))) = (&self.alpha, size(&self.pixels)) {
            let [a, b, c, _] = (width - 1).to_le_bytes();
            let [d, e, f, _] = (height - 1).to_le_bytes();
            chunk(&mut body, *b"VP8X", &[0x10, 0, 0, 0, a, b, c, d, e, f]);
            chunk(&mut body, *b"ALPH", alpha);
        }
        chunk(&mut body, self.name, &self.pixels);
        let mut file = Vec::with_capacity(body.len() + 8);
        chunk(&mut file, *b"RIFF", &body);
        file
    }
}

pub(super) fn chunk(out: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    out.extend(name);
    out.extend((content.len() as u32).to_le_bytes());
    out.extend_from_slice(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
}

/// How many of `all` bytes are needed.
fn needed(all: usize, decodes: impl Fn(usize) -> bool) -> usize {
    let Some(mut enough) = all.checked_sub(SLACK).filter(|n| decodes(*n)) else { return all };
    let mut little = 0;
    while little < enough {
        let middle = little.midpoint(enough);
        if decodes(middle) { enough = middle } else { little = middle + 1 }
    }
    (enough + CAREFUL).min(all)
}

/// Width and height of a lossy picture (RFC 6386, 9.1); at least 1.
fn size(pixels: &[u8]) -> Option<(u32, u32)> {
    let &[_, _, _, _, _, _, a, b, c, d, ..] = pixels else { return None };
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff).max(1);
    Some((side(a, b), side(c, d)))
}

/// A key frame, taken apart.
struct Lossy<'a> {
    head: [u8; 10],
    /// The first one, and those of coefficients.
    partitions: Vec<&'a [u8]>,
}

impl<'a> Lossy<'a> {
    fn read(pixels: &'a [u8]) -> Option<Self> {
        let head = *pixels.first_chunk::<10>()?;
        let tag = u32::from_le_bytes([head[0], head[1], head[2], 0]);
        let (first, rest) = pixels[10..].split_at_checked(tag as usize >> 5)?;
        let count = Bits::new(first).partitions();
        let (sizes, mut rest) = rest.split_at_checked(3 * (count - 1))?;
        let mut partitions = vec![first];
        for size in sizes.as_chunks::<3>().0 {
            let size = u32::from_le_bytes([size[0], size[1], size[2], 0]) as usize;
            let (partition, behind) = rest.split_at_checked(size)?;
            partitions.push(partition);
            rest = behind;
        }
        partitions.push(rest);
        Some(Self { head, partitions })
    }

    /// Written anew, with only `length` bytes of partition `i`.
    fn shortened(&self, i: usize, length: usize) -> Vec<u8> {
        let mut partitions = self.partitions.clone();
        partitions[i] = &partitions[i][..length];
        let mut out = self.head.to_vec();
        let tag = u32::from(self.head[0] & 0x1f) | (partitions[0].len() as u32) << 5;
        out[..3].copy_from_slice(&tag.to_le_bytes()[..3]);
        out.extend_from_slice(partitions[0]);
        for partition in &partitions[1..partitions.len() - 1] {
            out.extend(&(partition.len() as u32).to_le_bytes()[..3]);
        }
        partitions[1..].iter().for_each(|partition| out.extend_from_slice(partition));
        out
    }
}

/// The bool decoder (RFC 6386, 7), for bits that are as likely 0 as 1.
struct Bits<'a> {
    data: &'a [u8],
    value: u32,
    range: u32,
    shifted: u32,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        let byte = |i: usize| u32::from(data.get(i).copied().unwrap_or(0));
        Self {
            data: data.get(2..).unwrap_or_default(),
            value: byte(0) << 8 | byte(1),
            range: 255,
            shifted: 0,
        }
    }

    fn bit(&mut self, probability: u32) -> u32 {
        let split = 1 + (((self.range - 1) * probability) >> 8);
        let bit = u32::from(self.value >= split << 8);
        if bit == 1 {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.shifted += 1;
            if self.shifted == 8 {
                self.shifted = 0;
                self.value |= self.next();
            }
        }
        bit
    }

    fn next(&mut self) -> u32 {
        let Some((next, rest)) = self.data.split_first() else { return 0 };
        self.data = rest;
        (*next).into()
    }

    fn number(&mut self, bits: u32) -> u32 {
        (0..bits).fold(0, |n, _| n << 1 | self.bit(128))
    }

    fn optional(&mut self, bits: u32) {
        if self.number(1) == 1 {
            self.number(bits);
        }
    }

    /// The header up to the number of partitions (RFC 6386, 19.2).
    fn partitions(mut self) -> usize {
        // Colour space and clamping.
        self.number(2);
        // Segments: whether their map and their data change.
        if self.number(1) == 1 {
            let (map, data) = (self.number(1), self.number(1));
            if data == 1 {
                self.number(1);
                (0..4).for_each(|_| self.optional(8));
                (0..4).for_each(|_| self.optional(7));
            }
            if map == 1 {
                (0..3).for_each(|_| self.optional(8));
            }
        }
        // The loop filter: its kind, level and sharpness, and changes of them.
        self.number(10);
        if self.number(1) == 1 && self.number(1) == 1 {
            (0..8).for_each(|_| self.optional(7));
        }
        1 << self.number(2)
    }
}
