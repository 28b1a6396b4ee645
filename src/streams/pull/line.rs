//! A connection to a source, plain or under TLS.

use super::{place::Rules, trouble::Trouble};
use std::{sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, Error, crypto::aws_lc_rs, pki_types::ServerName},
};
use url::Url;

/// To agree on how to encrypt.
const SHAKE: Duration = Duration::from_secs(10);

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Makes connections to addresses that may be connected to.
#[derive(Clone)]
pub struct Dial {
    rules: Rules,
    tls: TlsConnector,
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dial").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Dial {
    /// Trusts whom this machine trusts, as the HTTP client does.
    pub fn new(rules: Rules) -> Result<Self, Error> {
        use rustls_platform_verifier::BuilderVerifierExt;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_platform_verifier()?.with_no_client_auth();
        Ok(Self { rules, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// `ports` are those of the scheme without TLS and with it. What brings nothing for as long as `stall` is given up.
    pub async fn connect(&self, url: &Url, ports: (u16, u16), stall: Duration) -> Result<Line, Trouble> {
        let is_secure = is_secure(url);
        let stream = self.rules.connect(url, if is_secure { ports.1 } else { ports.0 }).await?;
        if !is_secure {
            return Ok(Line { stream: Box::new(stream), stall });
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name =
            ServerName::try_from(host).map_err(|_| Trouble::nonsense("no certificate has such a name"))?;
        let shaken = tokio::time::timeout(SHAKE.min(stall), self.tls.connect(name, stream)).await;
        let stream = shaken
            .map_err(|_| Trouble::stalled(SHAKE.min(stall).as_secs()))?
            .map_err(|e| Trouble::unreachable(format!("TLS: {e}")))?;
        Ok(Line { stream: Box::new(stream), stall })
    }
}

/// The scheme is one that ends in `s`: rtmps, rtsps.
pub fn is_secure(url: &Url) -> bool {
    url.scheme().ends_with('s')
}

pub struct Line {
    stream: Box<dyn Duplex>,
    pub stall: Duration,
}

impl Line {
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match tokio::time::timeout(self.stall, sending).await {
            Ok(sent) => sent.map_err(|error| Trouble::unreachable(error.to_string())),
            Err(_) => Err(Trouble::stalled(self.stall.as_secs())),
        }
    }

    /// More bytes; how many.
    pub async fn more(&mut self, buffer: &mut bytes::BytesMut, most: usize) -> Result<usize, Trouble> {
        buffer.reserve(most);
        match tokio::time::timeout(self.stall, self.stream.read_buf(buffer)).await {
            Ok(Ok(0)) => Err(Trouble::unreachable("the connection was closed")),
            Ok(Ok(read)) => Ok(read),
            Ok(Err(error)) => Err(Trouble::unreachable(error.to_string())),
            Err(_) => Err(Trouble::stalled(self.stall.as_secs())),
        }
    }
}
