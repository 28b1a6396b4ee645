//! Where the broker is, and how it is told who asks.

use super::trouble;
use crate::ports::{Kind, PortError, Result};
use lapin::{tcp::OwnedTLSConfig, uri::AMQPUri};
use std::{fmt, path::PathBuf, time::Duration};

/// A connection of which nothing was heard for twice this long is dead. In seconds; `?heartbeat=` of the URL goes before.
const HEARTBEAT: u16 = 20;

#[derive(Clone)]
pub struct Options {
    /// `amqp://user:password@host:port/vhost`, or `amqps`. Without a vhost it is `/`.
    pub url: String,
    /// A PEM file of certificates that sign the broker's, beside the system's.
    pub ca: Option<PathBuf>,
    /// Messages that this process has of each queue at a time; bounds what it keeps in memory.
    pub prefetch: u16,
    /// Work that nobody has received for so long goes to the end of its queue: a broker closes the channel under what lies
    /// unanswered for longer than its time-out.
    pub hold: Duration,
    /// Deliveries of a message before the broker gives it to the dead letters.
    pub delivery_limit: u32,
    /// Shown at the broker beside the connections, and on every message as its `app_id`.
    pub name: String,
}

/// Without the URL, which holds a password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("ca", &self.ca)
            .field("prefetch", &self.prefetch)
            .field("hold", &self.hold)
            .field("delivery_limit", &self.delivery_limit)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(super) struct Target {
    pub uri: AMQPUri,
    pub tls: OwnedTLSConfig,
}

/// Scheme, host, port and vhost: what may be shown.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.uri;
        write!(f, "{scheme}://{}:{} (vhost {vhost:?})", authority.host, authority.port)
    }
}

impl Options {
    pub(super) fn target(&self) -> Result<Target> {
        let wrong = |what: &str| Err(PortError::new(Kind::Fail, what));
        if self.prefetch == 0 {
            return wrong(
                "queue.prefetch must be 1 or more: with 0 the broker would send everything at once",
            );
        }
        if self.delivery_limit == 0 {
            return wrong("queue.delivery_limit must be 1 or more");
        }
        // The parser's own message may repeat parts of the URL.
        let Ok(mut uri) = self.url.parse::<AMQPUri>() else {
            return wrong("queue.url is not of the form amqp://user:password@host:port/vhost");
        };
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let cert_chain = match &self.ca {
            None => None,
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                PortError::new(Kind::Fail, format!("queue.ca: {} can't be read", path.display()))
                    .because(error)
            })?),
        };
        if cert_chain.as_ref().is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----")) {
            return wrong("queue.ca holds no certificate in PEM form");
        }
        trouble::short("queue.name", &self.name)?;
        Ok(Target { uri, tls: OwnedTLSConfig { identity: None, cert_chain } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Options {
        Options {
            url: url.to_owned(),
            ca: None,
            prefetch: 8,
            hold: Duration::from_secs(600),
            delivery_limit: 20,
            name: "test".to_owned(),
        }
    }

    #[test]
    fn a_vhost_left_out_is_the_default_one() {
        for (url, vhost) in [
            ("amqp://h", "/"),
            ("amqp://h:5672/", "/"),
            ("amqp://u:p@h/%2f", "/"),
            ("amqp://u:p@h/prod", "prod"),
        ] {
            assert_eq!(options(url).target().unwrap().uri.vhost, vhost, "{url}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let good = options("amqp://lazaret:hunter2@h:1/v");
        assert!(!format!("{good:?} {}", good.target().unwrap()).contains("hunter2"));
        for url in ["amqp://lazaret:hunter2@h:99999/v", "http://lazaret:hunter2@h", "hunter2"] {
            let error = options(url).target().err().expect("a wrong URL");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
            assert!(error.to_string().contains("queue.url"), "{error}");
        }
    }

    #[test]
    fn zeros_are_refused_by_name() {
        let none = Options { prefetch: 0, ..options("amqp://h") };
        assert!(none.target().err().unwrap().to_string().contains("queue.prefetch"));
        let none = Options { delivery_limit: 0, ..options("amqp://h") };
        assert!(none.target().err().unwrap().to_string().contains("queue.delivery_limit"));
    }

    #[test]
    fn a_missing_or_empty_certificate_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let missing = Options { ca: Some(path.clone()), ..options("amqps://h") };
        assert!(missing.target().err().unwrap().to_string().starts_with("queue.ca"));
        std::fs::write(&path, "nothing").unwrap();
        assert!(missing.target().err().unwrap().to_string().starts_with("queue.ca"));
    }
}
