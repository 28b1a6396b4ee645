//! Where a clamd listens.

use std::{fmt, path::PathBuf, str::FromStr};

/// `unix:/path/to/socket` or `host:port`, also written `tcp://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Unix(PathBuf),
    Tcp { host: String, port: u16 },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no clamd address: {why}; write unix:/path/to/socket or host:port")]
pub struct AddressError {
    given: String,
    why: &'static str,
}

/// `sun_path` holds 108 bytes, the last of which is the final zero.
pub(crate) const LONGEST_SOCKET_PATH: usize = 107;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let refuse = |why| Err(AddressError { given: given.to_owned(), why });
        if let Some(path) = given.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                p if !p.starts_with('/') => refuse("the socket's path is not absolute"),
                p if p.len() > LONGEST_SOCKET_PATH => refuse("the socket's path is longer than 107 bytes"),
                p if p.contains('\0') => refuse("the socket's path holds a zero byte"),
                p => Ok(Self::Unix(PathBuf::from(p))),
            };
        }
        let rest = given.strip_prefix("tcp://").or_else(|| given.strip_prefix("tcp:")).unwrap_or(given);
        let Some((host, port)) = rest.rsplit_once(':') else { return refuse("there is no port") };
        let host = match host.strip_prefix('[').map(|h| h.strip_suffix(']')) {
            Some(Some(inner)) => inner,
            Some(None) => return refuse("a bracket is not closed"),
            None if host.contains(':') => return refuse("an IPv6 address stands in brackets"),
            None => host,
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
            return refuse("the host is empty or malformed");
        }
        match port.parse() {
            Ok(0) | Err(_) => refuse("the port is not a number from 1 to 65535"),
            Ok(port) => Ok(Self::Tcp { host: host.to_owned(), port }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_address() {
        for (given, shown) in [
            ("unix:/run/clamd.sock", "unix:/run/clamd.sock"),
            ("unix:///run/clamd.sock", "unix:/run/clamd.sock"),
            ("clamd-1:3310", "clamd-1:3310"),
            ("tcp://10.0.0.1:3310", "10.0.0.1:3310"),
            ("[::1]:3310", "[::1]:3310"),
        ] {
            assert_eq!(given.parse::<Address>().unwrap().to_string(), shown);
        }
        for (given, why) in [
            ("unix:clamd.sock", "not absolute"),
            ("clamd", "no port"),
            ("clamd:0", "1 to 65535"),
            ("clamd:70000", "1 to 65535"),
            (":3310", "host is empty"),
            ("::1:3310", "brackets"),
            ("[::1:3310", "not closed"),
            ("http://clamd:3310", "brackets"),
            ("a b:3310", "malformed"),
            (&format!("unix:/{}", "x".repeat(107)), "107"),
        ] {
            let error = given.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("unix:/path/to/socket"), "{given}: {error}");
        }
    }
}
