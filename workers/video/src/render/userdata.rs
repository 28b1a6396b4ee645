//! What encoders and others write between the pictures of a track for whoever reads it: user data, captions, names of
//! programs. A copy for delivery is without it; pictures are left bit by bit as they are. Pure.

use ffmpeg_next::codec::Id;

/// How a track is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// H.264 (ITU-T H.264, 7.3.1) and HEVC (H.265, 7.3.1): units with their length before them, in so many bytes, or behind
    /// a start code.
    H264(Option<usize>),
    Hevc(Option<usize>),
    /// MPEG-1, MPEG-2 and MPEG-4 part 2: parts behind start codes.
    Mpeg,
    /// JPEG pictures: segments.
    Jpeg,
    /// AV1 (5.3.2): units with their length after their type.
    Av1,
    /// There is no place for such data.
    Bare,
}

impl Writing {
    /// `head` is what the container keeps for the decoder.
    pub(super) fn of(id: Id, head: &[u8]) -> Self {
        let length = |at: usize| {
            let byte = head.get(at).filter(|_| head.first() == Some(&1));
            byte.map(|byte| usize::from(byte & 3) + 1)
        };
        match id {
            Id::H264 => Self::H264(length(4)),
            Id::HEVC => Self::Hevc(length(21)),
            Id::MPEG1VIDEO | Id::MPEG2VIDEO | Id::MPEG4 => Self::Mpeg,
            Id::MJPEG => Self::Jpeg,
            Id::AV1 => Self::Av1,
            _ => Self::Bare,
        }
    }

    /// The packet without it; `None` where it has none.
    pub(super) fn without(self, packet: &[u8]) -> Option<Vec<u8>> {
        let kept = match self {
            Self::H264(Some(length)) | Self::Hevc(Some(length)) => self.with_lengths(packet, length)?,
            Self::H264(None) | Self::Hevc(None) => behind_codes(packet, |unit| !self.is_said(unit)),
            Self::Mpeg => behind_codes(packet, |part| part.first() != Some(&0xb2)),
            Self::Jpeg => segments(packet)?,
            Self::Av1 => obus(packet)?,
            Self::Bare => return None,
        };
        (kept.len() != packet.len()).then_some(kept)
    }

    /// The same of what the container keeps for the decoder.
    pub(super) fn head_without(self, head: &[u8]) -> Option<Vec<u8>> {
        let kept = match self {
            Self::Hevc(Some(_)) => arrays(head)?,
            Self::H264(Some(_)) => return None,
            Self::Av1 => [head.get(..4)?, &obus(&head[4..])?].concat(),
            _ => return self.without(head),
        };
        (kept.len() != head.len()).then_some(kept)
    }

    /// Is this unit there for its readers' sake?
    fn is_said(self, unit: &[u8]) -> bool {
        let Some(first) = unit.first() else { return false };
        match self {
            Self::H264(_) => first & 0x1f == 6 && holds_user_data(&unit[1..]),
            Self::Hevc(_) => {
                matches!((first >> 1) & 0x3f, 39 | 40) && holds_user_data(unit.get(2..).unwrap_or(&[]))
            }
            _ => false,
        }
    }

    fn with_lengths(self, mut packet: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut kept = Vec::with_capacity(packet.len());
        while !packet.is_empty() {
            let (size, rest) = packet.split_at_checked(length)?;
            let size = size.iter().fold(0_usize, |size, byte| (size << 8) | usize::from(*byte));
            let (unit, rest) = rest.split_at_checked(size)?;
            if !self.is_said(unit) {
                kept.extend_from_slice(&packet[..length + size]);
            }
            packet = rest;
        }
        Some(kept)
    }
}

