//! What encoders and others write between the pictures of a track for whoever reads it: user data, captions, names of
//! programs. A copy for delivery is without it; pictures are left bit by bit as they are. What stays is listed, so that what
//! nobody knows goes. Pure.

mod heads;
mod parts;
mod units;

use ffmpeg_next::codec::Id;
use lazaret_sandbox::Why;
use parts::{behind_codes, obus, segments};

/// How a track is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    /// H.264 (ITU-T H.264, 7.3.1) and HEVC (H.265, 7.3.1): units with their length before them, in so many bytes, or behind
    /// a start code.
    H264(Option<usize>),
    Hevc(Option<usize>),
    /// MPEG-1 and MPEG-2, and MPEG-4 part 2: parts behind start codes.
    Mpeg,
    Mpeg4,
    /// JPEG pictures: segments.
    Jpeg,
    /// AV1 (5.3.2): units with their length after their type.
    Av1,
    /// There is no place for such data.
    Bare,
}

impl Writing {
    /// `head` is what the container keeps for the decoder. An error where decoders differ in how they take it.
    pub(crate) fn of(id: Id, head: &[u8]) -> Result<Self, Why> {
        // Start codes, or a record of version 1 that says how long lengths are. FFmpeg takes others for a record as well.
        let length = |at: usize| match head {
            [] | [0, 0, 1, ..] | [0, 0, 0, 1, ..] => Ok(None),
            [1, ..] => match head.get(at) {
                Some(byte) if byte & 3 != 2 => Ok(Some(usize::from(byte & 3) + 1)),
                _ => Err(unreadable("what the container keeps for the decoder")),
            },
            _ => Err(unreadable("what the container keeps for the decoder")),
        };
        Ok(match id {
            Id::H264 => Self::H264(length(4)?),
            Id::HEVC => Self::Hevc(length(21)?),
            Id::MPEG1VIDEO | Id::MPEG2VIDEO => Self::Mpeg,
            Id::MPEG4 => Self::Mpeg4,
            Id::MJPEG => Self::Jpeg,
            Id::AV1 => Self::Av1,
            _ => Self::Bare,
        })
    }

    /// The packet without it; `None` where it has none. An error where it cannot be told what a decoder would read.
    pub(crate) fn without(self, packet: &[u8]) -> Result<Option<Vec<u8>>, Why> {
        let kept = match self {
            Self::H264(Some(length)) | Self::Hevc(Some(length)) => self.with_lengths(packet, length),
            Self::H264(None) | Self::Hevc(None) => {
                let zeros = packet.iter().take_while(|byte| **byte == 0).count();
                let is_code = packet.is_empty() || (zeros >= 2 && packet.get(zeros) == Some(&1));
                is_code.then(|| behind_codes(packet, |unit| self.belongs(unit)))
            }
            // User data, and codes of what is around a track (ISO/IEC 13818-2, table 6-1).
            Self::Mpeg => Some(behind_codes(packet, |part| {
                part.first().is_some_and(|code| !matches!(code, 0xb0..=0xb2 | 0xb6 | 0xb9..))
            })),
            Self::Mpeg4 => {
                Some(behind_codes(packet, |part| part.first().is_some_and(|code| is_mpeg4(*code))))
            }
            // FFmpeg hands a packet of nothing on, and decoders take it for none.
            Self::Jpeg | Self::Av1 if packet.is_empty() => return Ok(None),
            Self::Jpeg => segments(packet),
            Self::Av1 => obus(packet),
            Self::Bare => return Ok(None),
        };
        let kept = kept.ok_or_else(|| unreadable("a packet"))?;
        Ok((kept.len() != packet.len()).then_some(kept))
    }

