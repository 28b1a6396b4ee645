//! People who may use the console: accounts, sessions, one-time links, and who tried how often.

use super::{Result, store::Stale};
use crate::upload::TenantId;
use async_trait::async_trait;
use jiff::Timestamp;
use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

/// What a person may do, from least to most. An auditor reads, and stands beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Auditor,
    Moderator,
    Senior,
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Auditor, Self::Moderator, Self::Senior, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Moderator => "moderator",
            Self::Senior => "senior",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == s)
            .ok_or_else(|| format!("no such role: {s:?}; roles are auditor, moderator, senior, admin"))
    }
}

/// Whose uploads a person sees. Stored and shown as `*`, or as names with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    All,
    These(BTreeSet<TenantId>),
}

impl Tenants {
    pub fn includes(&self, tenant: &TenantId) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.contains(tenant),
        }
    }

    /// Are all of the others among these?
    pub fn hold(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) => true,
            (_, Self::All) => false,
            (Self::These(these), Self::These(others)) => others.is_subset(these),
        }
    }
}

impl fmt::Display for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::These(these) => {
                let names: Vec<_> = these.iter().map(TenantId::as_str).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

impl FromStr for Tenants {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        if s == "*" {
            return Ok(Self::All);
        }
        let names = s.split(',').filter(|name| !name.is_empty());
        let these = names.map(|name| name.parse().map_err(|e: crate::upload::id::BadTenant| e.to_string()));
        these.collect::<std::result::Result<_, _>>().map(Self::These)
    }
}

/// The queue that live streams and their episodes are filed under.
pub const STREAMS: &str = "stream";

/// Which queues a person sees, by what items are filed under. Stored and shown as `*`, or as classes of reasons with
/// commas between: `image` is every reason that is `image` or begins with `image.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queues {
    All,
    These(BTreeSet<String>),
}

impl Queues {
    /// `reason` is what an item is filed under.
    pub fn includes(&self, reason: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.iter().any(|class| {
                reason
                    .strip_prefix(class.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }),
        }
    }

    /// Are all of the others among these?
    pub fn hold(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) => true,
            (_, Self::All) => false,
            (Self::These(_), Self::These(others)) => others.iter().all(|class| self.includes(class)),
        }
    }
}

impl fmt::Display for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::These(these) => {
                let names: Vec<_> = these.iter().map(String::as_str).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

impl FromStr for Queues {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        if s == "*" {
            return Ok(Self::All);
        }
        let names = s.split(',').map(str::trim).filter(|name| !name.is_empty());
        let these = names.map(|name| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
            if name.len() <= 100 && name.bytes().all(plain) && !name.starts_with('.') && !name.ends_with('.') {
                Ok(name.to_owned())
            } else {
                Err(format!("no queue has the name {name:?}: write reasons or their beginnings, such as image,coverage.video"))
            }
        });
        these.collect::<std::result::Result<_, _>>().map(Self::These)
    }
}

/// An account. Of secrets only what is needed to check them.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Stands in the audit log.
    pub id: String,
    /// Lower case.
    pub email: String,
    pub role: Role,
    pub tenants: Tenants,
    pub queues: Queues,
    /// As [`crate::access::password`] writes it; absent until the person chose one.
    pub password: Option<String>,
    /// The shared secret, as [`crate::access::vault`] seals it; absent until the person enrolled.
    pub totp: Option<String>,
    /// The last time step whose code was used: each code is good once.
    pub totp_step: i64,
    /// SHA-256, lower-case hex, of the backup codes that are left.
    pub backup_codes: Vec<String>,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    /// Counts every change, from 1.
    pub version: u64,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256, lower-case hex, of the cookie's secret. Begins with what the session is called by.
    pub hash: String,
    pub user: String,
    /// Both factors were shown, or the second is not asked for; else it may only go on signing in.
    pub full: bool,
    /// As the browser says of itself.
    pub device: String,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

/// How often somebody failed lately, when they last did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    pub failures: u32,
    pub last_at: Timestamp,
}

