//! Segments that are encrypted (RFC 8216, 4.3.2.4): AES-128 in CBC, each by itself.

use crate::streams::pull::trouble::Trouble;
use aws_lc_rs::cipher::{AES_128, DecryptionContext, StreamingDecryptingKey, UnboundCipherKey};
use bytes::Bytes;

pub const KEY: usize = 16;
/// The cipher works on so many bytes at a time, and holds back as many.
const BLOCK: usize = 16;

/// Opens one segment, as it comes.
pub struct Opener(StreamingDecryptingKey);

impl Opener {
    pub fn new(key: &[u8; KEY], begin: [u8; BLOCK]) -> Result<Self, Trouble> {
        let key = UnboundCipherKey::new(&AES_128, key).map_err(|_| wrong())?;
        let begin = DecryptionContext::Iv128((&begin).into());
        Ok(Self(StreamingDecryptingKey::cbc_pkcs7(key, begin).map_err(|_| wrong())?))
    }

    pub fn open(&mut self, bytes: &[u8]) -> Result<Bytes, Trouble> {
        let mut out = vec![0; bytes.len() + BLOCK];
        let written = self.0.update(bytes, &mut out).map_err(|_| wrong())?.written().len();
        out.truncate(written);
        Ok(out.into())
    }

    /// What was held back, without the filling at the end.
    pub fn finish(self) -> Result<Bytes, Trouble> {
        let mut out = vec![0; BLOCK];
        let written = self.0.finish(&mut out).map_err(|_| wrong())?.written().len();
        out.truncate(written);
        Ok(out.into())
    }
}

fn wrong() -> Trouble {
    Trouble::new("source.encrypted", "a segment that its key does not open")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::cipher::{EncryptionContext, PaddedBlockEncryptingKey};

    #[test]
    fn what_was_locked_opens_in_any_steps_and_nothing_else_does() {
        let (key, begin, plain) = ([3; 16], [9; 16], (0..=255).collect::<Vec<u8>>());
        let locking =
            PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, &key).unwrap()).unwrap();
        let mut locked = plain.clone();
        locking.less_safe_encrypt(&mut locked, EncryptionContext::Iv128((&begin).into())).unwrap();
        let open = |key, step: usize, bytes: &[u8]| {
            let (mut opener, mut all) = (Opener::new(&key, begin)?, Vec::new());
            for piece in bytes.chunks(step) {
                all.extend(opener.open(piece)?);
            }
            all.extend(opener.finish()?);
            Ok::<_, Trouble>(all)
        };
        for step in [1, 15, 16, 17, 1000] {
            assert_eq!(open(key, step, &locked).unwrap(), plain, "{step}");
        }
        assert_eq!(open(key, 99, &locked[..100]).unwrap_err().code, "source.encrypted");
        assert_ne!(open([4; 16], 99, &locked).unwrap_or_default(), plain);
    }
}