/// Does a unit of supplemental information (H.264, 7.3.2.3) hold user data, registered or not? One that cannot be read is
/// taken for one.
fn holds_user_data(unit: &[u8]) -> bool {
    let plain = unescaped(unit);
    let mut rest = &plain[..];
    loop {
        // The bit at the end, and what fills the last byte.
        if rest.is_empty() || rest[0] == 0x80 && rest[1..].iter().all(|byte| *byte == 0) {
            return false;
        }
        let (Some(kind), Some(size)) = (varied(&mut rest), varied(&mut rest)) else { return true };
        if matches!(kind, 4 | 5) || size > rest.len() {
            return true;
        }
        rest = &rest[size..];
    }
}

/// A number in as many bytes of 255 as go into it, and the remainder.
fn varied(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    loop {
        let (byte, others) = rest.split_first()?;
        *rest = others;
        number += usize::from(*byte);
        if *byte != 255 {
            return Some(number);
        }
    }
}

/// Without the bytes that keep start codes from showing within a unit.
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        plain.push(*byte);
    }
    plain
}

/// Of parts behind start codes (0, 0, 1) those that `keep` keeps. It gets them without the code.
fn behind_codes(packet: &[u8], keep: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let starts: Vec<usize> =
        packet.windows(3).enumerate().filter(|(_, code)| *code == [0, 0, 1]).map(|(at, _)| at).collect();
    let mut kept = packet[..starts.first().copied().unwrap_or(packet.len())].to_vec();
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(packet.len());
        if keep(&packet[start + 3..end]) {
            kept.extend_from_slice(&packet[*start..end]);
        }
    }
    kept
}

/// A JPEG without comments and without segments of applications, but for those that say what its colours mean.
fn segments(packet: &[u8]) -> Option<Vec<u8>> {
    let mut kept = packet.get(..2)?.to_vec();
    let mut rest = &packet[2..];
    loop {
        let [0xff, marker, a, b, ..] = rest else { return None };
        let size = 2 + usize::from(u16::from_be_bytes([*a, *b]));
        if *marker == 0xda {
            kept.extend_from_slice(rest);
            return Some(kept);
        }
        let (segment, after) = rest.split_at_checked(size)?;
        if !matches!(marker, 0xe1..=0xed | 0xef | 0xfe) {
            kept.extend_from_slice(segment);
        }
        rest = after;
    }
}

/// AV1 without metadata other than of light and layers, and without padding.
fn obus(packet: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut kept) = (packet, Vec::with_capacity(packet.len()));
    while let Some(first) = rest.first() {
        let begin = 1 + usize::from(first & 4 != 0);
        // Without a length it goes on to the end.
        let (head, size) = if first & 2 != 0 {
            let (size, bytes) = leb128(rest.get(begin..)?)?;
            (begin + bytes, size)
        } else {
            (begin, rest.len().checked_sub(begin)?)
        };
        let (unit, after) = rest.split_at_checked(head.checked_add(size)?)?;
        let is_said = match (first >> 3) & 0xf {
            5 => !leb128(&unit[head..]).is_some_and(|(kind, _)| (1..=3).contains(&kind)),
            15 => true,
            _ => false,
        };
        if !is_said {
            kept.extend_from_slice(unit);
        }
        rest = after;
    }
    Some(kept)
}

fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (n, byte) in bytes.iter().take(8).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Some((number, n + 1));
        }
    }
    None
}

