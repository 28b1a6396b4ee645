//! Requests of a source over HTTP. Each hop's address is checked, by whoever connects to it.

use super::{place::Rules, trouble::Trouble};
use bytes::{Bytes, BytesMut};
use reqwest::{
    Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::Policy,
};
use std::{sync::Arc, time::Duration};
use url::Url;

const CONNECT: Duration = Duration::from_secs(10);
const HOPS: usize = 5;

/// Resolves to what may be connected to, and to nothing else.
struct Permitted(Rules);

impl Resolve for Permitted {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0.clone();
        Box::pin(async move {
            // The port is put in by who connects.
            let addresses = rules.resolve(name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    rules: Rules,
    stall: Duration,
}

impl Http {
    /// An answer that brings nothing for as long as `stall` is given up.
    pub fn new(rules: Rules, stall: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT)
            .read_timeout(stall)
            .user_agent("lazaret");
        let client = client.dns_resolver(Arc::new(Permitted(rules.clone())));
        Ok(Self { client: client.build()?, rules, stall })
    }

    /// The answer, and the URL that it came from. `range` is first byte and length.
    pub async fn get(&self, url: &Url, range: Option<(u64, u64)>) -> Result<(Response, Url), Trouble> {
        let mut url = url.clone();
        for _ in 0..=HOPS {
            if !matches!(url.scheme(), "http" | "https") {
                let scheme: String = url.scheme().chars().take(16).collect();
                return Err(Trouble::new("source.forbidden", format!("{scheme}: is not followed")));
            }
            if !self.rules.permits(&url) {
                return Err(Trouble::private(url.host_str().unwrap_or_default()));
            }
            let mut request = self.client.get(url.clone());
            if let Some((from, length)) = range {
                let last = from.saturating_add(length).saturating_sub(1);
                request = request.header(header::RANGE, format!("bytes={from}-{last}"));
            }
            let answer = request.send().await.map_err(|error| self.trouble(error))?;
            let status = answer.status();
            if status.is_redirection() {
                let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| url.join(to).ok());
                url = to.ok_or_else(|| Trouble::nonsense("it redirects to nowhere"))?;
                continue;
            }
            if range.is_some() && status != StatusCode::PARTIAL_CONTENT {
                return Err(Trouble::nonsense(format!("a part was asked for, and it answered {status}")));
            }
            if !status.is_success() {
                return Err(Trouble::new("source.refused", format!("it answered {status}")));
            }
            return Ok((answer, url));
        }
        Err(Trouble::nonsense(format!("it redirects more than {HOPS} times")))
    }

    /// The next bytes of an answer; `None` at its end.
    pub async fn more(&self, answer: &mut Response) -> Result<Option<Bytes>, Trouble> {
        answer.chunk().await.map_err(|error| self.trouble(error))
    }

    /// All of an answer that is short.
    pub async fn whole(&self, answer: &mut Response, first: Bytes, most: usize) -> Result<Bytes, Trouble> {
        let mut all = BytesMut::from(&first[..]);
        while let Some(more) = self.more(answer).await? {
            if all.len() + more.len() > most {
                return Err(Trouble::nonsense(format!("an answer of more than {most} bytes")));
            }
            all.extend_from_slice(&more);
        }
        Ok(all.freeze())
    }

    fn trouble(&self, error: reqwest::Error) -> Trouble {
        let error = error.without_url();
        if error.is_timeout() && !error.is_connect() {
            return Trouble::stalled(self.stall.as_secs());
        }
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            text = format!("{text}: {deeper}");
            if let Some(trouble) = deeper.downcast_ref::<Trouble>() {
                return trouble.clone();
            }
            cause = deeper.source();
        }
        Trouble::unreachable(text)
    }
}
