//! Packets (RTP, RFC 3550) to the pictures of H.264 (RFC 6184) and H.265 (RFC 7798) as streams of bytes have them: each unit
//! behind a start code. What a unit means, a child finds out. Pure.

use super::sdp::{Codec, Track};
use crate::streams::pull::trouble::Trouble;
use bytes::{Bytes, BytesMut};

const START: [u8; 4] = [0, 0, 0, 1];
/// Of one picture, in bytes.
const LARGEST: usize = 16 << 20;

/// All units of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// In 1/90000 s from the first.
    pub at: i64,
    pub bytes: Bytes,
    /// Decoding may begin here.
    pub is_key: bool,
    /// Packets before it, or of it, are missing.
    pub is_torn: bool,
}

#[derive(Debug)]
pub struct Unpacker {
    codec: Codec,
    payload: u8,
    /// Of the last packet.
    sequence: Option<u16>,
    stamp: Option<u32>,
    at: i64,
    units: BytesMut,
    /// In the middle of a unit that comes in pieces.
    is_open: bool,
    is_key: bool,
    is_torn: bool,
}

impl Unpacker {
    pub fn new(track: &Track) -> Self {
        Self {
            codec: track.codec,
            payload: track.payload,
            sequence: None,
            stamp: None,
            at: 0,
            units: BytesMut::new(),
            is_open: false,
            is_key: false,
            is_torn: false,
        }
    }

    /// The pictures that this packet ends: by being of another time, and by being marked.
    pub fn packet(&mut self, packet: &[u8]) -> Result<[Option<Picture>; 2], Trouble> {
        let Some(head) = Head::read(packet) else { return Err(Trouble::nonsense("a packet that is none")) };
        // Of another track, or of the same in another packing, which nobody has announced.
        if head.payload != self.payload {
            return Ok([None, None]);
        }
        if self.sequence.is_some_and(|last| head.sequence != last.wrapping_add(1)) {
            (self.is_torn, self.is_open) = (true, false);
        }
        self.sequence = Some(head.sequence);
        let before = if self.stamp.is_some_and(|stamp| stamp != head.stamp) { self.picture() } else { None };
        // It counts in 32 bits, round and round, and may run back a little.
        let since = self.stamp.map_or(0, |stamp| head.stamp.wrapping_sub(stamp) as i32);
        self.at = self.at.saturating_add(since.into());
        self.stamp = Some(head.stamp);
        match self.codec {
            Codec::H264 => self.h264(head.body)?,
            Codec::H265 => self.h265(head.body)?,
        }
        if self.units.len() > LARGEST {
            return Err(Trouble::nonsense(format!("a picture of more than {LARGEST} bytes")));
        }
        Ok([before, if head.is_last { self.picture() } else { None }])
    }

    fn picture(&mut self) -> Option<Picture> {
        self.is_torn |= std::mem::take(&mut self.is_open);
        let is_key = std::mem::take(&mut self.is_key);
        let bytes = self.units.split().freeze();
        if bytes.is_empty() {
            return None;
        }
        Some(Picture { at: self.at, bytes, is_key, is_torn: std::mem::take(&mut self.is_torn) })
    }

    fn h264(&mut self, body: &[u8]) -> Result<(), Trouble> {
        let [first, rest @ ..] = body else { return Ok(()) };
        match first & 0x1f {
            1..=23 => self.unit(body),
            24 => self.several(rest),
            28 => {
                let [how, piece @ ..] = rest else { return Ok(()) };
                self.piece(&[(first & 0xe0) | (how & 0x1f)], *how, piece);
            }
            kind => return Err(Trouble::nonsense(format!("packets of H.264 of kind {kind}"))),
        }
        Ok(())
    }

    fn h265(&mut self, body: &[u8]) -> Result<(), Trouble> {
        let [first, second, rest @ ..] = body else { return Ok(()) };
        match (first >> 1) & 0x3f {
            0..=47 => self.unit(body),
            48 => self.several(rest),
            49 => {
                let [how, piece @ ..] = rest else { return Ok(()) };
                self.piece(&[(first & 0x81) | ((how & 0x3f) << 1), *second], *how, piece);
            }
            kind => return Err(Trouble::nonsense(format!("packets of H.265 of kind {kind}"))),
        }
        Ok(())
    }

