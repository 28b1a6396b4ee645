//! Pictures that are a script too: JavaScript takes the first bytes for a name, and what is binary for a comment or a text.

/// How much of a file's head [`closed_by`] wants to see.
pub(super) const HEAD: usize = 64;

/// A comment, and the texts of JavaScript: what begins them, and what ends them.
const ENCLOSED: [(&[u8], &[u8]); 4] = [(b"/*", b"*/"), (b"\"", b"\""), (b"'", b"'"), (b"`", b"`")];

/// A script does something in no fewer bytes.
const SHORTEST: usize = 4;

/// Where the head is a name, alone or given a value, and then a comment or a text begins: what ends that.
pub(super) fn closed_by(head: &[u8]) -> Option<&'static [u8]> {
    let name = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80;
    let length = head.iter().take_while(|b| name(b)).count();
    let rest = head.get(length..).filter(|_| matches!(length, 2..=6))?;
    if rest.starts_with(b"/*") {
        return Some(b"*/");
    }
    let value = rest.strip_prefix(b"=")?;
    let value = &value[..value.iter().take_while(|b| is_plain(b)).count()];
    (0..value.len()).find_map(|at| {
        let begins = |(mark, _): &&(&[u8], &[u8])| value[at..].starts_with(mark);
        ENCLOSED.iter().find(begins).map(|(_, end)| *end)
    })
}

/// Whether plain text goes on where the comment ends. Few files have such a head, so that little is enough.
pub(super) fn follows(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    rest.len() >= SHORTEST && rest[..SHORTEST].iter().all(is_plain)
}

fn is_plain(b: &u8) -> bool {
    matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}
