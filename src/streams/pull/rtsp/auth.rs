//! Name and password as RTSP servers want them: in the clear, or proved by a digest (RFC 7616, and RFC 2069 before it). Pure.

use crate::streams::pull::{attribute::attribute, trouble::Trouble};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use sha2::{Digest, Sha256};
use url::Url;

#[derive(Clone)]
pub struct Account {
    name: String,
    password: String,
}

impl Account {
    /// As the URL holds them.
    pub fn of(url: &Url) -> Option<Self> {
        let read = |text: &str| percent(text);
        let password = url.password().unwrap_or_default();
        (!url.username().is_empty()).then(|| Self { name: read(url.username()), password: read(password) })
    }
}

/// How the server wants it to be proved.
#[derive(Debug, Clone, PartialEq)]
pub enum Challenge {
    Basic,
    Digest { realm: String, nonce: String, opaque: Option<String>, is_sha256: bool, has_quality: bool },
}

impl Challenge {
    /// The best of those that are understood.
    pub fn read<'a>(headers: impl Iterator<Item = &'a str>) -> Result<Self, Trouble> {
        let mut best: Option<Self> = None;
        for header in headers {
            let (scheme, list) = header.split_once(' ').unwrap_or((header, ""));
            let of = |name| attribute(list, name).map(str::to_owned);
            let found = if scheme.eq_ignore_ascii_case("basic") {
                Some(Self::Basic)
            } else if scheme.eq_ignore_ascii_case("digest") {
                let algorithm = of("algorithm").unwrap_or_else(|| "MD5".to_owned()).to_ascii_uppercase();
                let is_known = matches!(algorithm.as_str(), "MD5" | "SHA-256");
                let (realm, nonce) = (of("realm").unwrap_or_default(), of("nonce").unwrap_or_default());
                let (is_sha256, has_quality) = (algorithm == "SHA-256", of("qop").is_some());
                let digest = Self::Digest { realm, nonce, opaque: of("opaque"), is_sha256, has_quality };
                is_known.then_some(digest)
            } else {
                None
            };
            let worth = |challenge: &Option<Self>| match challenge {
                None => 0,
                Some(Self::Basic) => 1,
                Some(Self::Digest { is_sha256, .. }) => 2 + u8::from(*is_sha256),
            };
            if worth(&found) > worth(&best) {
                best = found;
            }
        }
        best.ok_or_else(|| Trouble::new("source.refused", "it wants a proof that is not known here"))
    }

    /// What to say with a request. `own` is the client's nonce, where the server asks for one.
    pub fn answer(&self, account: &Account, method: &str, to: &str, own: &str) -> String {
        let Account { name, password } = account;
        let Self::Digest { realm, nonce, opaque, is_sha256, has_quality } = self else {
            return format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        };
        let hash = |text: String| match is_sha256 {
            true => crate::hex(&Sha256::digest(text)),
            false => crate::hex(&Md5::digest(text)),
        };
        let (who, what) = (hash(format!("{name}:{realm}:{password}")), hash(format!("{method}:{to}")));
        let proof = match has_quality {
            true => hash(format!("{who}:{nonce}:00000001:{own}:auth:{what}")),
            false => hash(format!("{who}:{nonce}:{what}")),
        };
        let mut text = format!(
            "Digest username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{to}\", response=\"{proof}\""
        );
        if *is_sha256 {
            text.push_str(", algorithm=SHA-256");
        }
        if *has_quality {
            text.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{own}\""));
        }
        if let Some(opaque) = opaque {
            text.push_str(&format!(", opaque=\"{opaque}\""));
        }
        text
    }
}

/// Of a URL's part the text that it stands for.
fn percent(text: &str) -> String {
    // As a form's value it is read by what reads forms, in which a plus is a space.
    let form = format!("v={}", text.replace('+', "%2B"));
    let read = url::form_urlencoded::parse(form.as_bytes()).next();
    read.map_or_else(String::new, |(_, value)| {
        value.chars().filter(|c| !c.is_control() && *c != '"').collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(url: &str) -> Account {
        Account::of(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn proofs_are_those_of_the_specifications() {
        // RFC 7616, 3.9.1: the same request under both algorithms.
        let of = |algorithm: &str| {
            let header = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let challenge = Challenge::read([header.as_str()].into_iter()).unwrap();
            let own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            challenge.answer(&account("rtsp://Mufasa:Circle%20of%20Life@h/"), "GET", "/dir/index.html", own)
        };
        assert!(of("MD5").contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""), "{}", of("MD5"));
        let sha256 = "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"";
        assert!(of("SHA-256").contains(sha256), "{}", of("SHA-256"));
        let basic = Challenge::read(["Basic realm=\"x\""].into_iter()).unwrap();
        assert_eq!(basic.answer(&account("rtsp://a:b+c@h/"), "DESCRIBE", "rtsp://h/", ""), "Basic YTpiK2M=");
    }

    #[test]
    fn the_best_is_taken_and_what_nobody_knows_is_said() {
        let read = |headers: &[&str]| Challenge::read(headers.iter().copied());
        let both = read(&["Basic realm=\"a\"", "Digest realm=\"b\", nonce=\"c\""]).unwrap();
        assert!(matches!(both, Challenge::Digest { has_quality: false, is_sha256: false, .. }), "{both:?}");
        for unknown in [&[][..], &["NTLM"], &["Digest algorithm=MD4, nonce=\"c\""]] {
            assert_eq!(read(unknown).unwrap_err().code, "source.refused");
        }
        assert!(Account::of(&Url::parse("rtsp://h/x").unwrap()).is_none());
    }
}
