//! `{public_url}/f/{upload}/{rendition}?exp=<unix seconds>&kid=<key id>&sig=<base64url HMAC-SHA256>`.
//!
//! The signature is over a version, the class of the method (HEAD counts as GET) and the exact bytes of the request
//! target that precede the final `&sig=`. It is verified before anything else is parsed, so that a target is either
//! the very one that was made, or refused.

use crate::upload::{UploadId, rendition::RenditionName};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use std::{collections::BTreeMap, fmt};

const CONTEXT: &[u8] = b"lazaret-url-v1\nGET\n";
const SIG: &[u8] = b"&sig=";
const KID: &[u8] = b"&kid=";

/// The keys by id: any of them verifies, the current one signs. Rotate by adding a new one, making it current, and
/// taking the old one out once its last URL has expired.
pub struct Signer {
    public_url: String,
    keys: BTreeMap<String, Hmac<Sha256>>,
    current: String,
    /// Stands in where a key id is unknown, so that it costs the same.
    nobody: Hmac<Sha256>,
}

#[derive(Debug, thiserror::Error)]
pub enum BadKeys {
    #[error("a delivery key's id is 1 to 32 of a-z, A-Z, 0-9, '_' and '-'; got {0:?}")]
    Id(String),
    #[error("the current delivery key {0:?} is not among the keys; add it, or choose another")]
    NoCurrent(String),
}

/// What a good URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub upload: UploadId,
    pub rendition: RenditionName,
    pub expires: Timestamp,
}

impl Signer {
    /// `public_url` is what viewers reach this service by, without a path of its own that a proxy would not strip.
    pub fn new(public_url: &str, keys: &BTreeMap<String, [u8; 32]>, current: &str) -> Result<Self, BadKeys> {
        let legal = |id: &str| {
            (1..=32).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        if let Some(id) = keys.keys().find(|id| !legal(id)) {
            return Err(BadKeys::Id(id.clone()));
        }
        if !keys.contains_key(current) {
            return Err(BadKeys::NoCurrent(current.to_owned()));
        }
        let keyed = |secret: &[u8; 32]| {
            // A key that is shorter than a block is padded with zeros (RFC 2104).
            let mut block = [0; 64];
            block[..32].copy_from_slice(secret);
            Hmac::<Sha256>::new(&block.into()).chain_update(CONTEXT)
        };
        Ok(Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            keys: keys.iter().map(|(id, secret)| (id.clone(), keyed(secret))).collect(),
            current: current.to_owned(),
            nobody: keyed(&[0; 32]),
        })
    }

    /// The URL of one rendition until `expires`, which counts in whole seconds.
    pub fn mint(&self, upload: UploadId, rendition: RenditionName, expires: Timestamp) -> String {
        let signed = spelled(upload, rendition, expires, &self.current);
        // `new` has made sure of the current key.
        let key = self.keys.get(&self.current).unwrap_or(&self.nobody).clone();
        let signature = key.chain_update(signed.as_bytes()).finalize().into_bytes();
        format!("{}{signed}&sig={}", self.public_url, URL_SAFE_NO_PAD.encode(signature))
    }

    /// What this request target names, if it was made here with a known key and has not expired at `now`. `None` says
    /// nothing more.
    pub fn verify(&self, target: &[u8], now: Timestamp) -> Option<Target> {
        let end = memchr::memmem::rfind(target, SIG).unwrap_or(target.len());
        let (signed, tail) = target.split_at(end);
        let mut signature = [0; 32];
        let written = URL_SAFE_NO_PAD.decode_slice(tail.get(SIG.len()..).unwrap_or_default(), &mut signature);
        let key = key_id(signed).and_then(|id| self.keys.get(id));
        let mac = key.unwrap_or(&self.nobody).clone().chain_update(signed);
        let good = mac.verify_slice(&signature).is_ok();
        if !good || key.is_none() || written != Ok(signature.len()) {
            return None;
        }
        let target = parse(std::str::from_utf8(signed).ok()?)?;
        (now < target.expires).then_some(target)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.keys().collect();
        f.debug_struct("Signer").field("keys", &ids).field("current", &self.current).finish_non_exhaustive()
    }
}

/// The first key id, by bytes alone: nothing is decoded before it is believed.
fn key_id(signed: &[u8]) -> Option<&str> {
    let rest = &signed[memchr::memmem::find(signed, KID)? + KID.len()..];
    let end = memchr::memchr(b'&', rest).unwrap_or(rest.len());
    std::str::from_utf8(&rest[..end]).ok()
}

