//! What is asked and told when a child takes the members out of an archive.

use lazaret_report::{Coverage, Finding, Why};
use serde::{Deserialize, Serialize};

/// How much of an archive may be taken out. The child holds it against what the archive declares, and then against what
/// really comes; the service counts once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersRequest {
    /// Members at most. Folders and links are none: nothing is taken out of them.
    pub max_members: u32,
    /// Bytes of all members together.
    pub max_bytes: u64,
    /// Bytes of all members together for each byte of the archive, once they are more than `ratio_from`.
    pub max_ratio: u64,
    /// Expanded bytes that are harmless at any ratio.
    pub ratio_from: u64,
}

impl MembersRequest {
    /// Longest name of a member, in bytes of UTF-8.
    pub const MAX_NAME: usize = 1024;

    /// Bytes that an archive of `size` bytes may expand to, and the code of the limit that says so.
    pub fn allowance(&self, size: u64) -> (u64, &'static str) {
        let by_ratio = size.saturating_mul(self.max_ratio).max(self.ratio_from);
        if by_ratio < self.max_bytes { (by_ratio, "limit.ratio") } else { (self.max_bytes, "limit.expanded") }
    }
}

/// What stands before a member's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberHead {
    /// A label and never a path: as the archive spells it, unescaped, cut to [`MembersRequest::MAX_NAME`].
    pub name: String,
}

/// What stands behind a member's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberTail {
    pub bytes: u64,
    /// Why not all of it was taken out, where that is so.
    pub gap: Option<Why>,
}

/// A member, and where its bytes lie in what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub offset: u64,
    pub bytes: u64,
    pub gap: Option<Why>,
}

/// All that was taken out of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct Members {
    pub members: Vec<Member>,
    pub summary: MembersSummary,
}

/// What a child says when no member is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MembersSummary {
    /// Files that the archive lists.
    pub listed: u64,
    /// Files that were begun to be taken out.
    pub seen: u64,
    /// Complete only where every file that is listed was taken out whole, and every one that is there was listed.
    pub coverage: Coverage,
    /// What showed only when members were read, such as external relationships of a document.
    pub findings: Vec<Finding>,
}
