//! Files that lie in a sender's own bucket: whose they are, and how they come in.

use super::{
    digest::Expected,
    spool::{Spool, Spooled},
};
use crate::{
    ports::{
        Blobs, Kind, PortError, Sources,
        sources::{Object, ObjectRef},
    },
    upload::TenantId,
};
use futures_util::StreamExt;
use std::sync::Arc;

/// One place that a tenant owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRule {
    pub tenant: TenantId,
    pub bucket: String,
    /// Empty for the whole bucket, or ends in `/`.
    pub prefix: String,
    /// The broker's account that must have sent a message about it.
    pub amqp_user: Option<String>,
}

/// Which places belong to whom. Of several that hold an object the longest prefix counts, so that a folder inside of
/// another tenant's is its own tenant's alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceRules(Vec<SourceRule>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRules {
    #[error("intake.sources: the source of {tenant} names no bucket")]
    Bucket { tenant: TenantId },
    #[error(
        "intake.sources: write the prefix {prefix:?} of bucket {bucket:?} as \"{prefix}/\"; without the '/', names that only begin so are meant too"
    )]
    Prefix { bucket: String, prefix: String },
    #[error(
        "intake.sources: bucket {bucket:?}, prefix {prefix:?} belongs to {first} and to {second}; give each a prefix of its own"
    )]
    Shared { bucket: String, prefix: String, first: TenantId, second: TenantId },
}

impl SourceRules {
    pub fn new(rules: Vec<SourceRule>) -> Result<Self, BadRules> {
        for (n, rule) in rules.iter().enumerate() {
            if rule.bucket.is_empty() {
                return Err(BadRules::Bucket { tenant: rule.tenant.clone() });
            }
            if !rule.prefix.is_empty() && !rule.prefix.ends_with('/') {
                return Err(BadRules::Prefix { bucket: rule.bucket.clone(), prefix: rule.prefix.clone() });
            }
            let same = |other: &&SourceRule| (&other.bucket, &other.prefix) == (&rule.bucket, &rule.prefix);
            if let Some(other) = rules[..n].iter().filter(same).find(|other| other.tenant != rule.tenant) {
                return Err(BadRules::Shared {
                    bucket: rule.bucket.clone(),
                    prefix: rule.prefix.clone(),
                    first: other.tenant.clone(),
                    second: rule.tenant.clone(),
                });
            }
        }
        Ok(Self(rules))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// May the tenant name this object?
    pub fn allows(&self, tenant: &TenantId, object: &ObjectRef) -> bool {
        self.closest(&object.bucket, &object.key).iter().any(|rule| rule.tenant == *tenant)
    }

    /// Whose object a message speaks of. `user` is the account that the broker vouches for; a place that asks for one
    /// is nobody's for all others.
    pub fn tenant_of(&self, bucket: &str, key: &str, user: Option<&str>) -> Option<&TenantId> {
        let sent_by = |rule: &&SourceRule| rule.amqp_user.is_none() || rule.amqp_user.as_deref() == user;
        self.closest(bucket, key).into_iter().find(sent_by).map(|rule| &rule.tenant)
    }

    /// The rules of the smallest place that holds the object: all of one tenant.
    fn closest(&self, bucket: &str, key: &str) -> Vec<&SourceRule> {
        let holds =
            |rule: &&SourceRule| is_plain(key) && rule.bucket == bucket && key.starts_with(&rule.prefix);
        let around = || self.0.iter().filter(holds);
        let longest = around().map(|rule| rule.prefix.len()).max();
        around().filter(|rule| Some(rule.prefix.len()) == longest).collect()
    }
}

/// S3 takes `..` literally; what stands before or behind it may not, and then it leads out of the prefix.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.split(['/', '\\']).all(|part| part != "." && part != "..")
}

