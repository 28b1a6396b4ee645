//! ID tokens: signed by RS256 or ES256, and by nothing else. RFC 7515, RFC 7517, RFC 7518.

use crate::access::session::same;
use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;

/// What clocks may differ by, in seconds.
const SLACK: i64 = 60;
/// The longest token, in bytes.
const LONGEST: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Head {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub sub: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub email_verified: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Clone, Deserialize)]
pub struct Keys {
    keys: Vec<Key>,
}

/// Of the fields only those that are needed; a key that is none of ours is passed over.
#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

impl Key {
    fn fits(&self, head: &Head) -> bool {
        let kind = match head.alg.as_str() {
            "RS256" => self.kty == "RSA",
            "ES256" => self.kty == "EC" && self.crv.as_deref() == Some("P-256"),
            _ => false,
        };
        kind && (head.kid.is_none() || self.kid == head.kid)
            && self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.alg.as_deref().is_none_or(|alg| alg == head.alg)
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        if self.kty == "RSA" {
            let key = PublicKeyComponents { n: part(&self.n)?, e: part(&self.e)? };
            return Some(key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok());
        }
        let (x, y) = (part(&self.x)?, part(&self.y)?);
        if (x.len(), y.len()) != (32, 32) {
            return None;
        }
        let point = [&[4][..], &x, &y].concat();
        Some(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok())
    }
}

fn parts(token: &str) -> Result<[&str; 3], String> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(head), Some(claims), Some(signature), None) if token.len() <= LONGEST => {
            Ok([head, claims, signature])
        }
        _ => Err("the token is no signed one".into()),
    }
}

fn read<T: for<'a> Deserialize<'a>>(part: &str) -> Result<T, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| "the token is not understood")?;
    serde_json::from_slice(&bytes).map_err(|_| "the token is not understood".into())
}

pub fn head(token: &str) -> Result<Head, String> {
    read(parts(token)?[0])
}

impl Keys {
    pub fn has(&self, head: &Head) -> bool {
        self.keys.iter().any(|key| key.fits(head))
    }

    /// The claims, if one of these keys signed them.
    pub fn verify(&self, token: &str) -> Result<Claims, String> {
        let [head_part, claims, signature] = parts(token)?;
        let head: Head = read(head_part)?;
        let message = &token.as_bytes()[..head_part.len() + 1 + claims.len()];
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the token is not understood")?;
        let mut fitting = self.keys.iter().filter(|key| key.fits(&head));
        if fitting.any(|key| key.signed(message, &signature) == Some(true)) {
            return read(claims);
        }
        Err("no key of the provider's signed the token".into())
    }
}

/// OpenID Connect Core, 3.1.3.7.
pub fn check(
    claims: &Claims,
    issuer: &str,
    client_id: &str,
    nonce: &str,
    now: Timestamp,
) -> Result<(), &'static str> {
    let now = now.as_second();
    let (ours, alone) = match &claims.aud {
        Audience::One(one) => (one == client_id, true),
        Audience::Many(many) => (many.iter().any(|one| one == client_id), many.len() == 1),
    };
    if claims.iss != issuer {
        return Err("the token is another issuer's");
    }
    if !ours || claims.azp.as_deref().map_or(!alone, |azp| azp != client_id) {
        return Err("the token is for somebody else");
    }
    if claims.exp.saturating_add(SLACK) <= now {
        return Err("the token is too old");
    }
    if claims.iat.saturating_sub(SLACK) > now {
        return Err("the token is from the future");
    }
    if !claims.nonce.as_deref().is_some_and(|said| same(said, nonce)) {
        return Err("the token answers another question");
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err("the token names nobody");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn claims(change: impl Fn(&mut Value)) -> Result<(), &'static str> {
        let mut claims = json!({
            "iss": "https://id.example", "sub": "42", "aud": "us", "exp": 1_000, "iat": 900, "nonce": "n",
        });
        change(&mut claims);
        let now = Timestamp::from_second(950).unwrap();
        check(&serde_json::from_value(claims).unwrap(), "https://id.example", "us", "n", now)
    }

    #[test]
    fn every_claim_is_held_to() {
        assert_eq!(claims(|_| {}), Ok(()));
        assert_eq!(claims(|c| c["aud"] = json!(["us"])), Ok(()));
        assert_eq!(claims(|c| (c["aud"], c["azp"]) = (json!(["us", "them"]), json!("us"))), Ok(()));
        assert_eq!(claims(|c| c["exp"] = json!(900)), Ok(()), "clocks differ");
        let wrong: [fn(&mut Value); 11] = [
            |c| c["iss"] = json!("https://id.example/"),
            |c| c["aud"] = json!("them"),
            |c| c["aud"] = json!([]),
            |c| c["aud"] = json!(["us", "them"]),
            |c| c["azp"] = json!("them"),
            |c| c["exp"] = json!(890),
            |c| c["iat"] = json!(2_000),
            |c| c["nonce"] = json!("m"),
            |c| drop(c.as_object_mut().unwrap().remove("nonce")),
            |c| c["sub"] = json!(""),
            |c| c["sub"] = json!("x".repeat(256)),
        ];
        for (n, change) in wrong.iter().enumerate() {
            assert!(claims(change).is_err(), "{n}");
        }
    }

    #[test]
    fn a_token_that_nobody_signed_is_none() {
        let keys: Keys = serde_json::from_value(json!({ "keys": [{ "kty": "oct", "k": "AAAA" },
            { "kty": "RSA", "n": "AQAB", "e": "AQAB" }] }))
        .unwrap();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let body = part(json!({ "iss": "x", "sub": "x", "aud": "us", "exp": 1, "iat": 1 }));
        for alg in ["none", "HS256", "RS256", "ES256", "RS512", ""] {
            let token = format!("{}.{body}.", part(json!({ "alg": alg })));
            assert!(keys.verify(&token).is_err(), "{alg}");
        }
        for nonsense in ["", "a.b", "a.b.c.d", "a.b.c", "...", &"x".repeat(100_000)] {
            assert!(keys.verify(nonsense).is_err() && head(nonsense).is_err());
        }
    }
}
