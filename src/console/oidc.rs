//! In by another's word. What a browser keeps meanwhile is a secret of its own, from which state, nonce and PKCE's verifier
//! are derived, and where it was going; no token ever reaches it.

use super::{
    Console, cookie,
    fail::Fail,
    fields::Fields,
    sign_in::{enter, with_next},
    visitor::{device, safe_next},
};
use crate::{
    access::{
        Token,
        oidc::{Failure, Provider},
    },
    ports::{Random, random::SystemRandom},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};

fn provider(console: &Console) -> Result<&Provider, Fail> {
    console.oidc.as_ref().ok_or_else(Fail::no_page)
}

/// Who is refused is told no more than that; the log says why.
fn refused(why: &str) -> Fail {
    tracing::warn!(why, "a sign-in by the provider was refused");
    let words = "The sign-in did not succeed. Begin again, or use your password.";
    Fail::Said(StatusCode::UNAUTHORIZED, words.to_owned())
}

impl From<Failure> for Fail {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(why) => refused(&why),
            Failure::Port(error) => Self::Port(error),
        }
    }
}

pub(super) async fn begin(
    State(console): State<Console>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fail> {
    let provider = provider(&console)?;
    let fields = Fields::of(&uri);
    let next = safe_next(fields.get("next"));
    let random: &dyn Random = &SystemRandom;
    let secret = Token::mint(random)?;
    let to = provider.begin(&secret).await?;
    Ok(([(header::SET_COOKIE, cookie::keep(&headers, &secret, next))], Redirect::to(&to)).into_response())
}

pub(super) async fn back(
    State(console): State<Console>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fail> {
    let provider = provider(&console)?;
    let fields = Fields::of(&uri);
    let kept = cookie::kept(&headers).ok_or_else(|| refused("no sign-in was begun in this browser"))?;
    let secret = &kept.secret;
    if let Some(error) = fields.some("error") {
        return Err(refused(&super::words::brief(error)));
    }
    let people = &console.people;
    let identity = provider.end(secret, fields.get("state"), fields.get("code"), people.clock.now()).await?;
    let person = people.by_identity(&*console.federation, secret, &identity, device(&headers)).await;
    let person = match person {
        Ok(person) => person,
        Err(crate::access::Refused::Port(error)) => return Err(error.into()),
        Err(other) => return Err(refused(&other.to_string())),
    };
    let to = if person.session.full { kept.next } else { with_next("/console/code", &kept.next) };
    let mut response = enter(&console, &headers, &person, &to).await?;
    response.headers_mut().append(header::SET_COOKIE, cookie::forget(&headers));
    Ok(response)
}
