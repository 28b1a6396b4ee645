//! The 512 bytes before a member, and the extended headers before them.

/// What a header says. `kind` is POSIX's `typeflag`.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) kind: u8,
}

/// What extended headers (pax `x`, GNU `L`) say of the next member.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) name: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) sparse: bool,
}

impl Header {
    /// `None` where the checksum is wrong: no reader takes that for a header.
    pub(super) fn read(block: &[u8; 512]) -> Option<Self> {
        let told = octal(&block[148..156])?;
        let sum = |sign: fn(u8) -> i64| -> i64 {
            block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { sign(*b) }).sum()
        };
        // Old writers summed signed bytes.
        let sums = [sum(i64::from), sum(|b| i64::from(b.cast_signed()))];
        if !sums.contains(&i64::try_from(told).ok()?) {
            return None;
        }
        let mut name = text(&block[..100]);
        // The prefix is POSIX's; GNU keeps times in its place.
        if &block[257..263] == b"ustar\0" && block[345] != 0 {
            name = format!("{}/{name}", text(&block[345..500]));
        }
        Some(Self { name, size: octal(&block[124..136])?, kind: block[156] })
    }
}

impl Told {
    /// Takes pax records: `"LENGTH key=value\n"`.
    pub(super) fn extend(&mut self, records: &[u8]) {
        let mut rest = records;
        while let Some(space) = rest.iter().position(|b| *b == b' ') {
            let length = std::str::from_utf8(&rest[..space]).ok().and_then(|l| l.parse::<usize>().ok());
            let Some(record) = length.and_then(|length| rest.get(space + 1..length)) else { return };
            rest = &rest[space + 1 + record.len()..];
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let Some(equals) = record.iter().position(|b| *b == b'=') else { continue };
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
                b"size" => self.size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok()),
                _ if key.starts_with(b"GNU.sparse") => self.sparse = true,
                _ => {}
            }
        }
    }
}

/// Up to the first zero.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Octal digits between spaces and zeros, or with the highest bit set a binary number (GNU).
fn octal(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        // Any other first byte is a negative number, or one beyond all sizes.
        let (first, rest) = field.split_first()?;
        let wider = |value: u64, byte: &u8| value.checked_mul(256)?.checked_add(u64::from(*byte));
        return (*first == 0x80).then(|| rest.iter().try_fold(0, wider)).flatten();
    }
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(octal(b"0000017\0"), Some(15));
        assert_eq!(octal(b"     17 "), Some(15));
        assert_eq!(octal(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(octal(b"\x80\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(octal(b"\x80\0\x01\0\0\0\0\0\0\0\0\0"), None, "beyond 64 bits");
        assert_eq!(octal(b"\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(octal(b"9zz\0\0\0\0\0"), None);
    }

    #[test]
    fn extended_headers() {
        let mut told = Told::default();
        told.extend(b"12 path=a/b\n11 size=42\n");
        assert_eq!((told.name.as_deref(), told.size, told.sparse), (Some("a/b"), Some(42), false));
        told.extend(b"22 GNU.sparse.major=1\n");
        assert!(told.sparse);
        // Lengths that lie end it.
        told.extend(b"999999999999999999999 path=x\n");
        told.extend(b"3 path=x\n");
        assert_eq!(told.name.as_deref(), Some("a/b"));
    }
}
