//! Text in the encodings that can be read without tables; of the others only those that leave ASCII alone are let pass.

use crate::structure::source::Stop;

enum Unit {
    Utf8,
    Utf16,
    Latin1,
}

/// A file's text, and how its bytes lie in the file.
pub(super) struct Text {
    pub text: String,
    /// Bytes of the byte order mark.
    mark: u64,
    unit: Unit,
}

impl Text {
    pub(super) fn decode(bytes: Vec<u8>) -> Result<Self, Stop> {
        if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
            let text = std::str::from_utf8(rest).map_err(|e| torn(e, 3))?;
            return Ok(Self { text: text.to_owned(), mark: 3, unit: Unit::Utf8 });
        }
        match bytes.as_slice() {
            [0xff, 0xfe, rest @ ..] => wide(rest, 2, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => wide(rest, 2, u16::from_be_bytes),
            [b'<', 0, ..] => wide(&bytes, 0, u16::from_le_bytes),
            [0, b'<', ..] => wide(&bytes, 0, u16::from_be_bytes),
            _ => Ok(match String::from_utf8(bytes) {
                Ok(text) => Self { text, mark: 0, unit: Unit::Utf8 },
                Err(other) => {
                    let text = other.as_bytes().iter().map(|b| char::from(*b)).collect();
                    Self { text, mark: 0, unit: Unit::Latin1 }
                }
            }),
        }
    }

    /// Whether bytes beyond ASCII were taken one by one, for they are no UTF-8.
    pub(super) fn is_latin1(&self) -> bool {
        matches!(self.unit, Unit::Latin1)
    }

    /// Where in the file a byte of [`Text::text`] stands.
    pub(super) fn offset(&self, at: usize) -> u64 {
        let before = self.text.get(..at).unwrap_or(&self.text);
        self.mark
            + match self.unit {
                Unit::Utf8 => before.len() as u64,
                Unit::Utf16 => 2 * before.encode_utf16().count() as u64,
                Unit::Latin1 => before.chars().count() as u64,
            }
    }
}

/// Bytes that are no UTF-8, behind a mark that says they are: cut, or broken.
fn torn(e: std::str::Utf8Error, mark: u64) -> Stop {
    let at = mark + e.valid_up_to() as u64;
    match e.error_len() {
        None => Stop::Truncated(at),
        Some(_) => Stop::Malformed(at, "bytes that are not of the text's encoding".to_owned()),
    }
}

fn wide(bytes: &[u8], mark: u64, unit: fn([u8; 2]) -> u16) -> Result<Text, Stop> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(units.iter().map(|u| unit(*u))).collect();
    match text {
        Ok(_) if !rest.is_empty() => Err(Stop::Truncated(mark + bytes.len() as u64)),
        Ok(text) => Ok(Text { text, mark, unit: Unit::Utf16 }),
        Err(_) => Err(Stop::Malformed(mark, "bytes that are not of the text's encoding".to_owned())),
    }
}

/// Whether a text that declares this encoding has its markup where we see it: there the ASCII characters are themselves
/// and nothing else is.
pub(super) fn keeps_ascii(label: &str) -> bool {
    const KEEP: [&str; 15] = [
        "utf-8",
        "utf8",
        "us-ascii",
        "ascii",
        "iso-8859-",
        "iso8859-",
        "latin1",
        "windows-",
        "cp125",
        "koi8-",
        "euc-",
        "macintosh",
        "x-mac-",
        "tis-620",
        "x-sjis",
    ];
    let label = label.trim().to_ascii_lowercase();
    KEEP.iter().any(|keep| label.starts_with(keep))
        || matches!(label.as_str(), "shift_jis" | "gbk" | "gb2312" | "gb18030" | "big5" | "")
}
