//! Passwords: argon2id (RFC 9106) with the second of OWASP's recommended settings, and what is too weak to be one.

use crate::{
    hex,
    ports::{Kind, PortError, Random, Result},
};
use argon2::{Algorithm, Argon2, Params, Version};
use hmac::digest::CtOutput;
use sha2::Sha256;
use zxcvbn::{
    Score,
    feedback::{Feedback, Warning},
    zxcvbn,
};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Characters.
pub const SHORTEST: usize = 12;
/// Bytes: hashing a long one is work for whoever is asked to.
pub const LONGEST: usize = 256;

/// What zxcvbn calls very hard to guess, of a slow hash that was stolen too: ten thousand million tries and more.
const SAFE: Score = Score::Four;

/// `argon2id$19456$2$1$<salt>$<hash>`, in hex. Takes tens of milliseconds: not for an async thread.
pub fn hash(password: &str, random: &dyn Random) -> Result<String> {
    let mut salt = [0; 16];
    random.fill(&mut salt)?;
    let hash = argon2id(password, &salt, MEMORY_KIB, PASSES, LANES)?;
    Ok(format!("argon2id${MEMORY_KIB}${PASSES}${LANES}${}${}", hex(&salt), hex(&hash)))
}

/// Is this the password? In constant time, but for what is no hash of ours.
pub fn matches(password: &str, stored: &str) -> Result<bool> {
    let parts: Vec<&str> = stored.split('$').collect();
    let ["argon2id", memory, passes, lanes, salt, hash] = parts[..] else { return Err(unknown()) };
    let number = |text: &str| text.parse::<u32>().map_err(|_| unknown());
    let salt = unhex(salt).ok_or_else(unknown)?;
    let wanted: [u8; 32] = unhex(hash).and_then(|h| h.try_into().ok()).ok_or_else(unknown)?;
    if password.len() > LONGEST {
        return Ok(false);
    }
    let got = argon2id(password, &salt, number(memory)?, number(passes)?, number(lanes)?)?;
    Ok(CtOutput::<Sha256>::new(got.into()) == CtOutput::new(wanted.into()))
}

fn unknown() -> PortError {
    PortError::new(Kind::Fail, "a password's hash is of no known form: send the person a new sign-in link")
}

fn argon2id(password: &str, salt: &[u8], memory: u32, passes: u32, lanes: u32) -> Result<[u8; 32]> {
    let failed =
        |e: argon2::Error| PortError::new(Kind::Fail, "a password cannot be hashed").because(e.to_string());
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(failed)?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut out)
        .map_err(failed)?;
    Ok(out)
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
    (digits.len().is_multiple_of(2) && text.is_ascii()).then(|| digits.chunks(2).map(pair).collect())?
}

/// Why this cannot be the password of this account, in words for its owner. Takes milliseconds: not for an async thread.
pub fn weakness(password: &str, email: &str) -> Option<&'static str> {
    if password.chars().count() < SHORTEST {
        return Some("it has fewer than 12 characters");
    }
    if password.len() > LONGEST {
        return Some("it is longer than 256 bytes");
    }
    // The address, what it is made of, and what stands on the page.
    let parts = email.split(['@', '.', '-', '_', '+']).filter(|part| part.len() > 2);
    let known: Vec<&str> = [email, "lazaret"].into_iter().chain(email.split('@')).chain(parts).collect();
    let judged = zxcvbn(password, &known);
    if judged.score() >= SAFE {
        return None;
    }
    // Ten times as hard for who knows nothing of the person.
    if zxcvbn(password, &[]).guesses_log10() >= judged.guesses_log10() + 1.0 {
        return Some("it is made of your address, or of this service's name");
    }
    Some(judged.feedback().and_then(Feedback::warning).map_or(EASY, words))
}

const EASY: &str = "it is easy to guess: take a few words that nobody else would put together";

fn words(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "rows of keys are easy to guess"
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "it repeats itself"
        }
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => {
            "it is, but for little, one that stands in every list of leaked passwords"
        }
        Warning::SequencesLikeAbcAreEasyToGuess => {
            "what follows an order, as abc or 6543 do, is easy to guess"
        }
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => {
            "dates and years are easy to guess"
        }
        Warning::AWordByItselfIsEasyToGuess => "one word by itself is easy to guess",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => "names are easy to guess",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::random::SystemRandom;

    #[test]
    fn only_the_password_itself_matches_and_no_two_hashes_are_alike() {
        let stored = hash("correct horse battery", &SystemRandom).unwrap();
        assert!(stored.starts_with("argon2id$19456$2$1$"));
        assert_ne!(stored, hash("correct horse battery", &SystemRandom).unwrap());
        assert!(matches("correct horse battery", &stored).unwrap());
        for wrong in ["", "correct horse batter", "Correct horse battery", &"x".repeat(1 << 20)] {
            assert!(!matches(wrong, &stored).unwrap());
        }
        for damaged in ["", "argon2id$1", "bcrypt$19456$2$1$00$00", &stored[..stored.len() - 1]] {
            assert!(matches("correct horse battery", damaged).is_err(), "{damaged}");
        }
    }

    /// A stored format, and the reference implementation's own vector for argon2id.
    #[test]
    fn the_stored_form_is_golden() {
        let hash = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe";
        let stored = format!("argon2id$256$2$1${}${hash}", hex(b"somesalt"));
        assert!(matches("password", &stored).unwrap());
    }

    #[test]
    fn weak_ones_are_refused_with_the_reason() {
        let weak = [
            ("short", "fewer"),
            ("aaaaaaaaaaaaaaaa", "repeats"),
            ("abcabcabcabcabc", "repeats"),
            ("Password12345", ""),
            ("P4ssw0rd!2024", ""),
            ("qwertyuiop123", ""),
            ("letmein-welcome1", ""),
            ("123456789012", ""),
            ("Password1234567", ""),
            ("password123456789", ""),
            ("qwerty123456789", ""),
            ("1q2w3e4r5t6y", ""),
            // Of lists that nobody here wrote: leaked ones, names and words of English.
            ("trustno1trustno1", "repeats"),
            ("chelsea-arsenal", ""),
            ("margaret1975", ""),
            ("anna.kowalski-77", "address"),
            ("lazaret-example.org", "address"),
        ];
        for (password, why) in weak {
            let said = weakness(password, "anna.kowalski@example.org");
            assert!(said.is_some_and(|said| said.contains(why)), "{password}: {said:?}");
        }
        assert!(weakness(&"xY3-".repeat(80), "a@b.c").is_some());
        for good in ["correct horse battery", "tiefer-Schnee-im-Mai", "Vq8#kd02mZs1x", "8#2!9$1&4%7?x"] {
            assert_eq!(weakness(good, "anna.kowalski@example.org"), None, "{good}");
        }
    }
}
