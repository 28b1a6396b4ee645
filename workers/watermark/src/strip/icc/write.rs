//! A profile of a display, written anew (ICC.1:2022, 7 to 10; version 2 where its curves allow).

/// A table is no longer; what is, is drawn through as many points.
const LONGEST: usize = 4096;

/// The light that profiles connect by (7.2.16).
const D50: [u8; 12] = *b"\0\0\xf6\xd6\0\x01\0\0\0\0\xd3\x2d";

/// With these tags, the texts that readers ask for, and of the header no more than which colours there are.
pub(super) fn profile(old: &[u8], kept: Vec<(&[u8; 4], Vec<u8>)>) -> Vec<u8> {
    let is_new = kept.iter().any(|(_, content)| content.starts_with(b"para"));
    let mut tags: Vec<(&[u8; 4], Vec<u8>)> = vec![
        (b"desc", if is_new { text(b"display") } else { description(b"display") }),
        (b"cprt", if is_new { text(b"CC0") } else { [&b"text\0\0\0\0"[..], b"CC0\0"].concat() }),
        (b"wtpt", [&b"XYZ \0\0\0\0"[..], &D50].concat()),
    ];
    tags.extend(kept);
    let mut data: Vec<u8> = Vec::new();
    let mut table = (tags.len() as u32).to_be_bytes().to_vec();
    let begin = 128 + 4 + 12 * tags.len();
    let mut written: Vec<(usize, &[u8])> = Vec::new();
    for (name, content) in &tags {
        // Curves are most often the same for all colours, and then stand once.
        let at = written.iter().find(|(_, other)| other == content).map_or(data.len(), |(at, _)| *at);
        if at == data.len() {
            written.push((at, content));
            data.extend(content);
            data.resize(data.len().next_multiple_of(4), 0);
        }
        table.extend(*name);
        table.extend(((begin + at) as u32).to_be_bytes());
        table.extend((content.len() as u32).to_be_bytes());
    }
    let mut profile = vec![0; 128];
    profile[..4].copy_from_slice(&((begin + data.len()) as u32).to_be_bytes());
    profile[8..12].copy_from_slice(if is_new { b"\x04\x40\0\0" } else { b"\x02\x40\0\0" });
    profile[12..16].copy_from_slice(b"mntr");
    profile[16..24].copy_from_slice(&old[16..24]);
    profile[36..40].copy_from_slice(b"acsp");
    // How colours that a screen has not are to be shown: one of four.
    profile[67] = old[67] & 3;
    profile[68..80].copy_from_slice(&D50);
    profile.extend(table);
    profile.extend(data);
    profile
}

pub(super) fn gamma(gamma: [u8; 2]) -> Vec<u8> {
    [&b"curv\0\0\0\0\0\0\0\x01"[..], &gamma].concat()
}

/// As many points of a curve as its table has.
pub(super) fn table(count: usize, curve: impl Fn(f64) -> Option<f64>) -> Option<Vec<u8>> {
    let count = count.min(LONGEST);
    let mut out = [&b"curv\0\0\0\0"[..], &(count as u32).to_be_bytes()].concat();
    for i in 0..count {
        let value = curve(i as f64 / (count - 1) as f64)?;
        out.extend(((value * 65535.0).round() as u16).to_be_bytes());
    }
    Some(out)
}

/// A function's kind and its parameters (table 68).
pub(super) fn parametric(tag: &[u8]) -> Option<Vec<u8>> {
    let kind = *tag.get(8..)?.first_chunk::<2>()?;
    let parameters = *[1, 3, 4, 5, 7].get(usize::from(u16::from_be_bytes(kind)))?;
    Some([&b"para\0\0\0\0"[..], &kind, &[0; 2], tag.get(12..12 + 4 * parameters)?].concat())
}

/// Of version 2: ASCII, and neither of the two other scripts that may follow.
fn description(name: &[u8]) -> Vec<u8> {
    let length = (name.len() as u32 + 1).to_be_bytes();
    [&b"desc\0\0\0\0"[..], &length, name, &[0; 79]].concat()
}

/// Of version 4: one text, in English.
fn text(ascii: &[u8]) -> Vec<u8> {
    let wide: Vec<u8> = ascii.iter().flat_map(|letter| [0, *letter]).collect();
    let length = (wide.len() as u32).to_be_bytes();
    [&b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS"[..], &length, b"\0\0\0\x1c", &wide].concat()
}
