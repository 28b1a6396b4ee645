//! Durations, sizes and secrets as they are written in settings.

use serde::{Deserialize, Deserializer};
use std::{fmt, ops::Deref, str::FromStr, time::Duration};

/// A duration such as `30s`: a whole number and `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let error = || format!("a duration such as 500ms, 30s, 10m, 2h or 7d; got {s:?}");
        let digits = s.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = s[..digits].parse().map_err(|_| error())?;
        let unit_ms = match s[digits..].trim_start() {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(error()),
        };
        number.checked_mul(unit_ms).map(|ms| Self(Duration::from_millis(ms))).ok_or_else(error)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let (number, unit) = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")]
            .into_iter()
            .find(|(unit, _)| ms >= *unit && ms.is_multiple_of(*unit))
            .map_or((ms, "ms"), |(unit, name)| (ms / unit, name));
        write!(f, "{number}{unit}")
    }
}

/// A size in bytes such as `64MiB`, `1GiB` or `1000`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let error = || format!("a size such as 1000, 64KiB, 20MiB or 1GiB; got {s:?}");
        let digits = s.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = s[..digits].parse().map_err(|_| error())?;
        let unit: u64 = match s[digits..].trim_start() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(error()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(error)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
            .into_iter()
            .find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit))
            .unwrap_or((1, "B"));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a size such as 1000, \"64KiB\", \"20MiB\" or \"1GiB\"")]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// 32 secret bytes, written as 64 hex digits; `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl FromStr for Secret {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        // The text itself stays out of the error.
        let error = || "a secret of 32 bytes, as 64 hex digits".to_owned();
        let mut bytes = [0; 32];
        if s.len() != 64 || !s.is_ascii() {
            return Err(error());
        }
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&s[2 * i..2 * i + 2], 16).map_err(|_| error())?;
        }
        Ok(Self(bytes))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A password or another secret text; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "[secret]" })
    }
}

/// A URL of something to connect to; `Debug` does not show the password in it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Connection(pub String);

impl Connection {
    /// With `password`, where that is not empty and the URL has none.
    pub fn with_password(&self, password: &Hidden) -> String {
        match url::Url::parse(&self.0) {
            Ok(mut url) if !password.0.is_empty() && url.password().is_none() => {
                match url.set_password(Some(&password.0)) {
                    Ok(()) => url.to_string(),
                    Err(()) => self.0.clone(),
                }
            }
            _ => self.0.clone(),
        }
    }
}

impl Deref for Connection {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match url::Url::parse(&self.0) {
            Ok(mut url) if url.password().is_some() => match url.set_password(Some("***")) {
                Ok(()) => f.write_str(url.as_str()),
                Err(()) => f.write_str(url.scheme()),
            },
            // Something with an @ that is no URL may hold a password anywhere.
            Err(_) if self.0.contains('@') => f.write_str("[not a URL]"),
            _ => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes() {
        for (text, ms) in
            [("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("7d", 604_800_000)]
        {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.0.as_millis(), format!("{span:?}").as_str()), (ms, text));
        }
        for (text, bytes) in [("7B", 7), ("64KiB", 65_536), ("20MiB", 20_971_520), ("1GiB", 1 << 30)] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, text));
        }
        for bad in
            ["", "s", "-1s", "1.5h", "10 fortnights", "99999999999999999999s", "18446744073709551615d", "3 é"]
        {
            assert!(bad.parse::<Span>().is_err() && bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_come_from_beside_the_url_and_do_not_show() {
        let url = |text: &str| Connection(text.to_owned());
        let hidden = Hidden("a/b c".to_owned());
        assert_eq!(url("amqp://u@h/v").with_password(&hidden), "amqp://u:a%2Fb%20c@h/v");
        assert_eq!(url("amqp://u:own@h/v").with_password(&hidden), "amqp://u:own@h/v");
        assert_eq!(url("sqlite:").with_password(&Hidden::default()), "sqlite:");
        for (text, shown) in [
            ("postgres://u:secret@h/d", "postgres://u:***@h/d"),
            ("sqlite:", "sqlite:"),
            ("u secret@h", "[not a URL]"),
        ] {
            assert_eq!(url(text).to_string(), shown);
        }
        assert_eq!(format!("{:?} {:?}", url("amqp://u:secret@h"), hidden), "\"amqp://u:***@h\" [secret]");
    }

    #[test]
    fn secrets_do_not_show() {
        let secret: Secret = "ab".repeat(32).parse().unwrap();
        assert_eq!(format!("{secret:?}"), "[secret]");
        let wrong = "0123secret".parse::<Secret>().unwrap_err();
        assert!(!wrong.contains("0123"));
    }
}