    /// The same of what the container keeps for the decoder of these pictures, or of sound.
    pub(crate) fn head_without(self, id: Id, head: &[u8]) -> Result<Option<Vec<u8>>, Why> {
        if head.is_empty() {
            return Ok(None);
        }
        let kept = match self {
            Self::Hevc(Some(_)) => heads::hevc(head),
            Self::H264(Some(_)) => heads::avc(head),
            // These need none.
            Self::Bare if matches!(id, Id::VP8 | Id::VP9 | Id::H263 | Id::PRORES) => Some(Vec::new()),
            Self::Bare => heads::sound(id, head),
            Self::Av1 => {
                head.split_at_checked(4).and_then(|(first, rest)| Some([first, &obus(rest)?].concat()))
            }
            _ => return self.without(head),
        };
        let kept = kept.ok_or_else(|| unreadable("what the container keeps for the decoder"))?;
        Ok((kept.len() != head.len()).then_some(kept))
    }

    fn belongs(self, unit: &[u8]) -> bool {
        match self {
            Self::H264(_) => units::belongs_to_h264(unit),
            _ => units::belongs_to_hevc(unit),
        }
    }

    /// `None` where lengths do not add up to the packet, and where FFmpeg may read it, and all that follow, otherwise: a
    /// start code, or a record for the decoder (h264dec.c, `decode_nal_units` and `h264_decode_frame`).
    fn with_lengths(self, whole: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut packet = whole;
        let mut kept = Vec::with_capacity(packet.len());
        let is_record = matches!(whole, [1, _, 0, _, sizes, ..] if sizes & 0xfc == 0xfc);
        if whole.starts_with(&[0, 0, 0, 1]) || (is_record && matches!(self, Self::H264(_))) {
            return None;
        }
        while !packet.is_empty() {
            let (size, rest) = packet.split_at_checked(length)?;
            let size = size.iter().fold(0_usize, |size, byte| (size << 8) | usize::from(*byte));
            let (unit, rest) = rest.split_at_checked(size)?;
            if self.belongs(unit) {
                kept.extend_from_slice(&packet[..length + size]);
            }
            packet = rest;
        }
        Some(kept)
    }
}

/// Parts of MPEG-4 (ISO/IEC 14496-2, table 6-3) that decoders read: layers and what is around them, pictures and groups.
fn is_mpeg4(code: u8) -> bool {
    matches!(code, 0x00..=0x2f | 0xb0 | 0xb1 | 0xb3 | 0xb5 | 0xb6)
}

