//! What containers keep for decoders, without what no decoder reads.

use super::units::varied;
use ffmpeg_next::codec::Id;

/// H.264's record for the decoder (ISO/IEC 14496-15, 5.3.3.1) up to its end, with parameter sets alone.
pub(super) fn avc(head: &[u8]) -> Option<Vec<u8>> {
    let mut kept = head.get(..5)?.to_vec();
    let mut rest = &head[5..];
    // Sequence and picture sets, the number of the former in five bits.
    for (mask, kind) in [(0x1f, 7), (0xff, 8)] {
        sets(&mut rest, &mut kept, mask, kind)?;
    }
    // Profiles of more than eight bits and four planes a pixel go on; older writers leave that out.
    if matches!(head[1], 100 | 110 | 122 | 144) && rest.len() >= 4 {
        kept.extend_from_slice(&rest[..3]);
        rest = &rest[3..];
        // Of extensions, which decoders pass over, none.
        sets(&mut rest, &mut kept, 0xff, NO_KIND)?;
    }
    Some(kept)
}

const NO_KIND: u8 = 0xff;

/// A number, and as many units with their length before them; those of another kind go.
fn sets(rest: &mut &[u8], kept: &mut Vec<u8>, mask: u8, kind: u8) -> Option<()> {
    let (number, mut after) = rest.split_first()?;
    let (at, mut count) = (kept.len(), 0);
    kept.push(0);
    for _ in 0..number & mask {
        let size = 2 + usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let (unit, others) = after.split_at_checked(size)?;
        if unit.get(2).is_some_and(|first| first & 0x1f == kind) {
            kept.extend_from_slice(unit);
            count += 1;
        }
        after = others;
    }
    kept[at] = number & !mask | count;
    *rest = after;
    Some(())
}

/// HEVC's record for the decoder (ISO/IEC 14496-15, 8.3.3.1) up to its end, with parameter sets alone.
pub(super) fn hevc(head: &[u8]) -> Option<Vec<u8>> {
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
        if matches!(kind & 0x3f, 32..=34) {
            kept.extend_from_slice(array);
            count += 1;
        }
        rest = after;
    }
    kept[22] = count;
    Some(kept)
}

/// The same of sound. `None` where it cannot be told where it ends.
pub(super) fn sound(id: Id, head: &[u8]) -> Option<Vec<u8>> {
    let end = match id {
        // RFC 7845, 5.1: the table of channels only where there are more than two.
        Id::OPUS => match head.get(18)? {
            0 => 19,
            _ => 21 + usize::from(head[9]),
        },
        Id::VORBIS => return vorbis(head),
        // RFC 9639, 8.2: the first block, which has the size.
        Id::FLAC if head.starts_with(b"fLaC") => return head.get(8..42).map(<[u8]>::to_vec),
        Id::FLAC => 34,
        // Apple's "magic cookie" within its atom.
        Id::ALAC => 36,
        // ISO/IEC 14496-3, 1.6.2.1: with a number for its channels it is a few bytes; without, the channels and a
        // comment follow.
        Id::AAC if head.get(1)? & 0x78 != 0 => 16,
        Id::MP3 | Id::AC3 | Id::PCM_S16LE | Id::PCM_S16BE => 0,
        _ => return None,
    };
    Some(head[..end.min(head.len())].to_vec())
}

/// Three headers in Xiph's lacing (Matroska, "A_VORBIS"), the second one, which holds comments, as short as it may be
/// (Vorbis I, 5.2.1).
fn vorbis(head: &[u8]) -> Option<Vec<u8>> {
    const NO_COMMENTS: &[u8; 16] = b"\x03vorbis\0\0\0\0\0\0\0\0\x01";
    let mut rest = head.strip_prefix(&[2])?;
    let (first, second) = (varied(&mut rest)?, varied(&mut rest)?);
    let (identification, rest) = rest.split_at_checked(first)?;
    let (_, setup) = rest.split_at_checked(second)?;
    let mut kept = vec![2];
    kept.extend(std::iter::repeat_n(255, first / 255));
    kept.extend([(first % 255) as u8, NO_COMMENTS.len() as u8]);
    Some([&kept[..], identification, NO_COMMENTS, setup].concat())
}
