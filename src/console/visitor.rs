//! Who asks: a handler that takes [`Signed`] or [`Posted`] is not reached by anybody else. Whoever asks is there, which their
//! session lasts longer for. What an open page asks for by itself is [`Unasked`] or [`UnaskedPost`]: nobody need be there.

use super::{Console, cookie, drafts, fail::Fail, fields::Fields, page};
use crate::access::{Owes, Person, Right, may, session::same};
use axum::{
    body::Bytes,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
};
use std::net::{IpAddr, SocketAddr};

/// Somebody whose session is whole, and who owes nothing.
pub(super) struct Signed(pub Person);

/// Somebody who has begun to sign in, or has: for the pages that they owe.
pub(super) struct Begun(pub Person);

/// The fields of a form that [`Signed`] sent from a page of their session.
pub(super) struct Posted {
    pub person: Person,
    pub fields: Fields,
}

/// As [`Posted`], from [`Begun`].
pub(super) struct BegunPost {
    pub person: Person,
    pub fields: Fields,
}

/// As [`Signed`], of what a page fetches by itself: it keeps no session.
pub(super) struct Unasked(pub Person);

/// As [`Posted`], of what a page sends by itself. It keeps the session where the page says that the person did something
/// since the last one (`active`).
pub(super) struct UnaskedPost {
    pub person: Person,
    pub fields: Fields,
}

impl FromRequestParts<Console> for Begun {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Fail> {
        let person = asks(parts, console).await?;
        // Pages that load themselves anew say so.
        if Fields::of(&parts.uri).get("unasked").is_empty() {
            console.people.was_here(&person).await?;
        }
        Ok(Self(person))
    }
}

impl FromRequestParts<Console> for Unasked {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Fail> {
        let person = asks(parts, console).await?;
        owes_nothing(console, &person)?;
        Ok(Self(person))
    }
}

impl FromRequestParts<Console> for Signed {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Fail> {
        let Begun(person) = Begun::from_request_parts(parts, console).await?;
        owes_nothing(console, &person)?;
        Ok(Self(person))
    }
}

impl FromRequest<Console> for BegunPost {
    type Rejection = Fail;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Fail> {
        let (person, fields) = own(request, console).await?;
        console.people.was_here(&person).await?;
        Ok(Self { person, fields })
    }
}

impl FromRequest<Console> for Posted {
    type Rejection = Fail;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Fail> {
        let BegunPost { person, fields } = BegunPost::from_request(request, console).await?;
        owes_nothing(console, &person)?;
        Ok(Self { person, fields })
    }
}

impl FromRequest<Console> for UnaskedPost {
    type Rejection = Fail;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Fail> {
        let (person, fields) = own(request, console).await?;
        owes_nothing(console, &person)?;
        if fields.get("active") == "1" {
            console.people.was_here(&person).await?;
        }
        Ok(Self { person, fields })
    }
}

/// Whose page asks.
async fn asks(parts: &Parts, console: &Console) -> Result<Person, Fail> {
    let person = person(console, &parts.headers).await?;
    person.ok_or_else(|| Fail::SignIn(place(&parts.method, parts)))
}

/// A form of this session's own pages.
async fn own(request: Request, console: &Console) -> Result<(Person, Fields), Fail> {
    let (parts, body) = request.into_parts();
    let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), console).await;
    let bytes = bytes.map_err(|e| Fail::Said(e.status(), unread(e.status()).into()))?;
    let fields = Fields::parse(&bytes);
    // Also where somebody signed out in another tab, and in again.
    match person(console, &parts.headers).await? {
        Some(person) if same(fields.get("csrf"), &page::csrf(&person)) => Ok((person, fields)),
        now => Err(drafts::kept(console, parts.uri.path(), &fields, now.as_ref()).await?),
    }
}

async fn person(console: &Console, headers: &HeaderMap) -> Result<Option<Person>, Fail> {
    match cookie::read(headers) {
        Some(token) => Ok(console.people.who(token).await?),
        None => Ok(None),
    }
}

