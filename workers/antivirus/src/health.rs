//! Whether the engine's word counts just now.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Being started or proven for the first time.
    Starting,
    /// Its canaries hold.
    Healthy {
        /// As reports record it: `1.4.6/27500/2026-11-20`, or `1.4.6/test-signatures`.
        version: String,
        /// When the daily signatures were built; `None` with test signatures.
        signatures_date: Option<jiff::Timestamp>,
        /// A clean answer for a file up to this size is complete.
        proven_bytes: u64,
    },
    /// Nothing is scanned; what is wrong and what to do: lower case, no period.
    Unhealthy { why: String },
}

impl Health {
    pub fn is_healthy(&self) -> bool {
        matches!(self, Self::Healthy { .. })
    }

    /// Of several engines: one healthy one is enough, and of none the reasons of all are told.
    pub(crate) fn of_all(all: &[(String, Self)]) -> Self {
        if let Some((_, healthy)) = all.iter().find(|(_, h)| h.is_healthy()) {
            return healthy.clone();
        }
        if all.is_empty() {
            return Self::Unhealthy { why: "no clamd address is configured".to_owned() };
        }
        if let [(_, only)] = all {
            return only.clone();
        }
        if all.iter().all(|(_, h)| *h == Self::Starting) {
            return Self::Starting;
        }
        let whys: Vec<String> = all.iter().map(|(name, h)| format!("{name}: {h}")).collect();
        Self::Unhealthy { why: whys.join("; ") }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Healthy { version, .. } => write!(f, "healthy, clamav {version}"),
            Self::Unhealthy { why } => f.write_str(why),
        }
    }
}
