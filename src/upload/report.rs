//! What users report uploads for, and how much it weighs. Pure.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Nudity,
    Violence,
    Hate,
    Harassment,
    Malware,
    Spam,
    Illegal,
    ChildAbuse,
    Other,
}

impl Category {
    pub const ALL: [Self; 9] = [
        Self::Nudity,
        Self::Violence,
        Self::Hate,
        Self::Harassment,
        Self::Malware,
        Self::Spam,
        Self::Illegal,
        Self::ChildAbuse,
        Self::Other,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nudity => "nudity",
            Self::Violence => "violence",
            Self::Hate => "hate",
            Self::Harassment => "harassment",
            Self::Malware => "malware",
            Self::Spam => "spam",
            Self::Illegal => "illegal",
            Self::ChildAbuse => "child_abuse",
            Self::Other => "other",
        }
    }

    /// What one report makes of an item at least.
    fn floor(self) -> u32 {
        match self {
            Self::ChildAbuse => 95,
            Self::Malware | Self::Illegal => 70,
            Self::Violence | Self::Hate | Self::Harassment => 55,
            Self::Nudity => 50,
            Self::Spam | Self::Other => 20,
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Category {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == s)
            .ok_or_else(|| format!("no such category: {s:?}"))
    }
}

/// Reports that are kept of one upload; the rest of a crowd says nothing new.
pub const MOST_REPORTS: u64 = 100;
/// Appeals that are heard of one upload.
pub const MOST_APPEALS: u64 = 3;
/// Characters of a report or an appeal.
pub const LONGEST_TEXT: usize = 2_000;
/// Characters of an application's own name for a user.
pub const LONGEST_NAME: usize = 128;

/// What each further report adds, and how far a crowd alone gets.
const STEP: u32 = 3;
const CROWD: u32 = 90;

/// The severity of an item with one report more.
pub fn raised(severity: u32, category: Category) -> u32 {
    severity.max((severity + STEP).min(CROWD)).max(category.floor()).min(100)
}

/// Somebody waits for the answer to an appeal: it does not come last.
pub const APPEALED: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_raise_and_a_crowd_does_not_outweigh_what_is_worst() {
        assert_eq!(raised(10, Category::Spam), 20);
        assert_eq!(raised(30, Category::Spam), 33);
        assert_eq!(raised(10, Category::ChildAbuse), 95);
        assert_eq!(raised(95, Category::Spam), 95);
        let crowd = (0..100).fold(10, |severity, _| raised(severity, Category::Spam));
        assert_eq!(crowd, 90);
        for category in Category::ALL {
            assert_eq!(category.as_str().parse::<Category>(), Ok(category));
            assert!((0..=100).all(|n| (n..=100).contains(&raised(n, category))));
        }
    }
}
