//! JPEG, by ITU-T T.81 annex B; APP0 by JFIF 1.02, APP14 by Adobe TN 5116, ICC by ICC.1:2022 annex B.4.

use super::reader::Reader;
use super::{StripError, icc};

const ICC_PREFIX: &[u8] = b"ICC_PROFILE\0";
/// Two bytes of length, the prefix, sequence number and count leave this much of a segment.
const ICC_PART: usize = 65535 - 2 - 14;

/// The JPEG without APPn and COM segments, except a JFIF header (its thumbnail removed), the Adobe colour transform and
/// the ICC profile; nothing stands after the end of the image.
///
/// # Errors
/// [`StripError`] when a segment is not exactly as its standard says, when there is no picture or no end, or for the
/// hierarchical process that no decoder in use reads.
pub fn jpeg(bytes: &[u8]) -> Result<Vec<u8>, StripError> {
    let mut reader = Reader::new("jpeg", bytes);
    reader.expect(&[0xFF, 0xD8], "it does not begin with a start of image")?;
    let mut kept = Kept::default();
    let mut body = Vec::with_capacity(bytes.len());
    let (mut frames, mut scans) = (0, 0);
    loop {
        let marker = next_marker(&mut reader)?;
        match marker {
            0xD9 => break,
            // Restart markers outside of a scan and TEM carry nothing.
            0xD0..=0xD7 | 0x01 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(reader.array()?));
        let Some(length) = length.checked_sub(2) else {
            return reader.fail("a segment is shorter than its own length");
        };
        let content = reader.take(length)?;
        match marker {
            0xE0..=0xEF | 0xFE => {
                // What comes after the first scan has no say in how the picture is shown.
                if scans == 0 {
                    kept.note(marker, content);
                }
                continue;
            }
            0xC4 if is_huffman(content) => {}
            0xDB if is_quantisation(content) => {}
            0xCC if content.len() % 2 == 0 => {}
            0xDD | 0xDC if content.len() == 2 => {}
            0xC0..=0xC3 | 0xC9..=0xCB if frames == 0 && is_frame(content) => frames += 1,
            0xDA if frames == 1 && is_scan(content) => scans += 1,
            _ => return reader.fail("a segment is malformed, misplaced or of an unsupported kind"),
        }
        push_segment(&mut body, marker, content);
        if marker == 0xDA {
            copy_scan(&mut reader, &mut body)?;
        }
    }
    if scans == 0 {
        return reader.fail("it ends without a picture");
    }
    let mut out = vec![0xFF, 0xD8];
    kept.write(&mut out);
    out.append(&mut body);
    out.extend([0xFF, 0xD9]);
    Ok(out)
}

/// The next marker code; bytes before it are skipped, as decoders do, and not copied.
fn next_marker(reader: &mut Reader<'_>) -> Result<u8, StripError> {
    loop {
        while reader.byte()? != 0xFF {}
        let code = loop {
            let code = reader.byte()?;
            if code != 0xFF {
                break code;
            }
        };
        if code != 0 {
            return Ok(code);
        }
    }
}

/// Entropy-coded bytes up to, and without, the next marker that is no restart marker.
fn copy_scan(reader: &mut Reader<'_>, body: &mut Vec<u8>) -> Result<(), StripError> {
    let rest = reader.rest();
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|left| left.iter().position(|b| *b == 0xFF)) {
        at += found;
        match rest.get(at + 1) {
            Some(0x00 | 0xD0..=0xD7) => at += 2,
            Some(0xFF) => at += 1,
            Some(_) => {
                let data = reader.take(at)?;
                body.extend_from_slice(data);
                return Ok(());
            }
            None => break,
        }
    }
    reader.take(rest.len())?;
    reader.fail("it ends inside of a scan")
}

fn push_segment(out: &mut Vec<u8>, marker: u8, content: &[u8]) {
    let length = (content.len() + 2) as u16;
    out.extend([0xFF, marker]);
    out.extend(length.to_be_bytes());
    out.extend_from_slice(content);
}

/// Tables of a class and slot, 16 counts and as many symbols, to the exact end (B.2.4.2).
fn is_huffman(mut content: &[u8]) -> bool {
    while let Some((head, rest)) = content.split_at_checked(17) {
        let symbols = head[1..].iter().map(|n| usize::from(*n)).sum::<usize>();
        if head[0] & 0xEC != 0 || symbols > 256 || rest.len() < symbols {
            return false;
        }
        content = &rest[symbols..];
    }
    content.is_empty()
}

/// Tables of 64 values of one or two bytes, to the exact end (B.2.4.1).
fn is_quantisation(mut content: &[u8]) -> bool {
    while let Some((head, rest)) = content.split_first() {
        let length = 64 * (1 + usize::from(head >> 4));
        if head & 0xEC != 0 || rest.len() < length {
            return false;
        }
        content = &rest[length..];
    }
    true
}

fn is_frame(content: &[u8]) -> bool {
    content.get(5).is_some_and(|n| (1..=4).contains(n) && content.len() == 6 + 3 * usize::from(*n))
}

fn is_scan(content: &[u8]) -> bool {
    content.first().is_some_and(|n| (1..=4).contains(n) && content.len() == 4 + 2 * usize::from(*n))
}

/// The parts of the APPn segments that decide how the picture looks.
#[derive(Default)]
struct Kept {
    /// Version, density unit and both densities.
    jfif: Option<[u8; 7]>,
    /// The colour transform: 0 none, 1 YCbCr, 2 YCCK.
    adobe: Option<u8>,
    /// Sequence number, count and bytes.
    icc: Vec<(u8, u8, Vec<u8>)>,
}

impl Kept {
    fn note(&mut self, marker: u8, content: &[u8]) {
        match marker {
            0xE0 if content.len() >= 14 && content.starts_with(b"JFIF\0") => {
                self.jfif = content[5..12].try_into().ok();
            }
            0xEE if content.len() >= 12 && content.starts_with(b"Adobe") => self.adobe = Some(content[11]),
            0xE2 => {
                if let Some([number, count, part @ ..]) = content.strip_prefix(ICC_PREFIX) {
                    self.icc.push((*number, *count, part.to_vec()));
                }
            }
            _ => {}
        }
    }

    fn write(mut self, out: &mut Vec<u8>) {
        if let Some(jfif) = self.jfif {
            // No thumbnail: 0 by 0 pixels.
            push_segment(out, 0xE0, &[b"JFIF\0".as_slice(), &jfif, &[0, 0]].concat());
        }
        if let Some(transform) = self.adobe {
            push_segment(out, 0xEE, &[b"Adobe".as_slice(), &[0, 100, 0, 0, 0, 0, transform]].concat());
        }
        self.icc.sort_by_key(|(number, ..)| *number);
        let count = self.icc.len();
        let whole =
            self.icc.iter().zip(1..).all(|((n, c, _), i)| usize::from(*n) == i && usize::from(*c) == count);
        if !whole {
            // Decoders ignore a profile in pieces that do not fit together.
            return;
        }
        let profile = self.icc.into_iter().flat_map(|(.., part)| part).collect::<Vec<u8>>();
        let Some(profile) = icc::clean(&profile) else { return };
        let parts = profile.chunks(ICC_PART);
        let count = parts.len() as u8;
        for (number, part) in (1..=count).zip(parts) {
            push_segment(out, 0xE2, &[ICC_PREFIX, &[number, count], part].concat());
        }
    }
}
