//! What encoders and others write between the pictures of a track for whoever reads it: user data, captions, names of
//! programs. A copy for delivery is without it; pictures are left bit by bit as they are. What stays is listed, so that what
//! nobody knows goes. Pure.

mod heads;
mod parts;
mod units;

use ffmpeg_next::codec::Id;
use parts::{behind_codes, obus, segments};

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
            Self::H264(Some(length)) | Self::Hevc(Some(length)) => self.with_lengths(packet, length),
            Self::H264(None) | Self::Hevc(None) => behind_codes(packet, |unit| self.belongs(unit)),
            // User data, and codes of what is around a track (ISO/IEC 13818-2, table 6-1).
            Self::Mpeg => {
                behind_codes(packet, |part| part.first().is_some_and(|code| !matches!(code, 0xb2 | 0xb9..)))
            }
            Self::Jpeg => segments(packet)?,
            Self::Av1 => obus(packet)?,
            Self::Bare => return None,
        };
        (kept.len() != packet.len()).then_some(kept)
    }

    /// The same of what the container keeps for the decoder of these pictures, or of sound.
    pub(super) fn head_without(self, id: Id, head: &[u8]) -> Option<Vec<u8>> {
        let kept = match self {
            Self::Hevc(Some(_)) => heads::hevc(head)?,
            Self::H264(Some(_)) => heads::avc(head)?,
            // These need none.
            Self::Bare if matches!(id, Id::VP8 | Id::VP9 | Id::H263 | Id::PRORES) => Vec::new(),
            Self::Bare => heads::sound(id, head)?,
            Self::Av1 => [head.get(..4)?, &obus(&head[4..])?].concat(),
            _ => return self.without(head),
        };
        (kept.len() != head.len()).then_some(kept)
    }

    fn belongs(self, unit: &[u8]) -> bool {
        match self {
            Self::H264(_) => units::belongs_to_h264(unit),
            _ => units::belongs_to_hevc(unit),
        }
    }

    /// Up to the first length that cannot be right: decoders read no further either.
    fn with_lengths(self, mut packet: &[u8], length: usize) -> Vec<u8> {
        let mut kept = Vec::with_capacity(packet.len());
        while let Some((size, rest)) = packet.split_at_checked(length) {
            let size = size.iter().fold(0_usize, |size, byte| (size << 8) | usize::from(*byte));
            let Some((unit, rest)) = rest.split_at_checked(size) else { break };
            if self.belongs(unit) {
                kept.extend_from_slice(&packet[..length + size]);
            }
            packet = rest;
        }
        kept
    }
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
        let filler = unit(&[&[12][..], &[0xff; 40], &[0x80]].concat());
        let captions = unit(&[6, 4, 3, 0xb5, 0, 0x31, 0x80]);
        let private = unit(&[6, 200, 2, 1, 1, 0x80]);
        let second_view = unit(&[0x74, 1, 2, 3, 4]);
        let auxiliary = unit(&[19, 1, 2, 3]);
        let unknown = unit(&[&[24][..], b"anything"].concat());
        let long = unit(&[&[6, 1, 65][..], &[1; 65], &[0x80]].concat());
        let talking = unit(&[9, 0xf0, 1, 2, 3]);
        let said = unit(&[&[6, 5, 20][..], &[7; 20], &[0x80]].concat());
        let both = unit(&[&[6, 1, 1, 0, 4, 2, 9, 9][..], &[0x80]].concat());
        let cut_short = unit(&[6, 1, 200, 0x80]);
        let packet = [&said[..], &timing, &picture, &both, &cut_short].concat();
        for other in [filler, captions, private, second_view, auxiliary, unknown, long, talking] {
            let packet = [&picture[..], &other].concat();
            assert_eq!(writing.without(&packet), Some(picture.clone()), "{other:?}");
        }
        assert_eq!(writing.without(&packet), Some([timing.clone(), picture.clone()].concat()));
        assert_eq!(writing.without(&[timing, picture.clone()].concat()), None, "nothing to take away");
        let broken = [&picture[..], &[0, 0, 0, 9, 6]].concat();
        assert_eq!(writing.without(&broken), Some(picture), "what is behind trouble goes");
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
        let kept = writing.head_without(Id::HEVC, &[&full[..], b"more"].concat()).unwrap();
        assert_eq!((kept.len(), kept[22]), (30, 1));
        assert_eq!(writing.head_without(Id::HEVC, &kept), None);
        let xvid = [&[0, 0, 1, 0xb0, 1][..], b"\0\0\x01\xb2XviD0050", &[0, 0, 1, 0x20, 9]].concat();
        let kept = Writing::of(Id::MPEG4, &xvid).head_without(Id::MPEG4, &xvid).unwrap();
        assert_eq!(kept, [0, 0, 1, 0xb0, 1, 0, 0, 1, 0x20, 9]);
    }

    #[test]
    fn what_is_kept_for_decoders_ends_where_they_end() {
        let head =
            [&[1, 100, 0, 31, 0xff, 0xe1, 0, 3][..], &[0x67, 100, 0], &[1, 0, 2], &[0x68, 0xee]].concat();
        let writing = Writing::of(Id::H264, &head);
        let high = [&head[..], &[0xfd, 0xf8, 0xf8, 0]].concat();
        for whole in [&head, &high] {
            assert_eq!(writing.head_without(Id::H264, whole), None);
        }
        let more = [&high[..], b"more"].concat();
        assert_eq!(writing.head_without(Id::H264, &more), Some(high));
        // Anything as a second picture set.
        let other = [&head[..11], &[2, 0, 2, 0x68, 0xee, 0, 4, 6, 5, 1, 9]].concat();
        assert_eq!(writing.head_without(Id::H264, &other), Some(head));

        let opus = [&b"OpusHead\x01\x02"[..], &[0; 9]].concat();
        let sound = |id, head: &[u8]| Writing::Bare.head_without(id, head);
        assert_eq!(sound(Id::OPUS, &opus), None);
        assert_eq!(sound(Id::OPUS, &[&opus[..], b"more"].concat()), Some(opus));
        assert_eq!(sound(Id::AAC, &[0x12, 0x10]), None);
        assert_eq!(sound(Id::AAC, &[&[0x12, 0x10][..], &[7; 100]].concat()).unwrap().len(), 16);
        assert_eq!(sound(Id::FLAC, &[7; 90]).unwrap().len(), 34);
        assert_eq!((sound(Id::VP9, b"more"), sound(Id::MP3, b"more")), (Some(vec![]), Some(vec![])));
        let comments = b"\x03vorbis\x04\0\0\0Lavf\x01\0\0\0\x08\0\0\0TITLE=hi\x01";
        let vorbis = [&[2, 5, comments.len() as u8][..], b"\x01head", comments, b"\x05set"].concat();
        let kept = sound(Id::VORBIS, &vorbis).unwrap();
        assert_eq!(kept, b"\x02\x05\x10\x01head\x03vorbis\0\0\0\0\0\0\0\0\x01\x05set");
        assert_eq!(sound(Id::VORBIS, &kept), None);
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
                let _ = writing.head_without(Id::H264, &bytes);
            }
        }
    }
}
