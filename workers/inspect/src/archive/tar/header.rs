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
    /// Takes pax records. False where they cannot be read for sure, or tell a thing twice.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> bool {
        let Some(records) = records(bytes) else { return false };
        let times = |key: &[u8]| records.iter().filter(|(other, _)| *other == key).count();
        if times(b"path") > 1 || times(b"size") > 1 {
            return false;
        }
        for (key, value) in records {
            match key {
                b"path" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
                b"size" => match whole(value) {
                    Some(size) => self.size = Some(size),
                    // Some readers see a number in it all the same.
                    None => return false,
                },
                b"SCHILY.realsize" | b"SCHILY.filetype" => self.sparse = true,
                _ if key.starts_with(b"GNU.sparse") => self.sparse = true,
                _ => {}
            }
        }
        true
    }
}

/// Keys and values of `"LENGTH key=value\n"`, one behind the other to the end; `None` where that is not what stands there.
pub(super) fn records(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = rest.iter().take(20).position(|b| *b == b' ')?;
        let length = usize::try_from(whole(&rest[..space])?).ok()?;
        let record = rest.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|b| *b == b'=')?;
        found.push((&record[..equals], &record[equals + 1..]));
        rest = &rest[length..];
    }
    Some(found)
}

/// Digits and nothing else.
fn whole(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok()
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
        assert!(told.extend(b"12 path=a/b\n11 size=42\n"));
        assert_eq!((told.name.as_deref(), told.size, told.sparse), (Some("a/b"), Some(42), false));
        assert!(told.extend(b"22 GNU.sparse.major=1\n"));
        assert!(told.sparse);
        // Lengths that lie, numbers that are read differently, and what is told twice.
        for lie in [
            &b"999999999999999999999 path=x\n"[..],
            b"3 path=x\n",
            b"10 path=x\n\0",
            b"14 size=8_704\n",
            b"12 size=+42\n",
            b"11 size= 4\n",
            b"10 path=x\n10 path=y\n",
        ] {
            assert!(!Told::default().extend(lie), "{}", String::from_utf8_lossy(lie));
        }
        assert_eq!(told.name.as_deref(), Some("a/b"));
    }
}
