//! Tenants' webhooks, after Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

mod answer;
mod caller;
mod client;
pub(crate) mod places;
mod schedule;
mod secret;

pub use caller::{Caller, Options};
pub use client::Client;
pub use schedule::Schedule;
pub use secret::{BadSecret, Secret};

use crate::{ports::store::OutboxEntry, upload::TenantId};
use std::collections::BTreeMap;
use url::{Host, Url};

/// Somebody of a tenant's who wants to be told.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Unique among all webhooks; stands in the store, so a new name is a new webhook.
    pub name: String,
    pub tenant: TenantId,
    pub url: Url,
    /// All of them sign, the first one first: to rotate, put the new one first, and take the old one out later.
    pub secrets: Vec<Secret>,
    /// Such as `upload.published`; empty for all.
    pub events: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum BadWebhook {
    #[error("webhook {0:?} is there twice; give each a name of its own")]
    Twice(String),
    #[error("webhook {0:?} has no secret; write one as \"whsec_\" and base64")]
    NoSecret(String),
    #[error(
        "webhook {0:?} needs an https URL without a user or password; http only with events.allow_private"
    )]
    Url(String),
    #[error("webhook {0:?} leads to a private address; only events.allow_private permits that")]
    Private(String),
    #[error(
        "webhook {webhook:?} asks for {event:?}; there are upload.published, upload.review, upload.quarantined, \
         upload.erased, appeal.upheld, appeal.rejected, stream.warned, stream.cut and stream.cleared"
    )]
    Event { webhook: String, event: String },
}

const EVENTS: [&str; 9] = [
    "upload.published",
    "upload.review",
    "upload.quarantined",
    "upload.erased",
    "appeal.upheld",
    "appeal.rejected",
    "stream.warned",
    "stream.cut",
    "stream.cleared",
];

/// All webhooks, by name.
#[derive(Debug, Clone, Default)]
pub struct Webhooks(BTreeMap<String, Webhook>);

impl Webhooks {
    /// `allow_private` permits private addresses and plain http: for tests and intranets.
    pub fn new(all: impl IntoIterator<Item = Webhook>, allow_private: bool) -> Result<Self, BadWebhook> {
        let mut webhooks = BTreeMap::new();
        for webhook in all {
            webhook.check(allow_private)?;
            let name = webhook.name.clone();
            if webhooks.insert(name.clone(), webhook).is_some() {
                return Err(BadWebhook::Twice(name));
            }
        }
        Ok(Self(webhooks))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&Webhook> {
        self.0.get(name)
    }

    /// Names of those that are to be called with the entry.
    pub fn of(&self, entry: &OutboxEntry) -> Vec<String> {
        let wants = |webhook: &&Webhook| {
            webhook.tenant == entry.tenant
                && (webhook.events.is_empty() || webhook.events.contains(&entry.kind))
        };
        self.0.values().filter(wants).map(|webhook| webhook.name.clone()).collect()
    }
}

impl Webhook {
    fn check(&self, allow_private: bool) -> Result<(), BadWebhook> {
        let name = || self.name.clone();
        if self.secrets.is_empty() {
            return Err(BadWebhook::NoSecret(name()));
        }
        let scheme = self.url.scheme() == "https" || (allow_private && self.url.scheme() == "http");
        if !scheme || !self.url.username().is_empty() || self.url.password().is_some() {
            return Err(BadWebhook::Url(name()));
        }
        if !allow_private && !leads_outside(&self.url) {
            return Err(BadWebhook::Private(name()));
        }
        match self.events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
            Some(event) => Err(BadWebhook::Event { webhook: name(), event: event.clone() }),
            None => Ok(()),
        }
    }
}

/// Of a URL whose host is an address. A name is judged when it is resolved.
pub(crate) fn leads_outside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => places::is_public(address.into()),
        Some(Host::Ipv6(address)) => places::is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(name: &str, url: &str, events: &[&str]) -> Webhook {
        Webhook {
            name: name.into(),
            tenant: "acme".parse().unwrap(),
            url: url.parse().unwrap(),
            secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()],
            events: events.iter().map(|&event| event.to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_no_webhook_is_refused() {
        let refused = |url: &str, private| Webhooks::new([webhook("w", url, &[])], private).is_err();
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "https://me:secret@example.com/",
            "https://10.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
        ] {
            assert!(refused(url, false), "{url}");
        }
        assert!(!refused("https://example.com/hook", false) && !refused("http://127.0.0.1:9/", true));
        let twice = || webhook("w", "https://example.com/", &[]);
        assert!(matches!(Webhooks::new([twice(), twice()], false), Err(BadWebhook::Twice(_))));
        let none = Webhook { secrets: Vec::new(), ..twice() };
        assert!(matches!(Webhooks::new([none], false), Err(BadWebhook::NoSecret(_))));
        let unknown = webhook("w", "https://example.com/", &["upload.gone"]);
        assert!(matches!(Webhooks::new([unknown], false), Err(BadWebhook::Event { .. })));
    }

    #[test]
    fn an_entry_concerns_its_tenants_webhooks_that_want_it() {
        let other = Webhook { tenant: "other".parse().unwrap(), ..webhook("o", "https://example.com/", &[]) };
        let all = webhook("a", "https://example.com/", &[]);
        let some = webhook("s", "https://example.com/", &["upload.review"]);
        let webhooks = Webhooks::new([other, all, some], false).unwrap();
        let entry = |kind: &str| OutboxEntry {
            sequence: 1,
            upload: crate::upload::UploadId::new(jiff::Timestamp::UNIX_EPOCH, &[0; 10]),
            tenant: "acme".parse().unwrap(),
            kind: kind.into(),
            body: "{}".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert_eq!(webhooks.of(&entry("upload.review")), ["a", "s"]);
        assert_eq!(webhooks.of(&entry("upload.published")), ["a"]);
    }
}
