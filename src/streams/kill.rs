//! The hook that ends a stream where it is published, called at each cut, and again while frames come all the same. For
//! MediaMTX, whose API lists publishers by connection, the URL is `http://127.0.0.1:9997/v3/rtmpconns/kick/{external_id}`,
//! with its connection's id as the stream's `external_id`.

use super::window::State;
use crate::{
    events::webhook::{leads_outside, places::Public},
    ports::streams::Stream,
    upload::TenantId,
};
use futures_util::future::join_all;
use reqwest::{header, redirect::Policy};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use url::Url;

/// Pauses before it is tried again: all of it within the time in which a cut is still worth something.
const AGAIN: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];
const DEADLINE: Duration = Duration::from_secs(3);
const NO_URL: &str = "a URL that is not one";

/// A tenant's hook. `{id}` and `{external_id}` in the URL stand for the stream's.
#[derive(Debug, Clone)]
pub struct Hook {
    pub tenant: TenantId,
    pub url: String,
    /// The header Authorization, if there is to be one; marked as sensitive.
    pub authorization: Option<header::HeaderValue>,
}

#[derive(Debug, thiserror::Error)]
pub enum BadHook {
    #[error("{0} needs to be an https URL without a user or password; http only with streams.allow_private")]
    Url(String),
    #[error("{0} leads to a private address; only streams.allow_private permits that")]
    Private(String),
    #[error("the client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// Copies share connections.
#[derive(Debug, Clone, Default)]
pub struct Kill {
    hooks: Arc<BTreeMap<TenantId, Vec<Hook>>>,
    http: Option<reqwest::Client>,
}

impl Kill {
    /// `allow_private` permits private addresses and plain http.
    pub fn new(all: impl IntoIterator<Item = Hook>, allow_private: bool) -> Result<Self, BadHook> {
        let mut hooks: BTreeMap<TenantId, Vec<Hook>> = BTreeMap::new();
        for hook in all {
            // What a stream's ids change is behind the host.
            let url = filled(&hook.url, "0", "0").ok_or_else(|| BadHook::Url(NO_URL.to_owned()))?;
            let scheme = url.scheme() == "https" || (allow_private && url.scheme() == "http");
            if !scheme || !url.username().is_empty() || url.password().is_some() {
                return Err(BadHook::Url(told(&url)));
            }
            if !allow_private && !leads_outside(&url) {
                return Err(BadHook::Private(told(&url)));
            }
            hooks.entry(hook.tenant.clone()).or_default().push(hook);
        }
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .timeout(DEADLINE)
            .https_only(!allow_private);
        let client = if allow_private { client } else { client.dns_resolver(Arc::new(Public)) };
        let http = if hooks.is_empty() { None } else { Some(client.build()?) };
        Ok(Self { hooks: Arc::new(hooks), http })
    }

    pub(super) fn concerns(&self, tenant: &TenantId) -> bool {
        self.hooks.contains_key(tenant)
    }

    /// Calls the tenant's hooks, each until it answers with 2xx, or with 404: then there is nobody left to end. None waits for
    /// another.
    pub(super) async fn kill(&self, stream: &Stream, state: State) {
        let hooks = self.hooks.get(&stream.tenant).into_iter().flatten();
        join_all(hooks.map(|hook| self.until_ended(hook, stream, state))).await;
    }

    async fn until_ended(&self, hook: &Hook, stream: &Stream, state: State) {
        let mut pauses = AGAIN.iter();
        while let Err(error) = self.call(hook, stream, state).await {
            let Some(pause) = pauses.next() else {
                tracing::error!(stream.id = %stream.id, error, "a stream that was cut could not be ended by its hook");
                return;
            };
            tokio::time::sleep(*pause).await;
        }
    }

    async fn call(&self, hook: &Hook, stream: &Stream, state: State) -> Result<(), String> {
        let id = stream.id.to_string();
        let external = stream.external_id.as_deref().unwrap_or_default();
        let (Some(url), Some(http)) = (filled(&hook.url, &id, external), &self.http) else {
            return Err("the hook's URL cannot be made".to_owned());
        };
        let said = serde_json::json!({
            "id": id, "external_id": stream.external_id, "decision": state.standing, "reason": state.because,
        });
        let mut request = http.post(url).json(&said);
        if let Some(authorization) = &hook.authorization {
            request = request.header(header::AUTHORIZATION, authorization.clone());
        }
        match request.send().await {
            Ok(answer) if answer.status().is_success() || answer.status() == 404 => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status().as_u16())),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

/// Scheme and host: what stands before and behind may be a password or a token.
fn told(url: &Url) -> String {
    url.host_str().map_or_else(|| NO_URL.to_owned(), |host| format!("{}://{host}", url.scheme()))
}

/// The URL, with the ids as one path segment each whatever they are made of.
fn filled(url: &str, id: &str, external_id: &str) -> Option<Url> {
    let escaped = |text: &str| {
        let mut url = Url::parse("http://x").ok()?;
        // Dots alone would be taken as steps.
        let text = if text.chars().all(|c| c == '.') { "-" } else { text };
        url.path_segments_mut().ok()?.push(text);
        Some(url.path().trim_start_matches('/').to_owned())
    };
    Url::parse(&url.replace("{id}", &escaped(id)?).replace("{external_id}", &escaped(external_id)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, private: bool) -> bool {
        let hook = Hook { tenant: "acme".parse().unwrap(), url: url.to_owned(), authorization: None };
        Kill::new([hook], private).is_err()
    }

    #[test]
    fn a_hook_leads_nowhere_private_unless_that_is_permitted() {
        let mediamtx = "http://127.0.0.1:9997/v3/rtmpconns/kick/{external_id}";
        for url in [
            mediamtx,
            "https://10.0.0.1/{id}",
            "https://[::1]/",
            "https://169.254.169.254/{id}",
            "http://example.com/",
            "https://me:secret@example.com/",
            "ftp://example.com/",
            "no url",
        ] {
            assert!(refused(url, false), "{url}");
        }
        assert!(!refused("https://example.com/kick/{id}", false) && !refused(mediamtx, true));
    }

    #[test]
    fn a_refusal_tells_no_password_and_no_token() {
        for (url, said) in [
            ("https://me:secret@example.com/kick?token=secret", "https://example.com needs"),
            ("http://example.com/secret/{id}", "http://example.com needs"),
            ("https://10.0.0.1/kick?token=secret", "https://10.0.0.1 leads"),
            ("no url, but a secret", "a URL that is not one needs"),
            ("secret:secret", "a URL that is not one needs"),
        ] {
            let hook = Hook { tenant: "acme".parse().unwrap(), url: url.to_owned(), authorization: None };
            let error = Kill::new([hook], false).unwrap_err();
            let all = format!("{error} {error:?}");
            assert!(all.starts_with(said) && !all.contains("secret"), "{url}: {all}");
        }
    }

    #[test]
    fn an_id_stays_one_segment() {
        let url = |external| filled("http://h/kick/{external_id}?a=1", "i", external).unwrap().to_string();
        assert_eq!(url("abc-1"), "http://h/kick/abc-1?a=1");
        assert_eq!(url("../../x?y#z"), "http://h/kick/..%2F..%2Fx%3Fy%23z?a=1");
        assert_eq!(url(".."), "http://h/kick/-?a=1");
    }
}
