//! Names of uploads, streams and tenants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// An upload's id: a UUIDv7, so ids sort by the time of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(Uuid);

impl UploadId {
    /// `random` is ten bytes of fresh randomness.
    pub fn new(now: Timestamp, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid())
    }

    /// When it was made, as it says itself; `None` of an id that is no UUIDv7.
    pub fn made_at(&self) -> Option<Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for UploadId {
    type Err = uuid::Error;

    /// Only the hyphenated lower-case form: one upload has one name.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let id = Uuid::try_parse(s)?;
        if id.hyphenated().to_string() == s { Ok(Self(id)) } else { Uuid::try_parse("").map(Self) }
    }
}

/// A live stream's id, of the same form as an upload's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(UploadId);

impl StreamId {
    /// `random` is ten bytes of fresh randomness.
    pub fn new(now: Timestamp, random: &[u8; 10]) -> Self {
        Self(UploadId::new(now, random))
    }

    /// As what is told of it names it: uploads and streams share the outbox, and their ids never meet.
    pub fn subject(self) -> UploadId {
        self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for StreamId {
    type Err = uuid::Error;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.parse().map(Self)
    }
}

/// A tenant's name: 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit, so that it is safe in paths, headers
/// and labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

#[derive(Debug, thiserror::Error)]
#[error(
    "a tenant is named by 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit; got {0:?}"
)]
pub struct BadTenant(String);

impl TenantId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = BadTenant;

    fn try_from(name: String) -> Result<Self, BadTenant> {
        let fits = (1..=64).contains(&name.len())
            && name.as_bytes()[0].is_ascii_alphanumeric()
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
        if fits { Ok(Self(name)) } else { Err(BadTenant(name)) }
    }
}

impl FromStr for TenantId {
    type Err = BadTenant;

    fn from_str(s: &str) -> Result<Self, BadTenant> {
        s.to_owned().try_into()
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_sort_by_time_and_have_one_spelling() {
        let at = |ms| UploadId::new(Timestamp::from_millisecond(ms).unwrap(), &[0x5a; 10]);
        assert!(at(1_000) < at(1_001));
        assert_eq!(at(1_000).0.get_version_num(), 7);
        let text = at(1_790_000_000_000).to_string();
        assert_eq!(text.parse::<UploadId>().unwrap(), at(1_790_000_000_000));
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), String::new()] {
            assert!(other.parse::<UploadId>().is_err(), "{other}");
        }
    }

    #[test]
    fn tenants_are_named_safely() {
        for good in ["a", "acme", "acme-2.eu_x", &"x".repeat(64)] {
            assert!(good.parse::<TenantId>().is_ok(), "{good}");
        }
        for bad in ["", ".", "../x", "Acme", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }
}
