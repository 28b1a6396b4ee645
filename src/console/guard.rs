//! What every answer of the console carries, and which requests are none of its own pages'.

use super::{Console, fail::Fail};
use crate::ports::{Kind, PortError};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;

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
        next.run(request).await
    } else {
        // Who only reads is told soon when the store is away. What changes something is waited for: its end is known.
        match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Fail::Port(PortError::new(Kind::Retry, "the console waited in vain for the store"))
                .into_response(),
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
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
