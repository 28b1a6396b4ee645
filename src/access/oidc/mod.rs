//! Sign-in by somebody else's word: OpenID Connect, the authorization code with PKCE. Tokens stay on the server, and are
//! forgotten once they are read. The word stands for the password, and not for the second factor.
//!
//! <https://openid.net/specs/openid-connect-core-1_0.html>, sections 3.1.2 and 3.1.3; RFC 7636 for PKCE.

pub mod jwt;

use super::{Token, session::same};
use crate::ports::{Kind, PortError};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jwt::{Claims, Keys};
use reqwest::{Client, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use url::Url;

#[derive(Clone)]
pub struct Options {
    /// As the provider names itself.
    pub issuer: String,
    pub client_id: String,
    /// Holds a secret: it has no `Debug`.
    pub client_secret: String,
    /// Where the provider sends people back to.
    pub redirect: String,
    /// For the button.
    pub name: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// For the log; who signs in is told less.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Who the provider says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// Lower case; absent where the provider does not vouch for it.
    pub email: Option<String>,
}

/// Copies share everything.
#[derive(Clone)]
pub struct Provider {
    pub options: Options,
    http: Client,
    known: Arc<Mutex<Option<Known>>>,
}

#[derive(Clone)]
struct Known {
    places: Places,
    keys: Keys,
    at: Instant,
}

#[derive(Debug, Clone, Deserialize)]
struct Places {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

const DEADLINE: Duration = Duration::from_secs(10);
/// What the provider said of itself is asked for again after so long, and for keys that are not known no more often than
/// that.
const FRESH: Duration = Duration::from_secs(3600);
const AGAIN: Duration = Duration::from_secs(30);
/// The largest answer, in bytes.
const LARGEST: usize = 256 * 1024;

impl Provider {
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(options: Options) -> Result<Self, String> {
        let issuer = Url::parse(&options.issuer).map_err(|e| format!("console.oidc.issuer: {e}"))?;
        if !is_safe(&issuer) {
            return Err("console.oidc.issuer: expected an https URL (http on loopback alone)".into());
        }
        let http = Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .timeout(DEADLINE)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self { options, http, known: Arc::default() })
    }

    /// Where somebody goes to sign in. `secret` is what their browser keeps meanwhile.
    pub async fn begin(&self, secret: &Token) -> Result<String, Failure> {
        let known = self.known(None).await?;
        let mut url = endpoint(&known.places.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("scope", "openid email")
            .append_pair("client_id", &self.options.client_id)
            .append_pair("redirect_uri", &self.options.redirect)
            .append_pair("state", &state(secret))
            .append_pair("nonce", &secret.derive("oidc nonce"))
            .append_pair("code_challenge", &challenge(&verifier(secret)))
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Who it is, by the code that came back with this state.
    pub async fn end(
        &self,
        secret: &Token,
        said: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Identity, Failure> {
        if !same(said, &state(secret)) {
            return Err(Failure::Refused("the state is not the one that was given".into()));
        }
        let known = self.known(None).await?;
        let body = form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.options.redirect),
            ("code_verifier", &verifier(secret)),
        ]);
        let request = self
            .http
            .post(endpoint(&known.places.token_endpoint)?)
            .basic_auth(encoded(&self.options.client_id), Some(encoded(&self.options.client_secret)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let Tokens { id_token } = self.answer(request).await?;
        let head = jwt::head(&id_token).map_err(Failure::Refused)?;
        let known = if known.keys.has(&head) { known } else { self.known(Some(&head)).await? };
        let claims = known.keys.verify(&id_token).map_err(Failure::Refused)?;
        self.judge(claims, &secret.derive("oidc nonce"), now)
    }

    fn judge(&self, claims: Claims, nonce: &str, now: Timestamp) -> Result<Identity, Failure> {
        jwt::check(&claims, &self.options.issuer, &self.options.client_id, nonce, now)
            .map_err(|why| Failure::Refused(why.to_owned()))?;
        let vouched = claims.email_verified == Some(true);
        Ok(Identity {
            issuer: claims.iss,
            subject: claims.sub,
            email: claims.email.filter(|_| vouched).map(|email| email.trim().to_lowercase()),
        })
    }

    /// What the provider says of itself; asked anew for a key that is not among those that are known.
    async fn known(&self, lacks: Option<&jwt::Head>) -> Result<Known, Failure> {
        let mut slot = self.known.lock().await;
        if let Some(known) = &*slot {
            let lacking = lacks.is_some_and(|head| !known.keys.has(head));
            let age = known.at.elapsed();
            if age < AGAIN || (age < FRESH && !lacking) {
                return Ok(known.clone());
            }
        }
        let issuer = self.options.issuer.trim_end_matches('/');
        let url = endpoint(&format!("{issuer}/.well-known/openid-configuration"))?;
        let places: Places = self.answer(self.http.get(url)).await?;
        if places.issuer != self.options.issuer {
            let why =
                format!("the provider names itself {:?}, and not as console.oidc.issuer says", places.issuer);
            return Err(Failure::Refused(why));
        }
        let keys: Keys = self.answer(self.http.get(endpoint(&places.jwks_uri)?)).await?;
        Ok(slot.insert(Known { places, keys, at: Instant::now() }).clone())
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Failure> {
        // URLs and bodies hold codes: they stay out of errors.
        let away = |e: reqwest::Error| {
            PortError::new(Kind::Retry, "the sign-in provider does not answer").because(e.without_url())
        };
        let mut answer = request.header("accept", "application/json").send().await.map_err(away)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Failure::Refused(format!("the provider answered {status}")));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
                return Err(Failure::Refused("the provider's answer is too long".into()));
            }
        }
        serde_json::from_slice(&bytes)
            .map_err(|_| Failure::Refused("the provider's answer is not understood".into()))
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn state(secret: &Token) -> String {
    secret.derive("oidc state")
}

/// 43 characters, as RFC 7636 asks for.
fn verifier(secret: &Token) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.derive("oidc verifier")))
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// RFC 6749, 2.3.1.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn endpoint(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(is_safe);
    url.ok_or_else(|| Failure::Refused("the provider names a place that is no https URL".into()))
}

fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let challenged = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenged, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let secret = Token::mint(&crate::ports::random::SystemRandom).unwrap();
        assert_eq!(verifier(&secret).len(), 43);
        assert_ne!(state(&secret), secret.derive("oidc nonce"));
    }

    #[test]
    fn only_https_is_spoken_beyond_loopback() {
        for (url, safe) in [
            ("https://id.example.org", true),
            ("http://127.0.0.1:9/x", true),
            ("http://localhost", true),
            ("http://id.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_safe(&Url::parse(url).unwrap()), safe, "{url}");
        }
    }
}
