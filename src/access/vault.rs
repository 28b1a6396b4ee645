//! Secrets at rest, of second factors and of streams' sources: sealed with AES-256-GCM under a key that is not in the
//! database, each for its owner alone, so that who reads or changes the database can neither make codes nor give one person
//! another's secret.

use crate::ports::{Kind, PortError, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt;

/// `sealed.1.<key id>.<nonce, ciphertext and tag in base64url>`
const FORM: &str = "sealed.1.";

pub struct Vault {
    key: RandomizedNonceKey,
    /// Tells keys apart, and nothing of them.
    id: String,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Vault {
    pub fn new(key: &[u8; 32]) -> Result<Self> {
        let mut hasher = Sha256::new();
        hasher.update("lazaret vault id\0");
        hasher.update(key);
        let id = crate::hex(&hasher.finalize()[..4]);
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)
            .map_err(|e| PortError::new(Kind::Fail, "console.key cannot be used").because(e))?;
        Ok(Self { key, id })
    }

    pub fn seal(&self, owner: &str, secret: &str) -> Result<String> {
        let mut bytes = secret.as_bytes().to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(owner.as_bytes()), &mut bytes)
            .map_err(|e| PortError::new(Kind::Fail, "a secret cannot be sealed").because(e))?;
        let whole = [&nonce.as_ref()[..], &bytes].concat();
        Ok(format!("{FORM}{}.{}", self.id, URL_SAFE_NO_PAD.encode(whole)))
    }

    /// The secret of this owner. One from before there was a key comes as it is.
    pub fn open(&self, owner: &str, stored: &str) -> Result<String> {
        if !is_sealed(stored) {
            return Ok(stored.to_owned());
        }
        let fail = |why: &str| PortError::new(Kind::Fail, format!("a sealed secret cannot be opened: {why}"));
        let (id, text) = stored[FORM.len()..].split_once('.').ok_or_else(|| fail("it is damaged"))?;
        if id != self.id {
            return Err(fail(
                "it was sealed under another key; set console.key to that one, or reset the account (open the stream anew)",
            ));
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| fail("it is damaged"))?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(|| fail("it is damaged"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| fail("it is damaged"))?;
        let opened = self
            .key
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
}