/// Fetches objects by reference. Copies share everything.
#[derive(Clone)]
pub struct Fetching {
    pub sources: Arc<dyn Sources>,
    /// Where spools are made.
    pub blobs: Arc<dyn Blobs>,
    pub rules: Arc<SourceRules>,
    /// Largest object, in bytes.
    pub max_bytes: u64,
    /// Bytes of disk that objects must leave free.
    pub reserve_bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not in a place that the tenant owns.
    #[error("the source is outside of the tenant's places; see intake.sources")]
    Forbidden,
    #[error("there is no such object or version")]
    Missing,
    #[error("the object holds {size} bytes; at most {max} are taken")]
    TooLarge { size: u64, max: u64 },
    /// Not the size or the SHA-256 that was said.
    #[error("{0}")]
    Mismatch(String),
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Fetching {
    /// All bytes of the object in a spool, hashed as they came. `expected_sha256` is hex.
    pub async fn fetch(
        &self,
        tenant: &TenantId,
        object: &ObjectRef,
        expected_size: Option<u64>,
        expected_sha256: Option<&str>,
    ) -> Result<Spooled, FetchError> {
        if !self.rules.allows(tenant, object) {
            return Err(FetchError::Forbidden);
        }
        let object = self.sources.open(object).await?.ok_or(FetchError::Missing)?;
        let spooled = spooled(&*self.blobs, object, self.max_bytes, self.reserve_bytes).await?;
        if let Some(said) = expected_size.filter(|said| *said != spooled.size) {
            let came = spooled.size;
            return Err(FetchError::Mismatch(format!("{said} bytes were announced and {came} came")));
        }
        let sha256 = crate::hex(&spooled.hashes.sha256);
        if expected_sha256.is_some_and(|said| !said.eq_ignore_ascii_case(&sha256)) {
            return Err(FetchError::Mismatch("the bytes are not those of the SHA-256 that was said".into()));
        }
        Ok(spooled)
    }
}

/// All bytes of an object that was opened, and no more than it said it has.
pub(super) async fn spooled(
    blobs: &dyn Blobs,
    object: Object,
    max: u64,
    reserve: u64,
) -> Result<Spooled, FetchError> {
    let size = object.size;
    if size > max {
        return Err(FetchError::TooLarge { size, max });
    }
    if blobs.free_bytes().await?.is_some_and(|free| free < size.saturating_add(reserve)) {
        return Err(PortError::new(Kind::Full, "no room for the object").into());
    }
    let mut spool = Spool::new(blobs.spool().await?, Expected::default().sums());
    let mut bytes = object.bytes;
    while let Some(piece) = bytes.next().await {
        let piece = piece?;
        if spool.size() + piece.len() as u64 > size {
            return Err(PortError::new(Kind::Retry, "the object holds more bytes than it said").into());
        }
        spool.write(&piece).await?;
    }
    if spool.size() != size {
        return Err(PortError::new(Kind::Retry, "the object holds fewer bytes than it said").into());
    }
    Ok(spool.finish().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(tenant: &str, bucket: &str, prefix: &str, user: Option<&str>) -> SourceRule {
        let tenant = tenant.parse().unwrap();
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        SourceRule { tenant, bucket, prefix, amqp_user: user.map(str::to_owned) }
    }

    fn rules() -> SourceRules {
        SourceRules::new(vec![
            rule("acme", "shared", "acme/", None),
            rule("acme", "own", "", Some("acme-app")),
            rule("beta", "own", "beta/", None),
        ])
        .unwrap()
    }

    #[test]
    fn an_object_is_the_tenants_that_owns_the_smallest_place_around_it() {
        let cases = [
            ("shared", "acme/a.jpg", None, Some("acme")),
            ("shared", "acme", None, None),
            ("shared", "acmes/a.jpg", None, None),
            ("shared", "acme/../beta/a.jpg", None, None),
            ("shared", "acme/./a.jpg", None, None),
            ("shared", "acme/..\\a.jpg", None, None),
            ("shared", "", None, None),
            ("own", "a.jpg", Some("acme-app"), Some("acme")),
            ("own", "a.jpg", Some("other"), None),
            ("own", "a.jpg", None, None),
            ("own", "beta/a.jpg", Some("acme-app"), Some("beta")),
            ("elsewhere", "acme/a.jpg", None, None),
        ];
        for (bucket, key, user, tenant) in cases {
            let found = rules().tenant_of(bucket, key, user).map(|tenant| tenant.as_str().to_owned());
            assert_eq!(found.as_deref(), tenant, "{bucket} {key} {user:?}");
        }
    }

    #[test]
    fn a_tenant_may_name_its_own_objects_alone() {
        let allows = |tenant: &str, bucket: &str, key: &str| {
            let object = ObjectRef { bucket: bucket.into(), key: key.into(), version_id: None };
            rules().allows(&tenant.parse().unwrap(), &object)
        };
        assert!(allows("acme", "shared", "acme/a"));
        assert!(allows("acme", "own", "a"), "over HTTP its key vouches for the tenant");
        assert!(!allows("acme", "own", "beta/a"));
        assert!(!allows("beta", "shared", "acme/a"));
        assert!(!allows("acme", "shared", "acme/../b"));
    }

    #[test]
    fn rules_that_say_two_things_are_refused() {
        let refused = |rules: Vec<SourceRule>| SourceRules::new(rules).unwrap_err().to_string();
        let prefix = refused(vec![rule("acme", "shared", "acme", None)]);
        assert!(prefix.contains("\"acme/\""), "{prefix}");
        let shared = refused(vec![rule("acme", "b", "p/", None), rule("beta", "b", "p/", Some("beta"))]);
        assert!(shared.contains("acme and to beta"), "{shared}");
        assert!(refused(vec![rule("acme", "", "", None)]).contains("no bucket"));
        assert!(
            SourceRules::new(vec![rule("acme", "b", "", Some("x")), rule("acme", "b", "", None)]).is_ok()
        );
    }
}
