//! Parts behind start codes, segments of a JPEG, units of AV1.

/// Of parts behind start codes (0, 0, 1) those that `keep` keeps. It gets them without the code.
pub(super) fn behind_codes(packet: &[u8], keep: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let starts: Vec<usize> =
        packet.windows(3).enumerate().filter(|(_, code)| *code == [0, 0, 1]).map(|(at, _)| at).collect();
    // A start code is four bytes long where a zero stands before it; anything else before the first one is no part.
    let first = starts.first().copied().unwrap_or(0);
    let mut kept = packet[first.saturating_sub(1)..first].to_vec();
    kept.retain(|byte| *byte == 0);
    let before = kept.len();
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(packet.len());
        if keep(&packet[start + 3..end]) {
            kept.extend_from_slice(&packet[*start..end]);
        }
    }
    // A zero before nothing belongs to nothing.
    if kept.len() == before {
        kept.clear();
    }
    kept
}

/// A JPEG without comments, without segments of applications, but for those that say what its colours mean, and without
/// what is behind its end. `None` where that is another picture, which may be a second field.
pub(super) fn segments(packet: &[u8]) -> Option<Vec<u8>> {
    let mut kept = packet.get(..2)?.to_vec();
    let mut rest = &packet[2..];
    loop {
        if let Some(behind) = rest.strip_prefix(&[0xff, 0xd9]) {
            kept.extend([0xff, 0xd9]);
            return (!behind.windows(2).any(|mark| mark == [0xff, 0xd8])).then_some(kept);
        }
        let [0xff, marker, a, b, ..] = rest else { return None };
        let size = 2 + usize::from(u16::from_be_bytes([*a, *b]));
        let (segment, after) = rest.split_at_checked(size)?;
        if !matches!(marker, 0xe1..=0xed | 0xef | 0xfe) {
            kept.extend_from_slice(segment);
        }
        rest = after;
        if *marker == 0xda {
            // Within what is coded 0xff stands before a zero, a restart or another of its kind.
            let is_end = |mark: &[u8]| mark[0] == 0xff && !matches!(mark[1], 0 | 0xd0..=0xd7 | 0xff);
            let end = rest.windows(2).position(is_end);
            let (coded, after) = rest.split_at(end.unwrap_or(rest.len()));
            kept.extend_from_slice(coded);
            rest = after;
            if rest.is_empty() {
                return Some(kept);
            }
        }
    }
}

/// AV1 (6.2.2): pictures, and metadata of light and layers. Not: other metadata, padding, lists of tiles, and types that
/// have no meaning yet.
pub(super) fn obus(packet: &[u8]) -> Option<Vec<u8>> {
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
        let belongs = match (first >> 3) & 0xf {
            1..=4 | 6 | 7 => true,
            5 => leb128(&unit[head..]).is_some_and(|(kind, _)| (1..=3).contains(&kind)),
            _ => false,
        };
        if belongs {
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
