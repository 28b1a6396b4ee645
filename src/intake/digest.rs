//! `Content-Digest` (RFC 9530): a dictionary of byte sequences (RFC 8941), such as `sha-256=:<base64>:`. Algorithms
//! that are not known here are passed over, as the RFC asks.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256, Sha512};

/// What the sender says of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    sha256: Option<[u8; 32]>,
    sha512: Option<[u8; 64]>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

impl Expected {
    /// `header` is all Content-Digest lines, joined by commas. Of a name that comes twice the last one counts.
    pub fn parse(header: &str) -> Result<Self, Malformed> {
        let mut expected = Self::default();
        for member in header.split(',').map(|member| member.trim_matches([' ', '\t'])) {
            let (name, value) = member.split_once('=').ok_or(Malformed)?;
            let legal = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
            let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
            if !begins || !name.bytes().all(legal) {
                return Err(Malformed);
            }
            let (value, _parameters) = value.split_once(';').unwrap_or((value, ""));
            let base64 = value.strip_prefix(':').and_then(|v| v.strip_suffix(':')).ok_or(Malformed)?;
            let bytes = STANDARD.decode(base64).map_err(|_| Malformed)?;
            match name {
                "sha-256" => expected.sha256 = Some(bytes.try_into().map_err(|_| Malformed)?),
                "sha-512" => expected.sha512 = Some(bytes.try_into().map_err(|_| Malformed)?),
                _ => {}
            }
        }
        Ok(expected)
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Hashes as needed to compare with this; SHA-256 always.
    pub fn sums(&self) -> Sums {
        Sums { sha256: Sha256::new(), sha512: self.sha512.map(|_| Sha512::new()) }
    }

    pub fn agrees(&self, got: &Hashes) -> bool {
        self.sha256.is_none_or(|sum| sum == got.sha256)
            && self.sha512.is_none_or(|sum| Some(sum) == got.sha512)
    }
}

/// Hashes in the making.
#[derive(Clone)]
pub struct Sums {
    sha256: Sha256,
    sha512: Option<Sha512>,
}

impl Sums {
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
    }

    pub fn finish(self) -> Hashes {
        Hashes { sha256: self.sha256.finalize().into(), sha512: self.sha512.map(|sum| sum.finalize().into()) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    pub sha256: [u8; 32],
    /// Only where it was asked for.
    pub sha512: Option<[u8; 64]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(bytes: &[u8]) -> (String, String) {
        (STANDARD.encode(Sha256::digest(bytes)), STANDARD.encode(Sha512::digest(bytes)))
    }

    #[test]
    fn what_is_understood_and_what_is_not() {
        let (short, long) = hashes(b"hello");
        let (wrong, wrong_long) = hashes(b"other");
        let agree = |header: &str| {
            let expected = Expected::parse(header)?;
            let mut sums = expected.sums();
            sums.update(b"hel");
            sums.update(b"lo");
            Ok(expected.agrees(&sums.finish()))
        };
        let cases = [
            (format!("sha-256=:{short}:"), Ok(true)),
            (format!("sha-256=:{wrong}:"), Ok(false)),
            (format!("sha-512=:{long}:"), Ok(true)),
            (format!("sha-512=:{wrong_long}:"), Ok(false)),
            (format!("sha-256=:{short}:, sha-512=:{wrong_long}:"), Ok(false)),
            (format!("sha-256=:{wrong}:,\tsha-256=:{short}:"), Ok(true)),
            (format!("sha-256=:{short}:;x=1"), Ok(true)),
            ("md5=:AAAA:".into(), Ok(true)),
            (format!("md5=:AAAA:, sha-256=:{wrong}:"), Ok(false)),
            (format!("sha-256={short}"), Err(Malformed)),
            (format!("SHA-256=:{short}:"), Err(Malformed)),
            (format!("sha-512=:{short}:"), Err(Malformed)),
            ("sha-256=:AA:".into(), Err(Malformed)),
            ("sha-256".into(), Err(Malformed)),
            (format!("sha-256=:{short}:,"), Err(Malformed)),
            (String::new(), Err(Malformed)),
        ];
        for (header, result) in cases {
            assert_eq!(agree(&header), result, "{header}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(header in ".{0,200}") {
            let _ = Expected::parse(&header);
        }
    }
}