/// HEVC's record for the decoder (ISO/IEC 14496-15, 8.3.3.1) without its arrays of supplemental information.
fn arrays(head: &[u8]) -> Option<Vec<u8>> {
    let mut kept = head.get(..23)?.to_vec();
    let (mut rest, mut count) = (&head[23..], 0);
    for _ in 0..head[22] {
        let [kind, a, b, ..] = rest else { return None };
        let mut length = 3;
        for _ in 0..u16::from_be_bytes([*a, *b]) {
            let size: [u8; 2] = *rest.get(length..)?.first_chunk()?;
            length += 2 + usize::from(u16::from_be_bytes(size));
        }
        let (array, after) = rest.split_at_checked(length)?;
        if !matches!(kind & 0x3f, 39 | 40) {
            kept.extend_from_slice(array);
            count += 1;
        }
        rest = after;
    }
    kept[22] = count;
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_with_user_data_go_and_others_stay() {
        let writing = Writing::of(Id::H264, &[1, 0x64, 0, 0x1f, 0xff]);
        assert_eq!(writing, Writing::H264(Some(4)));
        let unit = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
        let picture = unit(&[0x65, 1, 2, 3]);
        let timing = unit(&[6, 1, 2, 0xaa, 0xbb, 0x80]);
        let said = unit(&[&[6, 5, 20][..], &[7; 20], &[0x80]].concat());
        let both = unit(&[&[6, 1, 1, 0, 4, 2, 9, 9][..], &[0x80]].concat());
        let cut_short = unit(&[6, 1, 200, 0x80]);
        let packet = [&said[..], &timing, &picture, &both, &cut_short].concat();
        assert_eq!(writing.without(&packet), Some([timing.clone(), picture.clone()].concat()));
        assert_eq!(writing.without(&[timing, picture].concat()), None, "nothing to take away");
        assert_eq!(writing.without(&[0, 0, 0, 9, 6]), None, "what is broken stays as it is");
        let codes = [&[0, 0, 0, 1, 9, 16][..], &[0, 0, 1, 6, 5, 2, 8, 8, 0x80], &[0, 0, 1, 0x65, 1]].concat();
        let kept = [&[0, 0, 0, 1, 9, 16][..], &[0, 0, 1, 0x65, 1]].concat();
        assert_eq!(Writing::of(Id::H264, &[]).without(&codes), Some(kept));
    }

    #[test]
    fn heads_lose_it_too() {
        let mut head = [0; 23];
        (head[0], head[21], head[22]) = (1, 3, 2);
        let (set, said) = ([0x20 | 0x80, 0, 1, 0, 2, 0x40, 1], [39, 0, 1, 0, 3, 0x4e, 1, 5]);
        let full = [&head[..], &set, &said].concat();
        let writing = Writing::of(Id::HEVC, &full);
        let kept = writing.head_without(&full).unwrap();
        assert_eq!((kept.len(), kept[22]), (30, 1));
        assert_eq!(writing.head_without(&kept), None);
        let xvid = [&[0, 0, 1, 0xb0, 1][..], b"\0\0\x01\xb2XviD0050", &[0, 0, 1, 0x20, 9]].concat();
        let kept = Writing::of(Id::MPEG4, &xvid).head_without(&xvid).unwrap();
        assert_eq!(kept, [0, 0, 1, 0xb0, 1, 0, 0, 1, 0x20, 9]);
    }

    #[test]
    fn comments_and_metadata() {
        let jpeg =
            [&[0xff, 0xd8, 0xff, 0xfe, 0, 4, 1, 2][..], &[0xff, 0xdb, 0, 3, 7], &[0xff, 0xda, 0, 2, 9, 9]]
                .concat();
        let kept = [&[0xff, 0xd8, 0xff, 0xdb, 0, 3, 7][..], &[0xff, 0xda, 0, 2, 9, 9]].concat();
        assert_eq!(Writing::Jpeg.without(&jpeg), Some(kept));
        // T.35 goes, light stays.
        let av1 = [&[0x2a, 2, 4, 1][..], &[0x2a, 2, 1, 1], &[0x32, 1, 9]].concat();
        assert_eq!(Writing::Av1.without(&av1), Some([0x2a, 2, 1, 1, 0x32, 1, 9].into()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1..5_usize) {
            for writing in [Writing::H264(Some(size)), Writing::H264(None), Writing::Hevc(Some(size)), Writing::Mpeg, Writing::Jpeg, Writing::Av1] {
                let kept = writing.without(&bytes);
                prop_assert!(kept.is_none_or(|kept| kept.len() < bytes.len()));
                let _ = writing.head_without(&bytes);
            }
        }
    }
}
