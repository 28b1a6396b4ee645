//! ID tokens of sign-in by OpenID Connect, and the keys that a provider publishes: nothing passes but what was signed.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use lazaret::access::oidc::jwt::{self, Keys};
use serde_json::{Value, json};

/// The curve's own point (SEC 2, 2.4.2), whose secret is known to all: one. A key that needs no keeping.
const POINT: [&str; 2] = [
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
];

fn point() -> [Vec<u8>; 2] {
    POINT.map(|hex| {
        let digits = hex.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
    })
}

fn keys() -> Value {
    let [x, y] = point().map(|half| URL_SAFE_NO_PAD.encode(half));
    json!({ "keys": [{ "kty": "oct", "k": "AAAA" }, { "kty": "RSA", "n": "AQAB", "e": "AQAB" },
        { "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256", "x": x, "y": y }] })
}

/// What was signed: head and claims.
fn messages() -> Vec<String> {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "https://id.example", "sub": "42", "aud": ["us"], "exp": 1_000, "iat": 900, "nonce": "n" });
    [json!({ "alg": "ES256", "kid": "one" }), json!({ "alg": "ES256" })]
        .map(|head| format!("{}.{}", part(head), part(claims.clone())))
        .into()
}

fn signed(message: &str) -> Option<String> {
    let [x, y] = point();
    let mut secret = [0; 32];
    secret[31] = 1;
    let public = [&[4][..], &x, &y].concat();
    let pair =
        EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &secret, &public);
    let signature = pair.ok()?.sign(&SystemRandom::new(), message.as_bytes()).ok()?;
    Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A token; or behind a first byte of zero keys in a line, and a token.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(text) = text.strip_prefix('\0') {
        let (keys, token) = text.split_once('\n').unwrap_or((text, ""));
        if let Ok(keys) = serde_json::from_str::<Keys>(keys) {
            let _claims = keys.verify(token);
        }
        return;
    }
    let Ok(keys) = serde_json::from_value::<Keys>(keys()) else { return };
    let known = jwt::head(text).is_ok_and(|head| keys.has(&head));
    match keys.verify(text) {
        Ok(claims) => {
            let message = text.rsplit_once('.').map_or("", |(message, _)| message);
            assert!(known && messages().iter().any(|signed| signed == message), "nobody signed {message}");
            let checked = |issuer, client, nonce, at| {
                Timestamp::from_second(at).map(|at| jwt::check(&claims, issuer, client, nonce, at))
            };
            assert_eq!(checked("https://id.example", "us", "n", 950).ok(), Some(Ok(())));
            for wrong in [
                ("https://id.example", "us", "m", 950),
                ("x", "us", "n", 950),
                ("https://id.example", "us", "n", 9_000),
            ] {
                let (issuer, client, nonce, at) = wrong;
                assert!(
                    checked(issuer, client, nonce, at).is_ok_and(|checked| checked.is_err()),
                    "{wrong:?}"
                );
            }
        }
        Err(why) => assert!(crate::is_for_people(&why), "{why}"),
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let tokens: Vec<String> = messages().iter().filter_map(|message| signed(message)).collect();
    let unsigned = messages().into_iter().map(|message| format!("{message}."));
    let with_keys = tokens.iter().map(|token| format!("\0{}\n{token}", keys()));
    tokens.iter().cloned().chain(unsigned).chain(with_keys).map(String::into_bytes).collect()
}
