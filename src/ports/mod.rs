//! What the service needs of the world, in its own words. Adapters implement these; nothing above them knows which.

pub mod accounts;
pub mod blobs;
pub mod care;
pub mod clock;
#[doc(hidden)]
pub mod contract;
pub mod dead;
pub mod drafts;
pub mod federation;
pub mod frames;
pub mod inbox;
pub mod insight;
pub mod publisher;
pub mod queue;
pub mod random;
pub mod reports;
pub mod retention;
pub mod reviews;
pub mod snapshots;
pub mod sources;
pub mod store;
pub mod streams;
pub mod trials;
pub mod wall;

pub use accounts::Accounts;
pub use blobs::Blobs;
pub use care::Care;
pub use clock::Clock;
pub use dead::DeadLetters;
pub use drafts::Drafts;
pub use federation::Federation;
pub use frames::Frames;
pub use inbox::Inbox;
pub use insight::Insight;
pub use publisher::Publisher;
pub use queue::Queue;
pub use random::Random;
pub use reports::Reports;
pub use retention::Retention;
pub use reviews::Reviews;
pub use snapshots::Snapshots;
pub use sources::{Direct, Sources};
pub use store::Store;
pub use streams::Streams;
pub use trials::Trials;
pub use wall::Wall;

use std::{error::Error, fmt};

/// What went wrong behind a port, and what the caller can do about it.
#[derive(Debug)]
pub struct PortError {
    pub kind: Kind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// May go through later: a lock, a lost connection.
    Retry,
    /// No room is left to write.
    Full,
    /// Will not go through: a bug, a damaged store, a wrong setting.
    Fail,
}

impl PortError {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

impl From<std::io::Error> for PortError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Kind::Full,
            std::io::ErrorKind::Interrupted | std::io::ErrorKind::TimedOut => Kind::Retry,
            _ => Kind::Fail,
        };
        Self::new(kind, "file system").because(error)
    }
}

pub type Result<T> = std::result::Result<T, PortError>;
