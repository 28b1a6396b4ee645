//! What a key allows.

use std::{collections::BTreeSet, fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Hand uploads over.
    Upload,
    /// See states and verdicts.
    Read,
    /// Make signed URLs.
    Mint,
    /// Erase uploads.
    Erase,
    /// Send frames of live streams.
    Stream,
}

impl Scope {
    pub const ALL: [Self; 5] = [Self::Upload, Self::Read, Self::Mint, Self::Erase, Self::Stream];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Read => "read",
            Self::Mint => "mint",
            Self::Erase => "erase",
            Self::Stream => "stream",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no such scope: {0:?}; scopes are upload, read, mint, erase, stream")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(s: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == s).ok_or_else(|| UnknownScope(s.to_owned()))
    }
}

/// A set of scopes; stored and shown as their names, separated by spaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    pub fn all() -> Self {
        Self(Scope::ALL.into())
    }

    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// As a store gave them. A name that this version does not know allows nothing.
    pub fn stored(names: &str) -> Self {
        names.split_ascii_whitespace().filter_map(|name| name.parse().ok()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.0.iter().enumerate() {
            write!(f, "{}{scope}", if n == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_unknown_ones_allow_nothing() {
        assert_eq!(Scopes::stored(&Scopes::all().to_string()), Scopes::all());
        let some = Scopes::stored("mint  admin read");
        assert_eq!(some.to_string(), "read mint");
        assert!(!some.contains(Scope::Erase) && some.contains(Scope::Mint));
        assert!("admin".parse::<Scope>().is_err());
    }
}
