//! What a source's URL asks for over SRT, and the same for the program that speaks it. Pure.

use std::{fmt, net::SocketAddr};
use url::Url;

/// Longest stream id, and shortest and longest passphrase, in bytes (SRTO_STREAMID, SRTO_PASSPHRASE in libsrt's manual).
const STREAM_ID: usize = 512;
const PASSPHRASE: (usize, usize) = (10, 79);
/// The longest that packets are waited for, in milliseconds: what is judged is as old as that.
const LATENCY: u32 = 10_000;
/// For an answer to the first packet, in milliseconds.
const ANSWER: u32 = 3_000;

/// Holds secrets.
#[derive(Default, PartialEq)]
pub struct Asked {
    host: String,
    port: u16,
    stream_id: Option<String>,
    passphrase: Option<String>,
    key_length: Option<u32>,
    latency: Option<u32>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Asked {
    /// The error says what is wrong with it, and nothing of what it holds.
    pub fn read(url: &Url) -> Result<Self, &'static str> {
        let port = url.port().filter(|port| *port > 0).ok_or("it names no port")?;
        if !matches!(url.path(), "" | "/") {
            return Err("it has a path: what is asked for is said by streamid");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a name or a password: a secret is said by passphrase");
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let mut asked = Self { host, port, ..Self::default() };
        let mut mode = None;
        for (name, value) in parameters(url) {
            let number = || value.parse::<u32>().ok();
            let is_new = match name.as_str() {
                "mode" if value != "caller" => return Err("mode is caller: nobody can call Lazaret"),
                "mode" => mode.replace(()).is_none(),
                "streamid" if value.is_empty() || value.len() > STREAM_ID || !is_plain(&value) => {
                    return Err("streamid is 1 to 512 bytes, none of them & or a control character");
                }
                "streamid" => asked.stream_id.replace(value).is_none(),
                "passphrase"
                    if !(PASSPHRASE.0..=PASSPHRASE.1).contains(&value.len()) || !is_plain(&value) =>
                {
                    return Err("passphrase is 10 to 79 bytes, none of them & or a control character");
                }
                "passphrase" => asked.passphrase.replace(value).is_none(),
                "pbkeylen" => {
                    let length = number().filter(|length| matches!(length, 16 | 24 | 32));
                    asked.key_length.replace(length.ok_or("pbkeylen is 16, 24 or 32")?).is_none()
                }
                "latency" => {
                    let latency = number().filter(|latency| *latency <= LATENCY);
                    asked.latency.replace(latency.ok_or("latency is 0 to 10000 milliseconds")?).is_none()
                }
                _ => {
                    return Err(
                        "it may say streamid, passphrase, pbkeylen, latency (milliseconds) and mode=caller, and no more",
                    );
                }
            };
            if !is_new {
                return Err("it says the same twice");
            }
        }
        Ok(asked)
    }

    /// Name and port to find addresses for.
    pub fn place(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// As srt-live-transmit wants to be told. It decodes nothing: values stand as they are, and hold no `&` that would begin
    /// the next one.
    pub fn told(&self, to: SocketAddr) -> String {
        let mut uri = format!("srt://{to}?mode=caller&transtype=live&conntimeo={ANSWER}");
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        for (name, value) in [
            ("latency", number(self.latency)),
            ("pbkeylen", number(self.key_length)),
            ("passphrase", self.passphrase.clone()),
            ("streamid", self.stream_id.clone()),
        ] {
            if let Some(value) = value {
                uri.push_str(&format!("&{name}={value}"));
            }
        }
        uri
    }

    /// Without what is secret in it.
    pub fn hide(&self, text: &str) -> String {
        let secrets = [&self.passphrase, &self.stream_id];
        secrets.into_iter().flatten().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
    }
}

/// Names and values, decoded. What begins with `#`, as stream ids do by convention, is written without an escape by everybody.
fn parameters(url: &Url) -> Vec<(String, String)> {
    let mut text = url.query().unwrap_or_default().to_owned();
    if let Some(rest) = url.fragment() {
        text = format!("{text}#{rest}");
    }
    // A plus is no space here.
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect()
}

fn is_plain(value: &str) -> bool {
    !value.contains(|c: char| c == '&' || c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Asked, &'static str> {
        Asked::read(&Url::parse(url).unwrap())
    }

    fn told(url: &str) -> String {
        read(url).unwrap().told("192.0.2.1:9000".parse().unwrap())
    }

    const HEAD: &str = "srt://192.0.2.1:9000?mode=caller&transtype=live&conntimeo=3000";

    #[test]
    fn what_is_asked_for_is_told() {
        assert_eq!(told("srt://example.com:9000"), HEAD);
        assert_eq!(
            told("srt://example.com:9000/?latency=200&pbkeylen=16&passphrase=a%20b%2Bc+d/e?fg&mode=caller"),
            format!("{HEAD}&latency=200&pbkeylen=16&passphrase=a b+c+d/e?fg")
        );
        // With the escape and without it.
        for id in ["%23!::r=live/cam,m=request", "#!::r=live/cam,m=request"] {
            assert_eq!(
                told(&format!("srt://h:1?passphrase=0123456789&streamid={id}")),
                format!("{HEAD}&passphrase=0123456789&streamid=#!::r=live/cam,m=request"),
            );
        }
        let asked = read("srt://[2001:db8::1]:9000?streamid=x").unwrap();
        assert_eq!(asked.place(), ("2001:db8::1", 9000));
        assert!(asked.told("[2001:db8::1]:9000".parse().unwrap()).starts_with("srt://[2001:db8::1]:9000?"));
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for (url, why) in [
            ("srt://h", "port"),
            ("srt://h:0", "port"),
            ("srt://h:1/live", "path"),
            ("srt://me:secret@h:1", "name"),
            ("srt://h:1?mode=listener", "mode"),
            ("srt://h:1?mode=rendezvous", "mode"),
            ("srt://h:1?passphrase=short", "passphrase"),
            ("srt://h:1?passphrase=0123456789%26mode=listener", "passphrase"),
            ("srt://h:1?streamid=", "streamid"),
            ("srt://h:1?streamid=a%26adapter=10.0.0.1", "streamid"),
            ("srt://h:1?streamid=a%00b", "streamid"),
            ("srt://h:1?streamid=a%0ab", "streamid"),
            ("srt://h:1?streamid=%ff", "streamid"),
            ("srt://h:1?pbkeylen=17", "pbkeylen"),
            ("srt://h:1?latency=10001", "latency"),
            ("srt://h:1?latency=-1", "latency"),
            ("srt://h:1?latency=1&latency=2", "twice"),
            ("srt://h:1?mode=caller&mode=caller", "twice"),
            ("srt://h:1?adapter=10.0.0.1", "no more"),
            ("srt://h:1?Mode=listener", "no more"),
            ("srt://h:1?lossmaxttl", "no more"),
            ("srt://h:1#fragment", "no more"),
        ] {
            let refused = read(url).unwrap_err();
            assert!(refused.contains(why), "{url}: {refused}");
        }
        let long = format!("srt://h:1?streamid={}", "x".repeat(STREAM_ID + 1));
        assert!(read(&long).unwrap_err().contains("streamid"));
    }

    #[test]
    fn secrets_do_not_show() {
        let asked = read("srt://h:1?passphrase=open-sesame&streamid=the-cam").unwrap();
        assert_eq!(asked.hide("x open-sesame y the-cam"), "x … y …");
        let shown = format!("{asked:?}");
        assert!(!shown.contains("sesame") && !shown.contains("the-cam"), "{shown}");
    }
}
