//! What people sent and is not done, until they send it again: their session was over already, or it was refused. And whose
//! page a form came from.

use super::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use std::fmt;

/// A form as it was sent, to be sent again by who wrote it and by nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// 32 hex digits, which nobody guesses.
    pub id: String,
    pub person: String,
    /// Where it was sent to.
    pub path: String,
    /// Names and values in the form's order.
    pub fields: Vec<(String, String)>,
    pub at: Timestamp,
    /// From then on it is as if it had never been.
    pub until: Timestamp,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("id", &self.id).field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
pub trait Drafts: Send + Sync + 'static {
    /// Forms whose token has this hash are of this person's session. What ends all sessions of a person, or all others,
    /// forgets their forms too.
    async fn know_forms(&self, hash: &str, session: &str, person: &str, at: Timestamp) -> Result<()>;
    async fn forget_forms(&self, session: &str) -> Result<()>;
    /// Also after the session is over.
    async fn whose_form(&self, hash: &str) -> Result<Option<String>>;

    /// Keeps it, and of the person's the newest `most`.
    async fn keep(&self, draft: &Draft, most: u32) -> Result<()>;
    /// `None` where it is another's, or its time is over.
    async fn draft(&self, person: &str, id: &str, now: Timestamp) -> Result<Option<Draft>>;
    /// The ids of what is kept for a person, the newest first.
    async fn drafts(&self, person: &str, now: Timestamp) -> Result<Vec<String>>;
    /// False where the person has none of this id.
    async fn drop_draft(&self, person: &str, id: &str) -> Result<bool>;
}
