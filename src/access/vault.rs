//! Secrets at rest, of second factors and of streams' sources: sealed with AES-256-GCM under a key that is not in the
//! database, each for its owner alone, so that who reads or changes the database can neither make codes nor give one person
//! another's secret. Keys are rotated: what was sealed under one of before opens still, and is sealed under the one of now
//! when it is used.

use crate::ports::{Kind, PortError, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt;

/// `sealed.1.<key id>.<nonce, ciphertext and tag in base64url>`
const FORM: &str = "sealed.1.";

pub struct Vault {
    key: Key,
    /// Nothing is sealed under these any more.
    previous: Vec<Key>,
}

struct Key {
    key: RandomizedNonceKey,
    /// Tells keys apart, and nothing of them.
    id: String,
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Result<Self> {
        let mut hasher = Sha256::new();
        hasher.update("lazaret vault id\0");
        hasher.update(bytes);
        let id = crate::hex(&hasher.finalize()[..4]);
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes)
            .map_err(|e| PortError::new(Kind::Fail, "console.key cannot be used").because(e))?;
        Ok(Self { key, id })
    }
}

/// Under what a stored secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// Under nothing: it is from before there was a key.
    Not,
    Now,
    Before,
    /// Under a key that is not here.
    Elsewhere,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("id", &self.key.id).finish_non_exhaustive()
    }
}

impl Vault {
    pub fn new(key: &[u8; 32]) -> Result<Self> {
        Ok(Self { key: Key::new(key)?, previous: Vec::new() })
    }

    /// What was sealed under these is opened as well.
    pub fn with_previous<'a>(self, keys: impl IntoIterator<Item = &'a [u8; 32]>) -> Result<Self> {
        let previous = keys.into_iter().map(Key::new).collect::<Result<_>>()?;
        Ok(Self { previous, ..self })
    }

    pub fn seal(&self, owner: &str, secret: &str) -> Result<String> {
        let mut bytes = secret.as_bytes().to_vec();
        let Key { key, id } = &self.key;
        let nonce = key
            .seal_in_place_append_tag(Aad::from(owner.as_bytes()), &mut bytes)
            .map_err(|e| PortError::new(Kind::Fail, "a secret cannot be sealed").because(e))?;
        let whole = [&nonce.as_ref()[..], &bytes].concat();
        Ok(format!("{FORM}{id}.{}", URL_SAFE_NO_PAD.encode(whole)))
    }

    pub fn sealed(&self, stored: &str) -> Sealed {
        let under = stored.strip_prefix(FORM).map(|rest| rest.split('.').next().unwrap_or_default());
        match under {
            None => Sealed::Not,
            Some(id) if id == self.key.id => Sealed::Now,
            Some(id) if self.previous.iter().any(|key| key.id == id) => Sealed::Before,
            Some(_) => Sealed::Elsewhere,
        }
    }

    /// The same secret under the key of now; `None` where it is so already.
    pub fn reseal(&self, owner: &str, stored: &str) -> Result<Option<String>> {
        match self.sealed(stored) {
            Sealed::Now => Ok(None),
            _ => self.seal(owner, &self.open(owner, stored)?).map(Some),
        }
    }

    /// The secret of this owner. One from before there was a key comes as it is.
    pub fn open(&self, owner: &str, stored: &str) -> Result<String> {
        if !is_sealed(stored) {
            return Ok(stored.to_owned());
        }
        let fail = |why: &str| PortError::new(Kind::Fail, format!("a sealed secret cannot be opened: {why}"));
        let (id, text) = stored[FORM.len()..].split_once('.').ok_or_else(|| fail("it is damaged"))?;
        let Some(Key { key, .. }) = [&self.key].into_iter().chain(&self.previous).find(|key| key.id == id)
        else {
            return Err(fail(
                "it was sealed under another key; name that one in console.previous_keys, or reset the account (open the \
                 stream anew)",
            ));
        };
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| fail("it is damaged"))?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(|| fail("it is damaged"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| fail("it is damaged"))?;
        let opened = key
            .open_in_place(nonce, Aad::from(owner.as_bytes()), sealed)
            .map_err(|_| fail("it is damaged, or another's"))?;
        String::from_utf8(opened.to_vec()).map_err(|_| fail("it is damaged"))
    }
}

pub fn is_sealed(stored: &str) -> bool {
    stored.starts_with(FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "3132333435363738393031323334353637383930";

    #[test]
    fn a_secret_opens_for_its_person_under_its_key_alone() {
        let (vault, other) = (Vault::new(&[7; 32]).unwrap(), Vault::new(&[8; 32]).unwrap());
        let sealed = vault.seal("ann", SECRET).unwrap();
        assert!(is_sealed(&sealed) && !sealed.contains(SECRET));
        assert_ne!(vault.seal("ann", SECRET).unwrap(), sealed, "no two are alike");
        assert_eq!(vault.open("ann", &sealed).unwrap(), SECRET);
        assert!(vault.open("bob", &sealed).is_err());
        assert!(other.open("ann", &sealed).unwrap_err().to_string().contains("another key"));
        assert_eq!(vault.open("ann", SECRET).unwrap(), SECRET, "from before");
        for n in FORM.len() + 9..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[n] = if bytes[n] == b'A' { b'B' } else { b'A' };
            assert!(vault.open("ann", &String::from_utf8(bytes).unwrap()).is_err(), "byte {n}");
        }
        for damaged in ["sealed.1.", "sealed.1.x", "sealed.1.00000000.", "sealed.1.00000000.AAAA"] {
            assert!(vault.open("ann", damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn what_a_previous_key_sealed_is_opened_and_sealed_anew() {
        let old = Vault::new(&[7; 32]).unwrap().seal("ann", SECRET).unwrap();
        let strangers = Vault::new(&[9; 32]).unwrap().seal("ann", SECRET).unwrap();
        let vault = Vault::new(&[8; 32]).unwrap().with_previous([&[7; 32]]).unwrap();
        assert_eq!(vault.open("ann", &old).unwrap(), SECRET);
        assert!(vault.open("bob", &old).is_err() && vault.open("ann", &strangers).is_err());
        let new = vault.reseal("ann", &old).unwrap().expect("it is under the key of before");
        let all = [SECRET, &new, &old, &strangers].map(|stored| vault.sealed(stored));
        assert_eq!(all, [Sealed::Not, Sealed::Now, Sealed::Before, Sealed::Elsewhere]);
        assert_eq!(vault.reseal("ann", &new).unwrap(), None);
        assert!(vault.reseal("ann", &strangers).is_err());
        // The key of before is not needed for it any more.
        assert_eq!(Vault::new(&[8; 32]).unwrap().open("ann", &new).unwrap(), SECRET);
        assert!(Vault::new(&[7; 32]).unwrap().open("ann", &new).is_err());
    }
}
