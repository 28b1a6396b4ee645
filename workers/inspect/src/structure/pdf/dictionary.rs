//! What the dictionary before a stream says of its filters.

use super::names;

/// Undone before a stream's content can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Flate,
    Lzw,
    Ascii85,
    AsciiHex,
    RunLength,
    /// DCT, JPX, CCITT or JBIG2: what comes out is a picture.
    Picture,
    Crypt,
    Unknown,
}

impl Filter {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"FlateDecode" | b"Fl" => Self::Flate,
            b"LZWDecode" | b"LZW" => Self::Lzw,
            b"ASCII85Decode" | b"A85" => Self::Ascii85,
            b"ASCIIHexDecode" | b"AHx" => Self::AsciiHex,
            b"RunLengthDecode" | b"RL" => Self::RunLength,
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
                Self::Picture
            }
            b"Crypt" => Self::Crypt,
            _ => Self::Unknown,
        }
    }
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Dictionary {
    pub filters: Vec<Filter>,
    /// The filters stand in another object.
    pub indirect: bool,
    /// More than one entry gives filters.
    pub ambiguous: bool,
    /// Other objects are packed into this stream, or a lenient reader takes it for such a one: it needs no more than
    /// the entry `First`.
    pub objects: bool,
    pub picture: bool,
    /// Bytes are differences from those before.
    pub predicted: bool,
    /// LZW codes grow one code late.
    pub late: bool,
}

impl Dictionary {
    /// Reads the bytes from `<<` to the keyword `stream`. Names count wherever they stand: in strings, comments and
    /// dictionaries within.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let mut given = 0;
        for slash in memchr::memchr_iter(b'/', bytes) {
            let name = names::decode(&bytes[slash + 1..]);
            let value = &bytes[(slash + 1 + raw_length(&bytes[slash + 1..])).min(bytes.len())..];
            match name.as_slice() {
                b"Filter" => {
                    given += 1;
                    match filters(value) {
                        Some(filters) => found.filters = filters,
                        None => found.indirect = true,
                    }
                }
                b"ObjStm" | b"First" => found.objects = true,
                b"Image" => found.picture = true,
                b"Predictor" => found.predicted |= number(value).is_none_or(|n| n > 1),
                b"EarlyChange" => found.late |= number(value) == Some(0),
                _ => {}
            }
        }
        found.ambiguous = given > 1;
        found
    }
}

fn raw_length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| !super::ends_name(**b)).count()
}

/// One name or an array of names; `None` where neither stands there.
fn filters(value: &[u8]) -> Option<Vec<Filter>> {
    let value = super::trim(value);
    match value.first()? {
        b'/' => Some(vec![Filter::of(&names::decode(&value[1..]))]),
        b'[' => {
            let list = &value[..memchr::memchr(b']', value)?];
            let inner = &list[1..];
            let names =
                memchr::memchr_iter(b'/', inner).map(|at| Filter::of(&names::decode(&inner[at + 1..])));
            let names: Vec<_> = names.collect();
            (!names.is_empty() || super::trim(inner).is_empty()).then_some(names)
        }
        _ => None,
    }
}

/// A number that is written here and not in another object.
fn number(value: &[u8]) -> Option<u64> {
    let value = super::trim(value);
    let digits = value.iter().take(19).take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&value[..digits]).ok()?.parse().ok()
}
