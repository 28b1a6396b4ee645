//! A frame as its publisher sends it: a JPEG, PNG or WebP picture as it is, or after a header of 32 bytes. Only the header
//! is read here; the picture is a child's to open.
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 3 | `LZF1` |
//! | 4 | 0: a JPEG, PNG or WebP picture follows; 1: raw pixels do, rows from the top, one byte each of red, green and blue |
//! | 5 to 7 | zero |
//! | 8 to 15 | number of the frame, which grows; 0 begins anew |
//! | 16 to 23 | when it was taken, in Unix milliseconds; 0 where that is not known |
//! | 24 to 27, 28 to 31 | width and height of raw pixels; else zero |
//!
//! Numbers are big-endian.

use bytes::Bytes;
use jiff::Timestamp;

const MAGIC: &[u8; 4] = b"LZF1";
pub const HEADER: usize = 32;
/// What a child knows raw pixels as: the header's width and height, then the pixels.
pub const RAW: &str = "image/x-lazaret-rgb";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub sequence: Option<u64>,
    /// By the publisher's clock.
    pub captured: Option<Timestamp>,
    pub media_type: &'static str,
    /// Of the picture; raw pixels with their width and height before them.
    pub bytes: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    #[error("the frame holds no bytes")]
    Empty,
    #[error("the header is cut short: it has 32 bytes")]
    Header,
    #[error("no JPEG, PNG or WebP picture, and no header that begins with LZF1")]
    Format,
    #[error("raw pixels are width × height × 3 bytes; the header says {width} × {height}, and {bytes} came")]
    Raw { width: u32, height: u32, bytes: usize },
}

impl Frame {
    pub fn read(bytes: Bytes) -> Result<Self, BadFrame> {
        if bytes.is_empty() {
            return Err(BadFrame::Empty);
        }
        if !is_numbered(&bytes) {
            return Self::picture(bytes, None, None);
        }
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(BadFrame::Header)?;
        let sequence = Some(u64::from_be_bytes(part(header, 8)));
        let captured = i64::from_be_bytes(part(header, 16));
        // One that no calendar knows is none.
        let captured = Timestamp::from_millisecond(captured).ok().filter(|_| captured != 0);
        match header[4] {
            0 => Self::picture(bytes.slice(HEADER..), sequence, captured),
            1 => {
                let (width, height) =
                    (u32::from_be_bytes(part(header, 24)), u32::from_be_bytes(part(header, 28)));
                let pixels = bytes.len() - HEADER;
                let said = u64::from(width).checked_mul(u64::from(height)).and_then(|n| n.checked_mul(3));
                if pixels == 0 || said != u64::try_from(pixels).ok() {
                    return Err(BadFrame::Raw { width, height, bytes: pixels });
                }
                Ok(Self { sequence, captured, media_type: RAW, bytes: bytes.slice(24..) })
            }
            _ => Err(BadFrame::Format),
        }
    }

    fn picture(bytes: Bytes, sequence: Option<u64>, captured: Option<Timestamp>) -> Result<Self, BadFrame> {
        if bytes.is_empty() {
            return Err(BadFrame::Empty);
        }
        let media_type = match &bytes[..] {
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => return Err(BadFrame::Format),
        };
        Ok(Self { sequence, captured, media_type, bytes })
    }
}

/// Whether there is a header, which numbers it.
pub fn is_numbered(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

fn part<const N: usize>(header: &[u8; HEADER], from: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&header[from..from + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(kind: u8, numbers: (u64, i64), size: (u32, u32), rest: &[u8]) -> Bytes {
        let mut bytes = [&MAGIC[..], &[kind, 0, 0, 0]].concat();
        bytes.extend(numbers.0.to_be_bytes());
        bytes.extend(numbers.1.to_be_bytes());
        bytes.extend(size.0.to_be_bytes());
        bytes.extend(size.1.to_be_bytes());
        bytes.extend(rest);
        bytes.into()
    }

    #[test]
    fn pictures_come_bare_or_behind_a_header_and_pixels_behind_one() {
        let jpeg = b"\xff\xd8\xff\xe0rest";
        let bare = Frame::read(Bytes::from_static(jpeg)).unwrap();
        assert_eq!((bare.sequence, bare.captured, bare.media_type), (None, None, "image/jpeg"));
        let frame = Frame::read(framed(0, (17, 1_790_000_000_000), (0, 0), jpeg)).unwrap();
        assert_eq!((frame.sequence, &frame.bytes[..]), (Some(17), &jpeg[..]));
        assert_eq!(frame.captured.unwrap().as_millisecond(), 1_790_000_000_000);
        let raw = Frame::read(framed(1, (1, 0), (2, 1), &[9; 6])).unwrap();
        assert_eq!((raw.media_type, raw.captured), (RAW, None));
        assert_eq!(raw.bytes[..], [0, 0, 0, 2, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9]);
        // A time that no calendar knows.
        assert_eq!(Frame::read(framed(0, (1, i64::MAX), (0, 0), jpeg)).unwrap().captured, None);
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            (Bytes::new(), BadFrame::Empty),
            (framed(0, (1, 1), (0, 0), b""), BadFrame::Empty),
            (Bytes::from_static(b"LZF1"), BadFrame::Header),
            (Bytes::from_static(b"GIF89a"), BadFrame::Format),
            (framed(0, (1, 1), (0, 0), b"LZF1"), BadFrame::Format),
            (framed(2, (1, 1), (0, 0), b"\xff\xd8\xff"), BadFrame::Format),
            (framed(1, (1, 1), (2, 2), &[0; 11]), BadFrame::Raw { width: 2, height: 2, bytes: 11 }),
            (framed(1, (1, 1), (0, 5), b""), BadFrame::Raw { width: 0, height: 5, bytes: 0 }),
            (
                framed(1, (1, 1), (u32::MAX, u32::MAX), &[0; 3]),
                BadFrame::Raw { width: u32::MAX, height: u32::MAX, bytes: 3 },
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Frame::read(bytes).unwrap_err(), expected);
        }
    }
}
