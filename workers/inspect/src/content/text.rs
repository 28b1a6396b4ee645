//! Is it text? Asked where neither magic bytes nor the model know, and to overrule two-byte magics.

/// Whether `head` reads as text: UTF-8, UTF-16 with a byte order mark, or an 8-bit character set, without control
/// characters that no text file has. Empty bytes are no text.
pub(super) fn is_text(head: &[u8]) -> bool {
    if head.is_empty() {
        return false;
    }
    if let Some(rest) = head.strip_prefix(b"\xff\xfe") {
        return wide(rest, u16::from_le_bytes);
    }
    if let Some(rest) = head.strip_prefix(b"\xfe\xff") {
        return wide(rest, u16::from_be_bytes);
    }
    if head.iter().any(|&b| is_control(b)) {
        return false;
    }
    match std::str::from_utf8(head) {
        Ok(_) => true,
        // The head may end in the middle of a character.
        Err(e) if e.error_len().is_none() => true,
        // Latin-1 and its like: mostly ASCII.
        Err(_) => head.iter().filter(|b| !b.is_ascii()).count() * 3 < head.len(),
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> bool {
    let (units, _) = bytes.as_chunks::<2>();
    !units.is_empty()
        && units.iter().all(|&u| match u8::try_from(unit(u)) {
            Ok(b) => !is_control(b),
            Err(_) => true,
        })
}

/// Controls that no text file has.
pub(crate) fn is_control(b: u8) -> bool {
    b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b) || b == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_or_not() {
        for (bytes, text) in [
            (&b"hello\r\nworld\t"[..], true),
            (b"", false),
            (b"a\0b", false),
            ("Grüße, ".as_bytes(), true),
            (b"Gr\xfc\xdfe aus K\xf6ln", true),
            (b"\x89PNG\r\n\x1a\n", false),
            (b"\xff\xfeh\0i\0", true),
            (b"\xfe\xff\0h\0i", true),
            (b"\xff\xfe\0\0", false),
            (b"\xff\xd8\xff\xe0", false),
            ("cut \u{20ac}".as_bytes().split_last().unwrap().1, true),
        ] {
            assert_eq!(is_text(bytes), text, "{bytes:?}");
        }
    }
}
