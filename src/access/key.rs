//! API keys: `lz_<id>_<secret>`. The id is public; of the secret only the SHA-256 is kept.

use super::Scopes;
use crate::{
    ports::{Clock, Random, Result, store::ApiKey},
    upload::TenantId,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::digest::CtOutput;
use sha2::{Digest, Sha256};
use std::fmt;

const PREFIX: &str = "lz_";
/// Letters and digits that are hard to mix up; 32 of them, so that a byte's low five bits choose one without bias.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const ID_CHARS: usize = 12;

/// A key's whole text. It is shown once, when the key is made, and never again.
pub struct Secret(String);

impl Secret {
    /// The text to give to the tenant.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Makes a key, to be added to the store, and its secret, to be shown once.
pub fn mint_key(
    random: &dyn Random,
    clock: &dyn Clock,
    tenant: TenantId,
    scopes: &Scopes,
) -> Result<(ApiKey, Secret)> {
    let (mut id, mut secret) = ([0; ID_CHARS], [0; 32]);
    random.fill(&mut id)?;
    random.fill(&mut secret)?;
    let id: String = id.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    let text = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
    let key = ApiKey {
        id,
        tenant,
        hash: Sha256::digest(secret).into(),
        scopes: scopes.to_string(),
        created_at: clock.now(),
        revoked_at: None,
    };
    Ok((key, Secret(text)))
}

/// A key as somebody presents it: well-formed, and not yet believed.
pub struct Presented {
    pub id: String,
    hash: [u8; 32],
}

impl Presented {
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_at_checked(ID_CHARS)?;
        let secret = URL_SAFE_NO_PAD.decode(secret.strip_prefix('_')?).ok()?;
        let well_formed = secret.len() == 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        well_formed.then(|| Self { id: id.to_owned(), hash: Sha256::digest(secret).into() })
    }

    /// In constant time.
    pub fn matches(&self, stored: &[u8; 32]) -> bool {
        CtOutput::<Sha256>::new(self.hash.into()) == CtOutput::new((*stored).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{clock::SystemClock, random::SystemRandom};

    fn minted() -> (ApiKey, Secret) {
        mint_key(&SystemRandom, &SystemClock, "acme".parse().unwrap(), &Scopes::all()).unwrap()
    }

    #[test]
    fn a_key_matches_its_own_secret_only_and_its_debug_tells_nothing() {
        let ((key, secret), (other, _)) = (minted(), minted());
        let presented = Presented::parse(secret.reveal()).unwrap();
        assert_eq!(presented.id, key.id);
        assert!(presented.matches(&key.hash));
        assert!(!presented.matches(&other.hash) && !presented.matches(&[0; 32]));
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        assert_eq!(secret.reveal().len(), 3 + 12 + 1 + 43);
    }

    #[test]
    fn only_the_exact_form_is_a_key() {
        let (_, secret) = minted();
        let text = secret.reveal();
        let bad = [
            String::new(),
            "lz_".into(),
            text.to_uppercase(),
            format!("{text}="),
            format!(" {text}"),
            text[..text.len() - 1].to_owned(),
            text.replacen('_', "-", 1),
            format!("lz_é{}", &text[4..]),
        ];
        for text in bad {
            assert!(Presented::parse(&text).is_none(), "{text}");
        }
    }
}
