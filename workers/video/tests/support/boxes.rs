//! Films whose boxes (ISO/IEC 14496-12) say what no muxer at hand writes.

/// The first track's chunks from the second one on are under a sample description of their own, equal to the first.
/// The index must stand behind the packets, as `ffmpeg` leaves it.
pub fn with_a_second_record(film: &[u8]) -> Vec<u8> {
    let mut tracks = 0;
    rewrite(film, &mut |kind, content| {
        if kind == b"stsd" {
            tracks += 1;
        }
        (tracks == 1).then(|| match kind {
            b"stsd" => twice(content),
            b"stsc" => from_the_second_chunk(content),
            _ => content.to_vec(),
        })
    })
}

/// What tracks of AAC keep for the decoder (ISO/IEC 14496-1, 7.2.6.7) goes on with `talk`, of some tens of bytes.
pub fn with_talk_behind_the_sound_record(film: &[u8], talk: &[u8]) -> Vec<u8> {
    rewrite(film, &mut |kind, content| {
        let at = content.windows(4).position(|name| name == b"esds").filter(|_| kind == b"stsd")?;
        let mut content = content.to_vec();
        // The entry, and the box in it.
        for size in [8, at - 4] {
            let longer = number(&content, size) + talk.len() as u32;
            content[size..size + 4].copy_from_slice(&longer.to_be_bytes());
        }
        let mut end = 0;
        for tag in 3..=5 {
            let lead = [tag, 0x80, 0x80, 0x80];
            let length = at + content[at..].windows(4).position(|bytes| bytes == lead).unwrap() + 4;
            end = length + 1 + usize::from(content[length]);
            content[length] += talk.len() as u8;
        }
        content.splice(end..end, talk.iter().copied());
        Some(content)
    })
}

const FOLDERS: [&[u8; 4]; 5] = [b"moov", b"trak", b"mdia", b"minf", b"stbl"];

/// From a box's kind and content to another content; `None` leaves it as it is.
type Change<'a> = dyn FnMut(&[u8; 4], &[u8]) -> Option<Vec<u8>> + 'a;

/// Boxes that `change` answers anew, with the sizes of those around them.
fn rewrite(mut bytes: &[u8], change: &mut Change<'_>) -> Vec<u8> {
    let mut made = Vec::new();
    while !bytes.is_empty() {
        let (one, rest) = bytes.split_at(number(bytes, 0) as usize);
        let (head, content) = one.split_at(8);
        let kind = head[4..].try_into().unwrap();
        let content = match FOLDERS.contains(&&kind) {
            true => rewrite(content, change),
            false => change(&kind, content).unwrap_or_else(|| content.to_vec()),
        };
        made.extend(u32::try_from(content.len() + 8).unwrap().to_be_bytes());
        made.extend(kind);
        made.extend(content);
        bytes = rest;
    }
    made
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn twice(stsd: &[u8]) -> Vec<u8> {
    assert_eq!(number(stsd, 4), 1);
    [&stsd[..4], &2u32.to_be_bytes(), &stsd[8..], &stsd[8..]].concat()
}

/// Rows: first chunk, samples in each, sample description.
fn from_the_second_chunk(stsc: &[u8]) -> Vec<u8> {
    let rows = stsc[8..].chunks(12).map(|row| [0, 4, 8].map(|at| number(row, at)));
    let mut rows: Vec<[u32; 3]> = rows.collect();
    if rows.get(1).is_none_or(|row| row[0] != 2) {
        rows.insert(1, [2, rows[0][1], 1]);
    }
    rows.iter_mut().skip(1).for_each(|row| row[2] = 2);
    let count = u32::try_from(rows.len()).unwrap();
    let rows = rows.into_iter().flatten().flat_map(u32::to_be_bytes);
    stsc[..4].iter().copied().chain(count.to_be_bytes()).chain(rows).collect()
}
