//! Codes that change every half minute (RFC 6238, with SHA-1 and six digits, as every authenticator knows them), and
//! backup codes for who lost theirs.

use super::password::unhex;
use crate::ports::{Random, Result};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;
use sha2::{Digest, Sha256};

const STEP_SECONDS: i64 = 30;
/// Steps to either side that a phone's clock may be off by.
const SLACK: i64 = 1;
pub const BACKUP_CODES: usize = 10;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new shared secret, as lower-case hex: 20 bytes, as RFC 4226 recommends.
pub fn new_secret(random: &dyn Random) -> Result<String> {
    let mut secret = [0; 20];
    random.fill(&mut secret)?;
    Ok(crate::hex(&secret))
}

/// The secret as people type it: base32 (RFC 4648) without padding.
pub fn base32(secret: &str) -> String {
    let bytes = unhex(secret).unwrap_or_default();
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut five = [0; 8];
        five[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(five);
        let characters = (chunk.len() * 8).div_ceil(5);
        text.extend((0..characters).map(|n| char::from(ALPHABET[(bits >> (35 - 5 * n) & 31) as usize])));
    }
    text
}

/// For a QR code.
pub fn uri(secret: &str, email: &str) -> String {
    let label: String = url::form_urlencoded::byte_serialize(email.as_bytes()).collect();
    format!("otpauth://totp/Lazaret:{label}?secret={}&issuer=Lazaret", base32(secret))
}

/// The time step whose code this is, if it is a later one than `after`: each code is good once.
pub fn step_of(secret: &str, code: &str, now: Timestamp, after: i64) -> Option<i64> {
    let code = code.replace([' ', '-'], "");
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let current = now.as_second().div_euclid(STEP_SECONDS);
    let near = current - SLACK..=current + SLACK;
    // All are compared, whichever fits.
    near.filter(|step| code_at(secret, *step).is_some_and(|right| right == code)).find(|step| *step > after)
}

/// The code of this moment, for tests and for whoever has lost the clock.
pub fn code_now(secret: &str, now: Timestamp) -> Option<String> {
    code_at(secret, now.as_second().div_euclid(STEP_SECONDS))
}

/// RFC 4226, 5.3.
fn code_at(secret: &str, step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(&unhex(secret)?).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 15);
    let word = u32::from_be_bytes(digest[offset..offset + 4].try_into().ok()?) & 0x7fff_ffff;
    Some(format!("{:06}", word % 1_000_000))
}

/// Ten codes to be shown once, and what is kept of them.
pub fn backup_codes(random: &dyn Random) -> Result<(Vec<String>, Vec<String>)> {
    let mut shown = Vec::with_capacity(BACKUP_CODES);
    for _ in 0..BACKUP_CODES {
        let mut bytes = [0; 10];
        random.fill(&mut bytes)?;
        let text: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
        shown.push(format!("{}-{}", &text[..5], &text[5..]));
    }
    let kept = shown.iter().map(|code| backup_hash(code)).collect();
    Ok((shown, kept))
}

/// 50 random bits need no slow hash.
pub fn backup_hash(code: &str) -> String {
    let bare: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    crate::hex(&Sha256::digest(bare.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `12345678901234567890`, as in RFC 6238, appendix B.
    const SECRET: &str = "3132333435363738393031323334353637383930";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The RFC's have eight digits; these are the last six.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(code_now(SECRET, at(seconds)).unwrap(), code);
            assert_eq!(step_of(SECRET, code, at(seconds), -9), Some(seconds / 30));
        }
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_is_good_once_and_for_a_short_time() {
        let step = step_of(SECRET, "287 082", at(59), 0).unwrap();
        assert_eq!(step_of(SECRET, "287082", at(59), step), None, "it was used");
        assert_eq!(step_of(SECRET, "287082", at(89), 0), Some(1), "a slow phone");
        assert_eq!(step_of(SECRET, "287082", at(29), 0), Some(1), "a fast one");
        assert_eq!(step_of(SECRET, "287082", at(120), 0), None);
        for nonsense in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(step_of(SECRET, nonsense, at(59), 0), None);
        }
    }

    #[test]
    fn backup_codes_are_told_apart_and_typed_as_one_likes() {
        let (shown, kept) = backup_codes(&crate::ports::random::SystemRandom).unwrap();
        let distinct: std::collections::BTreeSet<_> = kept.iter().collect();
        assert_eq!((shown.len(), distinct.len()), (10, 10));
        assert_eq!(backup_hash(&shown[3].to_lowercase().replace('-', " ")), kept[3]);
    }
}
