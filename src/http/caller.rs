//! Who calls, and may they? A handler that takes [`Allowed`] cannot be reached without the key and scope it names.

use super::{Api, Problem, codes};
use crate::access::{self, Caller, Scope};
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};
use std::marker::PhantomData;

/// A scope, as a type.
pub trait Needs: Send + Sync + 'static {
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($name:ident),*) => {$(
        pub enum $name {}
        impl Needs for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

scopes!(Upload, Read, Mint, Erase, Stream);

/// A caller whose key was found good and carries the scope.
pub struct Allowed<S> {
    pub caller: Caller,
    scope: PhantomData<S>,
}

impl<S: Needs> FromRequestParts<Api> for Allowed<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = match bearer(parts) {
            Some(key) => access::authenticate(&*api.store, key).await?,
            None => None,
        };
        let Some(caller) = caller else { return Err(refused()) };
        if !caller.scopes.contains(S::SCOPE) {
            return Err(scope_missing(S::SCOPE));
        }
        Ok(Self { caller, scope: PhantomData })
    }
}

pub(crate) fn refused() -> Problem {
    Problem::new(codes::KEY_REFUSED, "send a valid key as `Authorization: Bearer lz_…`")
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lazaret\""))
}

pub(crate) fn scope_missing(scope: Scope) -> Problem {
    Problem::new(codes::SCOPE_MISSING, format!("this call needs a key with the scope `{scope}`"))
}

/// The token of the one Authorization header; the scheme's name is case-insensitive (RFC 9110, 11.1).
pub(crate) fn bearer(parts: &Parts) -> Option<&str> {
    let mut all = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = all.next()?.to_str().ok()?.split_once(' ')?;
    (all.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}
