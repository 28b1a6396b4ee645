//! Stream keys: `lzs_<secret>`. Whoever has one may send frames to its stream and see how it stands; the store has only
//! its SHA-256.

use crate::ports::{Random, Result, streams::StreamKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::digest::CtOutput;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const PREFIX: &str = "lzs_";

/// A key for the store, and its text, to be shown once.
pub fn mint(random: &dyn Random, expires_at: Timestamp) -> Result<(StreamKey, String)> {
    let mut secret = [0; 32];
    random.fill(&mut secret)?;
    let key = StreamKey { hash: Sha256::digest(secret).into(), expires_at };
    Ok((key, format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret))))
}

/// A key as somebody presents it, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented([u8; 32]);

impl Presented {
    pub fn parse(text: &str) -> Option<Self> {
        let secret = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (secret.len() == 32).then(|| Self(Sha256::digest(secret).into()))
    }

    /// In constant time, and not after its end.
    pub fn opens(&self, key: &StreamKey, now: Timestamp) -> bool {
        CtOutput::<Sha256>::new(self.0.into()) == CtOutput::new(key.hash.into()) && now < key.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::random::SystemRandom;

    #[test]
    fn a_key_opens_its_own_stream_until_it_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (key, text) = mint(&SystemRandom, at(10)).unwrap();
        let (other, _) = mint(&SystemRandom, at(10)).unwrap();
        let presented = Presented::parse(&text).unwrap();
        assert!(presented.opens(&key, at(9)));
        assert!(!presented.opens(&key, at(10)) && !presented.opens(&other, at(9)));
        for bad in ["", "lzs_", "lz_abc", &text[4..], &format!("{text}A"), &text.to_uppercase()] {
            assert_eq!(Presented::parse(bad), None, "{bad}");
        }
    }
}
