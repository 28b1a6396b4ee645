//! The session's cookie: `__Host-lazaret`, which browsers send over https alone and to no other host. On plain http, which
//! only loopback is meant for, it is `lazaret_session` without `Secure`.

use super::visitor::safe_next;
use crate::access::Token;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const SECURE: &str = "__Host-lazaret";
const LOOPBACK: &str = "lazaret_session";

/// What a browser keeps while somebody signs in by a provider.
const SECURE_KEPT: &str = "__Host-lazaret_oidc";
const LOOPBACK_KEPT: &str = "lazaret_oidc";
/// For so long, in seconds.
const KEPT: u32 = 600;
/// Of where to go on after, in bytes: browsers drop cookies of more than 4,096.
const LONGEST_NEXT: usize = 2048;

/// What a browser keeps meanwhile.
pub(super) struct Kept {
    pub secret: Token,
    /// Where to go on after. Whoever has the browser may have written it, so it is one of our own pages or the queue.
    pub next: String,
}

impl Kept {
    fn parse(text: &str) -> Option<Self> {
        let (secret, next) = text.split_once('.').unwrap_or((text, ""));
        let next = String::from_utf8(URL_SAFE_NO_PAD.decode(next).ok()?).ok()?;
        Some(Self { secret: Token::parse(secret)?, next: safe_next(&next).to_owned() })
    }
}

/// A browser on this machine. A proxy may ask for an address of loopback on behalf of others, and most say that they do; a
/// browser says with each form where it got it.
fn is_loopback(headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let origin = origin.map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    is_asked_for(headers)
        && origin.is_none_or(is_here)
        && !PROXIES.iter().any(|said| headers.contains_key(*said))
}

const PROXIES: [&str; 4] = ["x-forwarded-for", "x-forwarded-proto", "forwarded", "via"];

fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(is_here)
}

/// A host, with its port or without.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn name(headers: &HeaderMap) -> &'static str {
    if is_loopback(headers) { LOOPBACK } else { SECURE }
}

fn kept_name(headers: &HeaderMap) -> &'static str {
    if is_loopback(headers) { LOOPBACK_KEPT } else { SECURE_KEPT }
}

/// By either name where loopback is asked for: without a form nothing tells a proxy that says nothing. What is sent by the
/// secure one only https has set.
pub(super) fn read(headers: &HeaderMap) -> Option<Token> {
    either(headers, SECURE, LOOPBACK, Token::parse)
}

pub(super) fn kept(headers: &HeaderMap) -> Option<Kept> {
    either(headers, SECURE_KEPT, LOOPBACK_KEPT, Kept::parse)
}

fn either<T>(headers: &HeaderMap, secure: &str, loopback: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
    let of = |name| of(headers, name).and_then(parse);
    of(secure).or_else(|| of(loopback).filter(|_| is_asked_for(headers)))
}

pub(super) fn keep(headers: &HeaderMap, secret: &Token, next: &str) -> HeaderValue {
    let next = if next.len() > LONGEST_NEXT { "" } else { next };
    let value = format!("{}.{}", secret.reveal(), URL_SAFE_NO_PAD.encode(next));
    write(headers, kept_name(headers), &value, &format!("; Max-Age={KEPT}"))
}

pub(super) fn forget(headers: &HeaderMap) -> HeaderValue {
    write(headers, kept_name(headers), "", "; Max-Age=0")
}

fn of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

pub(super) fn set(headers: &HeaderMap, token: &Token) -> HeaderValue {
    write(headers, name(headers), token.reveal(), "")
}

pub(super) fn clear(headers: &HeaderMap) -> HeaderValue {
    write(headers, name(headers), "", "; Max-Age=0")
}

fn write(headers: &HeaderMap, name: &str, value: &str, more: &str) -> HeaderValue {
    let secure = if is_loopback(headers) { "" } else { "; Secure" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    // Base64 and words of ours.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::random::SystemRandom;

    fn from(host: &'static str, cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        headers.insert(header::COOKIE, HeaderValue::try_from(cookie).unwrap());
        headers
    }

    #[test]
    fn the_name_and_the_marks_follow_the_host() {
        let token = Token::mint(&SystemRandom).unwrap();
        let value = token.reveal();
        for host in ["127.0.0.1:8470", "localhost", "[::1]:80"] {
            let headers = from(host, &format!("a=b; lazaret_session={value}"));
            assert_eq!(read(&headers), Some(token.clone()), "{host}");
            assert!(!set(&headers, &token).to_str().unwrap().contains("Secure"));
        }
        for host in ["moderate.example.org", "127.0.0.1.example.org", "localhost.example.org:80"] {
            let headers = from(host, &format!("lazaret_session={value}"));
            assert_eq!(read(&headers), None, "{host}: a cookie that any subdomain could have set");
            let headers = from(host, &format!("__Host-lazaret={value}"));
            assert_eq!(read(&headers), Some(token.clone()));
            let set = set(&headers, &token);
            let set = set.to_str().unwrap();
            assert!(
                set.starts_with("__Host-lazaret=") && set.contains("; Secure") && set.contains("; HttpOnly")
            );
            assert!(set.contains("Path=/;") && !set.contains("Domain"));
        }
    }

    #[test]
    fn where_to_go_on_is_kept_where_it_is_one_of_our_own_pages() {
        let token = Token::mint(&SystemRandom).unwrap();
        let back = |next: &str| {
            let set = keep(&from("localhost", ""), &token, next);
            let cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let kept = kept(&from("localhost", &cookie)).unwrap();
            assert_eq!(kept.secret, token);
            kept.next
        };
        let own = "/console/items/1?choice=a&note=%C3%A9%3B";
        assert_eq!(back(own), own);
        let long = format!("/console/items/1?note={}", "x".repeat(LONGEST_NEXT));
        for other in ["", "https://evil.example", "//evil.example", &long] {
            assert_eq!(back(other), "/console/queue", "{other}");
        }
        // From before there was any, and what is none.
        let value = token.reveal();
        let read = |value: &str| kept(&from("localhost", &format!("lazaret_oidc={value}")));
        assert_eq!(read(value).unwrap().next, "/console/queue");
        for bad in [format!("{value}.*"), format!("{value}.a.b"), format!("x.{value}")] {
            assert!(read(&bad).is_none(), "{bad}");
        }
    }

    /// As nginx does by itself.
    #[test]
    fn behind_a_proxy_that_asks_for_loopback_cookies_are_secure() {
        let token = Token::mint(&SystemRandom).unwrap();
        let value = token.reveal();
        for (header, said) in [
            ("origin", "https://moderate.example.org"),
            ("origin", "null"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
            ("via", "1.1 cache"),
        ] {
            let mut headers = from("127.0.0.1:8470", &format!("__Host-lazaret={value}"));
            assert_eq!(read(&headers), Some(token.clone()), "a page is no form");
            headers.insert(header, HeaderValue::from_static(said));
            let set = set(&headers, &token);
            assert!(set.to_str().unwrap().starts_with("__Host-lazaret="), "{header}: {said}");
        }
        let mut headers = from("localhost:8470", "");
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://localhost:8470"));
        assert!(set(&headers, &token).to_str().unwrap().starts_with("lazaret_session="));
    }
}