    fn unit(&mut self, unit: &[u8]) {
        self.is_torn |= std::mem::take(&mut self.is_open);
        self.begin(unit);
    }

    fn begin(&mut self, head: &[u8]) {
        self.is_key |= match (self.codec, head.first()) {
            (Codec::H264, Some(first)) => matches!(first & 0x1f, 5 | 7),
            (Codec::H265, Some(first)) => matches!((first >> 1) & 0x3f, 16..=21 | 33),
            (_, None) => return,
        };
        self.units.extend_from_slice(&START);
        self.units.extend_from_slice(head);
    }

    /// Units with their lengths before them.
    fn several(&mut self, mut rest: &[u8]) {
        while let [high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((unit, behind)) = after.split_at_checked(length) else {
                self.is_torn = true;
                return;
            };
            self.unit(unit);
            rest = behind;
        }
    }

    /// Of a unit: `how` says whether it begins or ends here.
    fn piece(&mut self, head: &[u8], how: u8, piece: &[u8]) {
        if how & 0x80 != 0 {
            self.unit(head);
            self.is_open = true;
        }
        if self.is_open {
            self.units.extend_from_slice(piece);
            self.is_open = how & 0x40 == 0;
        } else {
            // Its beginning is missing.
            self.is_torn = true;
        }
    }
}

struct Head<'a> {
    payload: u8,
    is_last: bool,
    sequence: u16,
    stamp: u32,
    body: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(packet: &'a [u8]) -> Option<Self> {
        let [flags, kind, s1, s2, t1, t2, t3, t4, _, _, _, _, rest @ ..] = packet else { return None };
        if flags >> 6 != 2 {
            return None;
        }
        let mut body = rest.get(usize::from(flags & 0x0f) * 4..)?;
        if flags & 0x10 != 0 {
            let [_, _, high, low, behind @ ..] = body else { return None };
            body = behind.get(usize::from(u16::from_be_bytes([*high, *low])) * 4..)?;
        }
        if flags & 0x20 != 0 {
            let padding = usize::from(*body.last()?);
            body = body.get(..body.len().checked_sub(padding)?)?;
        }
        Some(Self {
            payload: kind & 0x7f,
            is_last: kind & 0x80 != 0,
            sequence: u16::from_be_bytes([*s1, *s2]),
            stamp: u32::from_be_bytes([*t1, *t2, *t3, *t4]),
            body,
        })
    }
}