/// For the audit log: who did what to whom.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// `user:…`, `cli`.
    pub actor: &'a str,
    pub action: &'static str,
    pub at: Timestamp,
}

#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// False where the address has an account already.
    async fn add_user(&self, user: &User, deed: Deed<'_>) -> Result<bool>;
    async fn user(&self, id: &str) -> Result<Option<User>>;
    async fn user_by_email(&self, email: &str) -> Result<Option<User>>;
    /// By address.
    async fn users(&self) -> Result<Vec<User>>;
    /// As [`Self::users`], those whose address has this part in it, whatever letters are capital; all have the empty one.
    async fn find_users(&self, part: &str, role: Option<Role>) -> Result<Vec<User>>;
    /// Writes the account as it is to be; refused where it changed since it was read. `ends` ends its sessions, but for
    /// the one of this hash, and its link, but for that of somebody who was invited and did not come yet.
    async fn change_user(
        &self,
        user: &User,
        ends: Option<&str>,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<(), Stale>>;
    /// As [`Self::change_user`], of somebody who begins anew: password, second factor, sessions, link and what providers know
    /// them as are forgotten. The audit line says how many of the last there were.
    async fn reset_user(&self, user: &User, deed: Deed<'_>) -> Result<std::result::Result<(), Stale>>;

    /// Adds it, and ends the oldest beyond `most`; the one of hash `instead_of` ends in the same commit. Refused where the
    /// account lets nobody in any more as it did when it was read, `as_of`: its password, second factor or rights are others,
    /// it was disabled, or, of one without a password, anything changed.
    async fn begin_session(
        &self,
        session: &Session,
        as_of: &User,
        most: u32,
        instead_of: Option<&str>,
        deed: Option<Deed<'_>>,
    ) -> Result<std::result::Result<(), Stale>>;
    async fn session(&self, hash: &str) -> Result<Option<(Session, User)>>;
    async fn touch_session(&self, hash: &str, at: Timestamp) -> Result<()>;
    /// Newest first.
    async fn sessions(&self, user: &str) -> Result<Vec<Session>>;
    /// False where the person has no such session.
    async fn end_session(&self, user: &str, hash: &str, deed: Deed<'_>) -> Result<bool>;
    /// Forgets sessions not seen since (and a day later their forms), drafts and links that are over, and failures from
    /// before. Returns how many sessions.
    async fn prune_sessions(&self, before: Timestamp, now: Timestamp) -> Result<u64>;

    /// A link that signs this person in once, until then. Earlier ones of the person end.
    async fn add_link(&self, hash: &str, user: &str, until: Timestamp, deed: Deed<'_>) -> Result<()>;
    /// Whose it is, while it is good; it stays good.
    async fn link(&self, hash: &str, now: Timestamp) -> Result<Option<String>>;
    /// As [`Self::link`]; it is good no more.
    async fn take_link(&self, hash: &str, now: Timestamp) -> Result<Option<String>>;

    /// Of an account or an address.
    async fn tries(&self, key: &str) -> Result<Option<Tries>>;
    /// One more. Of those before, one is forgotten for each `fades` since the last.
    async fn failed(&self, key: &str, at: Timestamp, fades: Duration) -> Result<()>;
    async fn forgive(&self, key: &str) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_a_reason_or_a_class_of_reasons() {
        let queues: Queues = "image, coverage.video".parse().unwrap();
        assert_eq!(queues.to_string(), "coverage.video,image");
        for (reason, seen) in [
            ("image.label", true),
            ("image", true),
            ("images.label", false),
            ("coverage.video.partial", true),
            ("coverage.image.partial", false),
            ("", false),
        ] {
            assert_eq!(queues.includes(reason), seen, "{reason}");
        }
        assert!(Queues::All.includes("") && "*".parse() == Ok(Queues::All));
        let none: Queues = "".parse().unwrap();
        assert!(!none.includes("image.label"));
        for bad in ["Image", "a b", "image.", ".x", "%", "a'b", "*,image"] {
            assert!(bad.parse::<Queues>().is_err(), "{bad}");
        }
    }
}
