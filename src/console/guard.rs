//! What every answer of the console carries, and which requests are none of its own pages'.

use super::{
    Console,
    fail::{Fail, InWords},
};
use crate::ports::{Kind, PortError};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

const HEADERS: [(HeaderName, &str); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
    ),
    (header::CACHE_CONTROL, "no-store"),
    // Pages say their own, with a nonce.
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
];

/// How long a page is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the decoders are. No browser waits longer for the first byte.
const LONGEST: Duration = Duration::from_secs(110);

/// Every request to look at something has one. Whoever hands something to the decoders says so: from then on nobody waits for
/// the store.
#[derive(Clone, Default)]
pub(super) struct Decoding(Arc<AtomicBool>);

impl Decoding {
    pub(super) fn begins(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) async fn guard(State(console): State<Console>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let of_files = console.files_host.is_some() && host == console.files_host.as_deref();
    let mut response = if of_files {
        let why =
            "files are served from this host (delivery.public_url): open the console under another one\n";
        (StatusCode::MISDIRECTED_REQUEST, why).into_response()
    } else if changes && !is_own(request.headers()) {
        (StatusCode::FORBIDDEN, "this form was sent from another site\n").into_response()
    } else if changes {
        // It is waited for, so that its end is known.
        next.run(request).await
    } else {
        looked_at(request, next).await
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn looked_at(mut request: Request, next: Next) -> Response {
    let decoding = Decoding::default();
    request.extensions_mut().insert(decoding.clone());
    // So asks the script of a page whose picture does not come.
    let plain = request.headers().get(header::ACCEPT).is_some_and(|accept| accept == "text/plain");
    let response = waited(next.run(request), &decoding, PATIENCE, LONGEST).await;
    if plain { plainly(response) } else { response }
}

/// Who only looks is told soon when the store is away, and in the end when the decoders take too long.
async fn waited(
    answer: impl Future<Output = Response>,
    decoding: &Decoding,
    patience: Duration,
    longest: Duration,
) -> Response {
    let mut answer = pin!(answer);
    if let Ok(response) = timeout(patience, &mut answer).await {
        return response;
    }
    if !decoding.has_begun() {
        let why = PortError::new(Kind::Retry, "the console waited in vain for the store");
        return Fail::Port(why).into_response();
    }
    timeout(longest, answer).await.unwrap_or_else(|_| {
        let why = "The decoders had no picture of it in time: they have too much to do, or it is too much for them.";
        Fail::Said(StatusCode::SERVICE_UNAVAILABLE, why.into()).into_response()
    })
}

/// What went wrong without the page around it.
fn plainly(mut response: Response) -> Response {
    if let Some(InWords(what)) = response.extensions_mut().remove() {
        *response.body_mut() = Body::from(what);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    response
}

/// Browsers say from where a form comes, and who asked for a page; what they say is not for scripts to change. The token of
/// each form is asked for besides.
pub(super) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, of)| of == host),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn said(response: &Response) -> &str {
        response.extensions().get::<InWords>().map_or("", |InWords(what)| what)
    }

    #[tokio::test]
    async fn a_picture_is_waited_for_longer_than_the_store() {
        let (soon, late) = (Duration::from_millis(20), Duration::from_secs(60));
        let decoding = Decoding::default();
        let away = waited(pending(), &decoding, soon, late).await;
        assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(said(&away).starts_with("The store cannot be reached"), "{}", said(&away));
        let large = async {
            decoding.begins();
            tokio::time::sleep(soon * 5).await;
            StatusCode::OK.into_response()
        };
        assert_eq!(waited(large, &decoding, soon, late).await.status(), StatusCode::OK);
        let stuck = waited(pending(), &decoding, soon, soon).await;
        assert_eq!(stuck.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(said(&stuck).starts_with("The decoders had no picture of it in time"), "{}", said(&stuck));
        assert_eq!(plainly(stuck).headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    }

    #[test]
    fn only_our_own_pages_send_forms() {
        let cases = [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://c.example"), ("host", "c.example")], true),
            (&[("origin", "https://evil.example"), ("host", "c.example")], false),
            (&[("origin", "null"), ("host", "c.example")], false),
            // No browser; the form's token is still asked for.
            (&[("host", "c.example")], true),
        ];
        for (headers, own) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_own(&map), own, "{headers:?}");
        }
    }
}