/// Whether what came beside the pictures (RTCP) says that there are no more.
pub fn is_goodbye(mut packets: &[u8]) -> bool {
    while let [flags, kind, high, low, ..] = *packets {
        if flags >> 6 == 2 && kind == 203 {
            return true;
        }
        let length = 4 + usize::from(u16::from_be_bytes([high, low])) * 4;
        packets = packets.get(length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpacker(codec: Codec) -> Unpacker {
        Unpacker::new(&Track { codec, payload: 96, control: String::new(), sets: Vec::new() })
    }

    fn packet(sequence: u16, stamp: u32, is_last: bool, body: &[u8]) -> Vec<u8> {
        let head = [0x80, 96 | if is_last { 0x80 } else { 0 }];
        [&head[..], &sequence.to_be_bytes(), &stamp.to_be_bytes(), &[0; 4], body].concat()
    }

    fn all(unpacker: &mut Unpacker, packets: &[Vec<u8>]) -> Vec<Picture> {
        packets.iter().flat_map(|packet| unpacker.packet(packet).unwrap()).flatten().collect()
    }

    #[test]
    fn units_whole_together_and_in_pieces() {
        let mut unpacker = unpacker(Codec::H264);
        let pictures = all(
            &mut unpacker,
            &[
                packet(65_535, u32::MAX - 10, false, &[24, 0, 2, 0x67, 1, 0, 2, 0x68, 2]),
                packet(0, u32::MAX - 10, false, &[0x7c, 0x85, 3, 4]),
                packet(1, u32::MAX - 10, false, &[0x7c, 0x05, 5]),
                packet(2, u32::MAX - 10, true, &[0x7c, 0x45, 6]),
                // Without a mark at its end.
                packet(3, 2989, false, &[0x41, 7]),
                packet(4, 5989, true, &[0x41, 8]),
            ],
        );
        let bytes = [&START[..], &[0x67, 1], &START, &[0x68, 2], &START, &[0x65, 3, 4, 5, 6]].concat();
        assert_eq!(pictures[0], Picture { at: 0, bytes: bytes.into(), is_key: true, is_torn: false });
        let told: Vec<_> = pictures[1..].iter().map(|p| (p.at, p.bytes[5], p.is_key, p.is_torn)).collect();
        assert_eq!(told, [(3000, 7, false, false), (6000, 8, false, false)]);
    }

    #[test]
    fn units_of_h265() {
        let mut unpacker = unpacker(Codec::H265);
        let pictures = all(
            &mut unpacker,
            &[
                packet(1, 0, false, &[48 << 1, 1, 0, 3, 0x42, 1, 9]),
                packet(2, 0, false, &[49 << 1, 1, 0x80 | 19, 3]),
                packet(3, 0, true, &[49 << 1, 1, 0x40 | 19, 4]),
            ],
        );
        let bytes = [&START[..], &[0x42, 1, 9], &START, &[19 << 1, 1, 3, 4]].concat();
        assert_eq!(pictures, [Picture { at: 0, bytes: bytes.into(), is_key: true, is_torn: false }]);
    }

    #[test]
    fn what_is_missing_is_told() {
        for lost in 0..3 {
            let mut packets = vec![
                packet(1, 0, true, &[0x65, 0]),
                packet(2, 9, false, &[0x7c, 0x81, 1]),
                packet(3, 9, false, &[0x7c, 0x01, 2]),
                packet(4, 9, true, &[0x7c, 0x41, 3]),
                packet(5, 18, true, &[0x41, 4]),
                packet(6, 27, true, &[0x41, 5]),
            ];
            packets.remove(1 + lost);
            let torn: Vec<_> = all(&mut unpacker(Codec::H264), &packets).iter().map(|p| p.is_torn).collect();
            let whole = torn.iter().filter(|torn| !*torn).count();
            assert!(
                !torn[0] && torn.contains(&true) && !torn[torn.len() - 1] && whole >= 2,
                "{lost}: {torn:?}"
            );
        }
    }

    #[test]
    fn heads_of_all_kinds_and_what_is_none() {
        // Two sources, one word of extension, two bytes of padding.
        let body = [&[0; 8][..], &[0, 0, 0, 1, 9, 9, 9, 9], &[0x41, 7, 0, 2]].concat();
        let mut odd = packet(1, 0, true, &body);
        odd[0] = 0x80 | 0x20 | 0x10 | 2;
        let pictures = unpacker(Codec::H264).packet(&odd).unwrap();
        assert_eq!(pictures[1].as_ref().unwrap().bytes[4..], [0x41, 7]);
        let mut other = packet(1, 0, true, &[0x41]);
        other[1] = 0x80 | 97;
        assert_eq!(unpacker(Codec::H264).packet(&other).unwrap(), [None, None]);
        for wrong in [&b"\x80"[..], &[0; 20], &packet(1, 0, true, &[25, 0]), &packet(1, 0, true, &[31])] {
            assert!(unpacker(Codec::H264).packet(wrong).is_err(), "{wrong:?}");
        }
        assert!(is_goodbye(&[0x80, 200, 0, 1, 0, 0, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 0]));
        assert!(!is_goodbye(&[0x80, 200, 0, 6]) && !is_goodbye(&[0x80, 200, 0, 0]) && !is_goodbye(&[]));
    }

    #[test]
    fn a_picture_without_an_end_is_given_up() {
        let mut unpacker = unpacker(Codec::H264);
        let piece = [&[0x7c, 0x05][..], &[1; 60_000]].concat();
        let gives_up = (0..400).any(|n| {
            let how = if n == 0 { [&[0x7c, 0x85][..], &piece[2..]].concat() } else { piece.clone() };
            unpacker.packet(&packet(n, 0, false, &how)).is_err()
        });
        assert!(gives_up);
    }

    proptest! {
        #[test]
        fn any_packets_are_read_or_refused(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8), is_h264: bool) {
            let mut unpacker = unpacker(if is_h264 { Codec::H264 } else { Codec::H265 });
            for (n, body) in packets.iter().enumerate() {
                let _ = unpacker.packet(&packet(n as u16, 0, false, body));
                let _ = unpacker.packet(body);
                let _ = is_goodbye(body);
            }
        }
    }
}
