//! Objects of a pdf among text (ISO 32000-1, 7.3.10): two numbers and a word, with as much white space and as many
//! comments between them as anybody likes.

/// What may have been read, from wherever one began to read: a table of a pdf may lead a reader into the middle of
/// anything, so that each digit may be the first.
#[derive(Debug, Default)]
pub(super) struct Objects {
    may: u16,
    found: bool,
}

const FIRST: u16 = 1;
const FIRST_GAP: u16 = 1 << 1;
const FIRST_COMMENT: u16 = 1 << 2;
const SECOND: u16 = 1 << 3;
const SECOND_GAP: u16 = 1 << 4;
const SECOND_COMMENT: u16 = 1 << 5;
const O: u16 = 1 << 6;
const OB: u16 = 1 << 7;
const OBJ: u16 = 1 << 8;

impl Objects {
    /// Goes on with the next bytes.
    pub(super) fn look(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let found = self.may & OBJ != 0 && !byte.is_ascii_alphanumeric();
            self.found |= found;
            self.may = next(self.may, *byte);
        }
    }

    /// Whether there was one; the end of the text ends the word too.
    pub(super) fn any(&self) -> bool {
        self.found || self.may & OBJ != 0
    }
}

fn next(may: u16, byte: u8) -> u16 {
    let if_any = |states: u16, then: u16| if may & states != 0 { then } else { 0 };
    // A comment is a gap again behind its line.
    let on = may & (FIRST_COMMENT | SECOND_COMMENT);
    on | match byte {
        b'\n' | b'\r' => {
            if_any(FIRST | FIRST_GAP | FIRST_COMMENT, FIRST_GAP)
                | if_any(SECOND | SECOND_GAP | SECOND_COMMENT, SECOND_GAP)
        }
        b' ' | b'\t' | 0x0c | 0 => {
            if_any(FIRST | FIRST_GAP, FIRST_GAP) | if_any(SECOND | SECOND_GAP, SECOND_GAP)
        }
        b'%' => if_any(FIRST | FIRST_GAP, FIRST_COMMENT) | if_any(SECOND | SECOND_GAP, SECOND_COMMENT),
        // To some readers a sign begins a number where another ends.
        b'+' | b'-' | b'.' => FIRST | if_any(FIRST | FIRST_GAP, SECOND) | if_any(SECOND, SECOND),
        b'0'..=b'9' => FIRST | if_any(FIRST_GAP | SECOND, SECOND),
        b'o' => if_any(SECOND | SECOND_GAP, O),
        b'b' => if_any(O, OB),
        b'j' => if_any(OB, OBJ),
        _ => 0,
    }
}
