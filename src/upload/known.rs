//! Files that are known to be bad, by the SHA-256 of their bytes. A hit is certain, and so says nothing about a file that
//! differs in a single bit. Pure.

use super::TenantId;
use std::collections::{BTreeMap, HashSet};

/// The finding of such a file.
pub const KNOWN_BAD: &str = "hash.known_bad";

pub type Sha256 = [u8; 32];

#[derive(Debug, Clone, Default)]
pub struct KnownBad {
    everybodys: HashSet<Sha256>,
    tenants: BTreeMap<String, HashSet<Sha256>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text:?} is no SHA-256: write 64 hex digits, one hash a line")]
pub struct BadHash {
    line: usize,
    text: String,
}

impl KnownBad {
    /// A list with one hash a line, of a tenant or of all. What stands behind a hash, and behind `#`, is for people.
    pub fn add(&mut self, tenant: Option<&TenantId>, list: &str) -> Result<(), BadHash> {
        let hashes = match tenant {
            Some(tenant) => self.tenants.entry(tenant.to_string()).or_default(),
            None => &mut self.everybodys,
        };
        for (n, line) in list.lines().enumerate() {
            let said = line.split('#').next().unwrap_or_default();
            let Some(word) = said.split_whitespace().next() else { continue };
            let bad = || BadHash { line: n + 1, text: word.chars().take(80).collect() };
            hashes.insert(parse(word).ok_or_else(bad)?);
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.everybodys.is_empty() && self.tenants.values().all(HashSet::is_empty)
    }

    /// Without a tenant, by the list of all.
    pub fn has(&self, tenant: Option<&str>, sha256: &Sha256) -> bool {
        let own = tenant.and_then(|tenant| self.tenants.get(tenant));
        self.everybodys.contains(sha256) || own.is_some_and(|own| own.contains(sha256))
    }

    /// The same of a hash as it is written.
    pub fn has_hex(&self, tenant: Option<&str>, sha256: &str) -> bool {
        !self.is_empty() && parse(sha256).is_some_and(|sha256| self.has(tenant, &sha256))
    }
}

fn parse(hex: &str) -> Option<Sha256> {
    let digits = hex.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |n: u8| char::from(n).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_all_and_of_a_tenant() {
        let (one, two) = ("0a".repeat(32), "0B".repeat(32));
        let mut known = KnownBad::default();
        assert!(known.is_empty() && !known.has_hex(None, &one));
        known.add(None, &format!("# a list\n\n{one}  cat.jpg\n")).unwrap();
        known.add(Some(&"acme".parse().unwrap()), &format!("{two} # theirs")).unwrap();
        assert!(known.has_hex(None, &one) && known.has_hex(Some("globex"), &one));
        assert!(known.has_hex(Some("acme"), &two.to_lowercase()) && known.has(Some("acme"), &[11; 32]));
        assert!(!known.has_hex(Some("globex"), &two) && !known.has_hex(None, &two));
        for bad in ["x", &one[1..], &format!("{one}0"), &"zz".repeat(32)] {
            let error = known.add(None, &format!("\n{bad}")).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{error}");
        }
    }
}