fn owes_nothing(console: &Console, person: &Person) -> Result<(), Fail> {
    if !person.session.full {
        return Err(Fail::To("/console/code"));
    }
    match console.people.owes(&person.user) {
        None => Ok(()),
        Some(Owes::Password) => Err(Fail::To("/console/account/password")),
        Some(Owes::Totp) => Err(Fail::To("/console/account/totp")),
    }
}

/// Where to go on after signing in.
fn place(method: &Method, parts: &Parts) -> String {
    match *method {
        Method::GET => parts.uri.path_and_query().map_or("/console", |place| place.as_str()).to_owned(),
        _ => "/console".to_owned(),
    }
}

fn unread(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            "The form is larger than any of ours. Nothing of it was done, and nothing was kept."
        }
        _ => "The form could not be read.",
    }
}

/// Only our own pages, so that signing in leads nowhere else.
pub(super) fn safe_next(next: &str) -> &str {
    let own = next == "/console" || next.starts_with("/console/");
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && next.len() <= 4096;
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let stays = path.split('/').all(|part| part != "." && part != "..");
    // A dot, a slash and a backslash, as a browser or what stands before us may read them. No path of ours has one.
    let coded = path.to_ascii_lowercase();
    let coded = ["%2e", "%2f", "%5c"].iter().any(|code| coded.contains(code));
    if own && plain && stays && !coded && !next.contains("//") { next } else { "/console/queue" }
}

/// The peer's address; of a proxy that is named, the address that it says it speaks for.
pub(super) struct Address(pub String);

impl FromRequestParts<Console> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let address = peer.map(|peer| speaks_for(peer, &parts.headers, &console.proxies));
        Ok(Self(address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())))
    }
}

/// From the right, the first address in X-Forwarded-For that is no proxy's: what stands before it anybody may have written.
fn speaks_for(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let mut told: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut last = peer;
    while proxies.contains(&last)
        && let Some(before) = told.pop()
    {
        // Behind what is no address nobody is known.
        let Ok(before) = before.parse::<IpAddr>() else { break };
        last = before.to_canonical();
    }
    last
}

pub(super) fn device(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown")
}

pub(super) fn needs(person: &Person, right: Right) -> Result<(), Fail> {
    if may(person.user.role, right) { Ok(()) } else { Err(Fail::forbidden()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_our_own_pages_alone() {
        for own in [
            "/console",
            "/console/items/1?choice=a",
            "/console/queue",
            "/console/streams?name=..&tenant=a%2fb",
            "/console/assets/a.b..c",
        ] {
            assert_eq!(safe_next(own), own);
        }
        for other in [
            "",
            "//evil.example",
            "https://evil.example",
            "/console//evil",
            "/consoles",
            "/console/\\x",
            "/f/x",
            "/console/..",
            "/console/../f/x",
            "/console/items/../../v1/uploads",
            "/console/./queue",
            "/console/%2e%2e/v1/uploads",
            "/console/.%2E/v1/uploads",
            "/console/%2E",
            "/console/..%2fv1",
            "/console/..%5Cv1",
            "/console/../f/x?next=/console",
            "/console/../f/x#/",
        ] {
            assert_eq!(safe_next(other), "/console/queue", "{other}");
        }
    }

    #[test]
    fn a_proxy_that_is_named_says_who_is_behind_it_and_nobody_else_does() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxies = [ip("127.0.0.1"), ip("10.0.0.2")];
        for (peer, told, address) in [
            ("127.0.0.1", &["203.0.113.7"][..], "203.0.113.7"),
            // Its client wrote the first.
            ("127.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1", "203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["somebody"], "127.0.0.1"),
            ("127.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7"),
        ] {
            let mut headers = HeaderMap::new();
            for line in told {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            assert_eq!(speaks_for(ip(peer), &headers, &proxies), ip(address), "{peer} {told:?}");
        }
    }
}
