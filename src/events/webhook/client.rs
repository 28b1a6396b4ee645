//! One call of a webhook over HTTP.

use super::{
    Webhook,
    answer::{Answer, judge},
    leads_outside,
    places::Public,
    secret::signatures,
};
use crate::events::cloud;
use jiff::Timestamp;
use reqwest::{Response, header, redirect::Policy};
use std::{error::Error, sync::Arc, time::Duration};

/// As much of an answer as is read.
const ANSWER_BYTES: usize = 64 * 1024;
const CONNECT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("lazaret/", env!("CARGO_PKG_VERSION"));

/// Copies share connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    allow_private: bool,
}

impl Client {
    /// `deadline` is for all of a call. Proxies that the environment names are not used: they would resolve names by
    /// themselves.
    pub fn new(deadline: Duration, allow_private: bool) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(AGENT)
            .connect_timeout(CONNECT.min(deadline))
            .timeout(deadline)
            .https_only(!allow_private);
        let http = if allow_private { http } else { http.dns_resolver(Arc::new(Public)) };
        Ok(Self { http: http.build()?, allow_private })
    }

    /// Tells the webhook. `id` is the same every time it is told this.
    pub(super) async fn call(&self, webhook: &Webhook, id: &str, event: Vec<u8>, now: Timestamp) -> Answer {
        // No resolver is asked about an address.
        if !self.allow_private && !leads_outside(&webhook.url) {
            return failed(
                "the URL leads to a private address; events.allow_private permits that".to_owned(),
            );
        }
        let timestamp = now.as_second();
        let request = self
            .http
            .post(webhook.url.clone())
            .header(header::CONTENT_TYPE, cloud::MEDIA_TYPE)
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures(&webhook.secrets, id, timestamp, &event))
            .body(event);
        match request.send().await {
            Ok(response) => answer(response, now).await,
            Err(error) => failed(causes(&error.without_url())),
        }
    }
}

async fn answer(mut response: Response, now: Timestamp) -> Answer {
    let status = response.status().as_u16();
    let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.map(str::to_owned);
    // Whatever becomes of the body, the status was said.
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        let room = ANSWER_BYTES - body.len();
        body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if body.len() == ANSWER_BYTES {
            break;
        }
    }
    judge(status, after.as_deref(), &body, now)
}

fn failed(error: String) -> Answer {
    Answer::Failed { error, asked: None }
}

/// An error with what is behind it, each once; without the URL, which may hold a token.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