/// Takes a believed target apart, in the one order and spelling in which it is made.
fn parse(signed: &str) -> Option<Target> {
    let (path, query) = signed.strip_prefix("/f/")?.split_once('?')?;
    let (upload, rendition) = path.split_once('/')?;
    let (seconds, kid) = query.strip_prefix("exp=")?.split_once("&kid=")?;
    let expires = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    let target = Target { upload: upload.parse().ok()?, rendition: rendition.parse().ok()?, expires };
    if kid.contains('&') {
        return None;
    }
    (spelled(target.upload, target.rendition, expires, kid) == signed).then_some(target)
}

/// What is signed, up to the signature.
fn spelled(upload: UploadId, rendition: RenditionName, expires: Timestamp, kid: &str) -> String {
    format!("/f/{upload}/{rendition}?exp={}&kid={kid}", expires.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn signer(current: &str) -> Signer {
        let keys = BTreeMap::from([("old".to_owned(), [1; 32]), ("new".to_owned(), [2; 32])]);
        Signer::new("http://files.test/", &keys, current).unwrap()
    }

    fn id() -> UploadId {
        UploadId::new(at(1_790_000_000), &[9; 10])
    }

    #[test]
    fn the_written_form() {
        let url = signer("old").mint(id(), RenditionName::Thumbnail, at(1_800_000_000));
        insta::assert_snapshot!(url);
    }

    #[test]
    fn every_known_key_verifies_until_the_second_of_expiry() {
        for kid in ["old", "new"] {
            let url = signer(kid).mint(id(), RenditionName::Original, at(100));
            let target = url.strip_prefix("http://files.test").unwrap().as_bytes();
            let verify = |now| signer("new").verify(target, now).map(|t| (t.upload, t.rendition));
            assert_eq!(verify(at(99)), Some((id(), RenditionName::Original)));
            assert_eq!(verify(at(100)), None);
        }
    }

    #[test]
    fn a_key_taken_out_verifies_nothing_and_the_stand_in_is_no_key() {
        let only =
            |id: &str, secret| Signer::new("", &BTreeMap::from([(id.to_owned(), secret)]), id).unwrap();
        let now = at(0);
        let url = only("old", [1; 32]).mint(id(), RenditionName::Original, at(100));
        assert!(only("old", [1; 32]).verify(url.as_bytes(), now).is_some());
        assert!(only("new", [1; 32]).verify(url.as_bytes(), now).is_none());
        assert!(only("old", [3; 32]).verify(url.as_bytes(), now).is_none());
        let zero = only("zero", [0; 32]).mint(id(), RenditionName::Original, at(100));
        assert!(only("old", [1; 32]).verify(zero.as_bytes(), now).is_none());
    }

    /// Found by fuzzing: numbers have more than one spelling, and so have ids.
    #[test]
    fn a_target_is_believed_in_the_one_spelling_in_which_it_is_made() {
        let signer = signer("new");
        let url = signer.mint(id(), RenditionName::Original, at(100));
        let (made, _) = url.strip_prefix("http://files.test").unwrap().split_once("&sig=").unwrap();
        let verify = |signed: &str| {
            let mac = signer.keys["new"].clone().chain_update(signed).finalize().into_bytes();
            signer.verify(format!("{signed}&sig={}", URL_SAFE_NO_PAD.encode(mac)).as_bytes(), at(0)).is_some()
        };
        assert!(verify(made));
        let other_id = made.replace(&id().to_string(), &id().to_string().to_uppercase());
        for other in [made.replace("exp=", "exp=+"), made.replace("exp=", "exp=0"), other_id] {
            assert!(other != made && !verify(&other), "{other}");
        }
    }

    #[test]
    fn keys_are_named_safely_and_stay_out_of_debug() {
        let new =
            |id: &str, current: &str| Signer::new("", &BTreeMap::from([(id.to_owned(), [7; 32])]), current);
        assert!(matches!(new("a&b", "a&b"), Err(BadKeys::Id(_))));
        assert!(matches!(new("", ""), Err(BadKeys::Id(_))));
        assert!(matches!(new("a", "b"), Err(BadKeys::NoCurrent(_))));
        assert_eq!(format!("{:?}", new("a", "a").unwrap()), r#"Signer { keys: ["a"], current: "a", .. }"#);
    }

    proptest::proptest! {
        #[test]
        fn no_target_panics_and_none_but_ours_is_good(target: Vec<u8>) {
            proptest::prop_assert!(signer("new").verify(&target, at(0)).is_none());
        }

        #[test]
        fn any_changed_byte_is_refused(place: proptest::sample::Index, byte: u8) {
            let url = signer("new").mint(id(), RenditionName::Original, at(100));
            let mut target = url.strip_prefix("http://files.test").unwrap().as_bytes().to_vec();
            let place = place.index(target.len());
            let same = target[place] == byte;
            target[place] = byte;
            proptest::prop_assert_eq!(signer("new").verify(&target, at(0)).is_some(), same);
        }
    }
}