/// The copy could hold what nobody looked at.
fn unreadable(what: &str) -> Why {
    Why::new("media.unreadable", format!("{what} cannot be read to its end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_with_user_data_go_and_others_stay() {
        let writing = Writing::of(Id::H264, &[1, 0x64, 0, 0x1f, 0xff]).unwrap();
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
            assert_eq!(writing.without(&packet).unwrap(), Some(picture.clone()), "{other:?}");
        }
        assert_eq!(writing.without(&packet).unwrap(), Some([timing.clone(), picture.clone()].concat()));
        assert_eq!(
            writing.without(&[timing, picture.clone()].concat()).unwrap(),
            None,
            "nothing to take away"
        );
        let broken = [&picture[..], &[0, 0, 0, 9, 6]].concat();
        assert!(writing.without(&broken).is_err(), "what is behind trouble could be read");
        let codes = [&[0, 0, 0, 1, 9, 16][..], &[0, 0, 1, 6, 5, 2, 8, 8, 0x80], &[0, 0, 1, 0x65, 1]].concat();
        let kept = [&[0, 0, 0, 1, 9, 16][..], &[0, 0, 1, 0x65, 1]].concat();
        assert_eq!(Writing::of(Id::H264, &[]).unwrap().without(&codes).unwrap(), Some(kept));
        // Found by fuzzing: the zero of a start code stayed where all that it stood before went.
        assert_eq!(Writing::H264(None).without(&[0, 0, 0, 1, 9, 10, 0, 1]).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn heads_lose_it_too() {
        let mut head = [0; 23];
        (head[0], head[21], head[22]) = (1, 3, 2);
        let (set, said) = ([0x20 | 0x80, 0, 1, 0, 2, 0x40, 1], [39, 0, 1, 0, 3, 0x4e, 1, 5]);
        let full = [&head[..], &set, &said].concat();
        let writing = Writing::of(Id::HEVC, &full).unwrap();
        let kept = writing.head_without(Id::HEVC, &[&full[..], b"more"].concat()).unwrap().unwrap();
        assert_eq!((kept.len(), kept[22]), (30, 1));
        assert_eq!(writing.head_without(Id::HEVC, &kept).unwrap(), None);
        let xvid = [&[0, 0, 1, 0xb0, 1][..], b"\0\0\x01\xb2XviD0050", &[0, 0, 1, 0x20, 9]].concat();
        let kept = Writing::of(Id::MPEG4, &xvid).unwrap().head_without(Id::MPEG4, &xvid).unwrap().unwrap();
        assert_eq!(kept, [0, 0, 1, 0xb0, 1, 0, 0, 1, 0x20, 9]);
    }

    #[test]
    fn what_is_kept_for_decoders_ends_where_they_end() {
        let head =
            [&[1, 100, 0, 31, 0xff, 0xe1, 0, 3][..], &[0x67, 100, 0], &[1, 0, 2], &[0x68, 0xee]].concat();
        let writing = Writing::of(Id::H264, &head).unwrap();
        let high = [&head[..], &[0xfd, 0xf8, 0xf8, 0]].concat();
        for whole in [&head, &high] {
            assert_eq!(writing.head_without(Id::H264, whole).unwrap(), None);
        }
        let more = [&high[..], b"more"].concat();
        assert_eq!(writing.head_without(Id::H264, &more).unwrap(), Some(high));
        // Anything as a second picture set.
        let other = [&head[..11], &[2, 0, 2, 0x68, 0xee, 0, 4, 6, 5, 1, 9]].concat();
        assert_eq!(writing.head_without(Id::H264, &other).unwrap(), Some(head));

        let opus = [&b"OpusHead\x01\x02"[..], &[0; 9]].concat();
        let sound = |id, head: &[u8]| Writing::Bare.head_without(id, head).unwrap();
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

    /// Regression: what could not be read was copied as it was.
    #[test]
    fn what_cannot_be_read_is_not_copied() {
        let mut hevc = [0; 23];
        (hevc[0], hevc[21], hevc[22]) = (1, 3, 2);
        let hevc = [&hevc[..], &[0x20 | 0x80, 0, 1, 0, 2, 0x40, 1]].concat();
        let avc = [1, 100, 0, 31, 0xff, 0xe2, 0, 3, 0x67, 100, 0, 1, 0, 2, 0x68, 0xee];
        for (id, head) in [(Id::HEVC, &hevc[..]), (Id::H264, &avc), (Id::AV1, b"\x81\0\0\0\x0a\x09")] {
            assert!(Writing::of(id, head).unwrap().head_without(id, head).is_err(), "{id:?}");
        }
        let aac = [&[0x12, 0x00][..], &[7; 100]].concat();
        for (id, head) in [(Id::AAC, &aac[..]), (Id::WMAV2, b"anything"), (Id::OPUS, b"OpusHead")] {
            assert!(Writing::Bare.head_without(id, head).is_err(), "{id:?}");
        }
        assert!(Writing::Jpeg.without(b"\xff\xd8more").is_err());
        assert!(Writing::Av1.without(&[0x32, 9, 1]).is_err());
    }

    /// Regression: FFmpeg takes heads for records that were taken for none.
    #[test]
    fn heads_that_decoders_differ_about_are_not_copied() {
        for head in [&[2; 40][..], &[0, 1, 0, 0], &[0, 0, 2, 9], &[1], &[1; 4]] {
            for id in [Id::HEVC, Id::H264] {
                assert!(Writing::of(id, head).is_err(), "{head:?}");
            }
        }
    }

    /// Regression: FFmpeg reads start codes from here on, and other pictures than those that are copied.
    #[test]
    fn packets_that_are_written_another_way_than_their_track_are_not_copied() {
        let code = [&[0, 0, 0, 1, 9][..], &[0xff; 4], &[0; 3]].concat();
        let within = [&[0, 0, 0, 1, 9, 0, 0, 0, 3][..], &[0x65, 1, 2]].concat();
        let record = [&[1, 100, 0, 31, 0xff][..], &vec![0; (100 << 16 | 31) + (1 << 24) - 1]].concat();
        let short = [0, 0, 0, 3, 0x65, 1];
        let rest = [0, 0, 0, 2, 0x65, 1, 0, 0];
        for packet in [&code[..], &within, &record, &short, &rest] {
            assert!(Writing::H264(Some(4)).without(packet).is_err(), "{:?}", &packet[..5]);
        }
        let lengths = [0, 0, 0, 3, 0x65, 1, 2];
        assert!(Writing::H264(Some(4)).without(&lengths).is_ok());
        for writing in [Writing::H264(None), Writing::Hevc(None)] {
            assert!(writing.without(&lengths).is_err());
        }
    }

    /// Regression: what decoders pass over was copied.
    #[test]
    fn what_decoders_pass_over_goes() {
        let unit = |first: u8| [0, 0, 0, 3, first, 1, 2];
        for kind in [2, 3, 4, 13] {
            let packet = [unit(0x65), unit(0x60 | kind)].concat();
            assert_eq!(Writing::H264(Some(4)).without(&packet).unwrap(), Some(unit(0x65).into()), "{kind}");
        }
        let picture = [0, 0, 1, 0xb6, 7];
        for code in [0x30, 0x7f, 0xaf, 0xb2, 0xb4, 0xb8, 0xc0] {
            let packet = [picture, [0, 0, 1, code, 9]].concat();
            assert_eq!(Writing::Mpeg4.without(&packet).unwrap(), Some(picture.into()), "{code:x}");
        }
        let table = [0xff, 0xc4, 0, 4, 0xff, 0xd9];
        let scans =
            [&b"\xff\xd8\xff\xda\0\x02\x09\xff\0\xff\xd0\x09"[..], &table, b"\xff\xda\0\x02\x08\xff\xd9"];
        let whole = scans.concat();
        assert_eq!(Writing::Jpeg.without(&whole).unwrap(), None);
        assert_eq!(Writing::Jpeg.without(&[&whole[..], b"more"].concat()).unwrap(), Some(whole.clone()));
        assert!(Writing::Jpeg.without(&[&whole[..], &whole].concat()).is_err(), "a second field");
    }

    #[test]
    fn comments_and_metadata() {
        let jpeg =
            [&[0xff, 0xd8, 0xff, 0xfe, 0, 4, 1, 2][..], &[0xff, 0xdb, 0, 3, 7], &[0xff, 0xda, 0, 2, 9, 9]]
                .concat();
        let kept = [&[0xff, 0xd8, 0xff, 0xdb, 0, 3, 7][..], &[0xff, 0xda, 0, 2, 9, 9]].concat();
        assert_eq!(Writing::Jpeg.without(&jpeg).unwrap(), Some(kept));
        // T.35 goes, light stays.
        let av1 = [&[0x2a, 2, 4, 1][..], &[0x2a, 2, 1, 1], &[0x32, 1, 9]].concat();
        assert_eq!(Writing::Av1.without(&av1).unwrap(), Some([0x2a, 2, 1, 1, 0x32, 1, 9].into()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1..5_usize) {
            for writing in [Writing::H264(Some(size)), Writing::H264(None), Writing::Hevc(Some(size)), Writing::Mpeg, Writing::Jpeg, Writing::Av1] {
                let kept = writing.without(&bytes).unwrap_or_default();
                prop_assert!(kept.is_none_or(|kept| kept.len() < bytes.len()));
                let _ = writing.head_without(Id::H264, &bytes);
            }
        }
    }
}
