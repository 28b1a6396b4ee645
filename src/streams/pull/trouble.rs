//! What can be wrong with a source.

use crate::ports::streams::PullTrouble;

/// A stable code, and what it was; never the URL, which may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Trouble {
    pub code: &'static str,
    pub detail: String,
}

impl Trouble {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        // What a stranger says is cut short.
        let detail: String = detail.into().chars().filter(|c| !c.is_control()).take(300).collect();
        Self { code, detail }
    }

    /// The address of what is asked for may not be connected to.
    pub fn private(host: &str) -> Self {
        Self::new(
            "source.private",
            format!("{host} leads to private addresses that streams.pull_private does not permit"),
        )
    }

    pub fn stalled(seconds: u64) -> Self {
        Self::new("source.stalled", format!("nothing came for {seconds} s"))
    }

    pub fn unreachable(detail: impl Into<String>) -> Self {
        Self::new("source.unreachable", detail)
    }

    /// It does not speak as it should.
    pub fn nonsense(detail: impl Into<String>) -> Self {
        Self::new("source.protocol", detail)
    }
}

impl From<Trouble> for PullTrouble {
    fn from(trouble: Trouble) -> Self {
        Self { code: trouble.code.to_owned(), detail: trouble.detail }
    }
}
