//! Where the bucket is and who may use it: `s3://bucket/prefix?endpoint=…&region=…&path_style=true`.

use serde::{Deserialize, Deserializer};
use std::{fmt, path::PathBuf};
use url::Url;

const REGION: &str = "us-east-1";

#[derive(Debug, Clone)]
pub struct Options {
    pub bucket: String,
    /// Below which everything lies; empty for the whole bucket.
    pub prefix: String,
    /// Of a service other than AWS: `https://host:port`.
    pub endpoint: Option<String>,
    pub region: String,
    /// The bucket stands in the path, not in the host's name.
    pub path_style: bool,
    pub access_key: Option<String>,
    pub secret_key: Option<SecretKey>,
    pub session_token: Option<SecretKey>,
    /// A folder on this machine for files without a name.
    pub spool: PathBuf,
}

/// A secret that shows nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("blobs.url: {0}; expected s3://bucket/prefix?endpoint=https://host:port&region=…&path_style=true")]
pub struct BadUrl(String);

impl Options {
    /// Everything but the credentials. Without `path_style`, the bucket stands in the path where there is an endpoint.
    pub fn from_url(url: &str, spool: impl Into<PathBuf>) -> Result<Self, BadUrl> {
        let bad = |why: &str| BadUrl(format!("{why} in {:?}", shown(url)));
        let parsed = Url::parse(url).map_err(|e| bad(&e.to_string()))?;
        if parsed.scheme() != "s3" {
            return Err(bad("no s3:// at the beginning"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() || parsed.port().is_some() {
            return Err(bad("an account or a port, which have settings of their own,"));
        }
        let bucket = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("no bucket"))?;
        let prefix = parsed.path().trim_matches('/');
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
        if !prefix.bytes().all(plain) || prefix.split('/').any(|part| part == "..") {
            return Err(bad("a prefix of more than letters, digits, '.', '_', '-' and '/'"));
        }
        let mut options = Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: None,
            region: REGION.to_owned(),
            path_style: false,
            access_key: None,
            secret_key: None,
            session_token: None,
            spool: spool.into(),
        };
        let mut path_style = None;
        for (name, value) in parsed.query_pairs() {
            match &*name {
                "endpoint" => {
                    let endpoint = Url::parse(&value).ok();
                    if !endpoint.is_some_and(|e| matches!(e.scheme(), "http" | "https") && e.has_host()) {
                        return Err(bad("an endpoint that is no http:// or https:// URL"));
                    }
                    options.endpoint = Some(value.into_owned());
                }
                "region" if !value.is_empty() => options.region = value.into_owned(),
                "path_style" => {
                    path_style =
                        Some(value.parse().map_err(|_| bad("a path_style other than true or false"))?);
                }
                other => return Err(bad(&format!("{other:?}, which is not known,"))),
            }
        }
        options.path_style = path_style.unwrap_or(options.endpoint.is_some());
        Ok(options)
    }

    /// Credentials that the settings left out, by the names that all S3 tools know: AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. They are taken together or not at all.
    #[must_use]
    pub fn or_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if self.access_key.is_none() && self.secret_key.is_none() {
            self.access_key = set("AWS_ACCESS_KEY_ID");
            self.secret_key = set("AWS_SECRET_ACCESS_KEY").map(SecretKey);
            self.session_token = set("AWS_SESSION_TOKEN").map(SecretKey);
        }
        self
    }
}

/// The URL without what follows an `@` by mistake.
fn shown(url: &str) -> String {
    match url.split_once('@') {
        Some((_, after)) => format!("s3://…@{after}"),
        None => url.to_owned(),
    }
}

impl SecretKey {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretKey {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl<'de> Deserialize<'de> for SecretKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_understood() {
        let options = |url: &str| Options::from_url(url, "/spool").unwrap();
        let aws = options("s3://bucket?region=eu-central-1");
        assert_eq!((aws.bucket.as_str(), aws.prefix.as_str(), aws.path_style), ("bucket", "", false));
        assert_eq!((aws.region.as_str(), aws.endpoint), ("eu-central-1", None));
        let other = options("s3://my.bucket/a/b/?endpoint=http://127.0.0.1:9000");
        assert_eq!(
            (other.bucket.as_str(), other.prefix.as_str(), other.path_style),
            ("my.bucket", "a/b", true)
        );
        assert_eq!(
            (other.region.as_str(), other.endpoint.as_deref()),
            (REGION, Some("http://127.0.0.1:9000"))
        );
        assert!(!options("s3://b?endpoint=https://s3.test&path_style=false").path_style);
    }

    #[test]
    fn urls_that_are_not_say_why() {
        let cases = [
            ("file:/tmp", "no s3://"),
            ("s3:///prefix", "no bucket"),
            ("s3://b?endpoint=127.0.0.1:9000", "no http://"),
            ("s3://b?path_style=maybe", "path_style"),
            ("s3://b?acl=public", "\"acl\""),
            ("s3://key:hunter2@b", "an account"),
            ("s3://b/é", "a prefix"),
        ];
        for (url, why) in cases {
            let error = Options::from_url(url, "/spool").unwrap_err().to_string();
            assert!(error.starts_with("blobs.url: ") && error.contains(why), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn credentials_come_together_and_do_not_show() {
        let environment = |name: &str| Some(format!("{name}-value"));
        let bare = Options::from_url("s3://b", "/spool").unwrap();
        let filled = bare.clone().or_environment(environment);
        assert_eq!(filled.access_key.as_deref(), Some("AWS_ACCESS_KEY_ID-value"));
        assert!(filled.secret_key.is_some() && filled.session_token.is_some());
        assert!(!format!("{filled:?}").contains("SECRET"), "{filled:?}");
        let half = Options { access_key: Some("own".into()), ..bare }.or_environment(environment);
        assert_eq!((half.access_key.as_deref(), half.secret_key), (Some("own"), None));
    }
}
