//! Names and bytes of a file in sentences for people: escaped, and never long.

use std::fmt::Display;

/// Longest piece of a file shown in a finding, in characters before escaping.
const LONGEST: usize = 40;

/// `text` in quotes, with everything but printable ASCII escaped, cut to a length that fits a table.
pub fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(LONGEST + 4);
    shown.push('"');
    for c in text.chars().take(LONGEST) {
        match c {
            '"' | '\\' => shown.extend(['\\', c]),
            ' '..='~' => shown.push(c),
            _ => shown.extend(c.escape_unicode()),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown.push('"');
    shown
}

/// As [`quoted`], for bytes that need not be text.
pub fn quoted_bytes(bytes: &[u8]) -> String {
    let text: String = bytes.iter().take(LONGEST + 1).map(|&b| char::from(b)).collect();
    quoted(&text)
}

/// What a reader says is wrong: it quotes the file, unescaped and at any length.
pub(crate) fn told(error: &impl Display) -> String {
    let mut shown = String::new();
    for c in error.to_string().chars().take(4 * LONGEST) {
        match c {
            ' '..='~' => shown.push(c),
            _ => shown.extend(c.escape_unicode()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_printable_ascii_gets_through() {
        assert_eq!(quoted("photo.jpg"), r#""photo.jpg""#);
        assert_eq!(quoted("a\u{202e}gpj.exe\n\"\\"), r#""a\u{202e}gpj.exe\u{a}\"\\""#);
        assert_eq!(quoted_bytes(b"\x00ok\xff"), r#""\u{0}ok\u{ff}""#);
        assert_eq!(quoted(&"x".repeat(5000)).len(), LONGEST + 5);
    }
}
