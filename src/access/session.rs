//! The secret that a browser keeps, and what is kept of it here.

use crate::ports::{Random, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt;

/// 32 random bytes, as they stand in a cookie or a link.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn mint(random: &dyn Random) -> Result<Self> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// As somebody presents it: well-formed, and not yet believed.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored, lower-case hex.
    pub fn hash(&self) -> String {
        crate::hex(&Sha256::digest(&self.0))
    }

    /// For one purpose of this session alone, from what nobody without the cookie knows: forms, views of media.
    pub fn derive(&self, purpose: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update("lazaret\0");
        hasher.update(purpose);
        hasher.update("\0");
        hasher.update(&self.0);
        URL_SAFE_NO_PAD.encode(&hasher.finalize()[..24])
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// Equal, in time that tells nothing of where they differ.
pub fn same(one: &str, other: &str) -> bool {
    let digest = |text: &str| hmac::digest::CtOutput::<Sha256>::new(Sha256::digest(text));
    digest(one) == digest(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::random::SystemRandom;

    #[test]
    fn tokens_are_their_own_and_purposes_apart() {
        let (one, two) = (Token::mint(&SystemRandom).unwrap(), Token::mint(&SystemRandom).unwrap());
        assert_ne!(one.hash(), two.hash());
        assert_ne!(one.derive("form"), one.derive("media"));
        assert_ne!(one.derive("form"), two.derive("form"));
        assert_eq!(Token::parse(one.reveal()), Some(one.clone()));
        assert!(Token::parse("").is_none() && Token::parse(&one.reveal()[1..]).is_none());
        assert_eq!(format!("{one:?}"), "Token(redacted)");
        assert!(same("a", "a") && !same("a", "b") && !same("a", ""));
    }
}
