//! What the store answers, in the service's words.

use crate::ports::{Kind, PortError};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use std::{error::Error, fmt::Write};

/// A call that went wrong. `what` says which, as "reading held/…".
pub(super) fn failed<E>(what: &str, error: SdkError<E>) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let (kind, why) = match (&error, code(&error)) {
        (SdkError::ServiceError(_), code) => answered(status(&error), code.unwrap_or_default()),
        (SdkError::ConstructionFailure(_), _) => (Kind::Fail, "the request could not be made".to_owned()),
        (SdkError::DispatchFailure(failure), _) if failure.is_user() => {
            (Kind::Fail, "the request could not be sent".to_owned())
        }
        (SdkError::TimeoutError(_), _) => (Kind::Retry, "the store did not answer in time".to_owned()),
        _ => (Kind::Retry, "the connection to the store failed; see blobs.url".to_owned()),
    };
    PortError::new(kind, format!("{what}: {why}")).because(chain(&error))
}

/// There is no such object, or no such version of it.
pub(super) fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match code(error) {
        Some("NoSuchBucket") => false,
        Some("NoSuchKey" | "NoSuchVersion" | "NotFound") => true,
        _ => status(error) == 404,
    }
}

pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// 0 where there was no answer.
pub(super) fn status<E>(error: &SdkError<E>) -> u16 {
    error.raw_response().map_or(0, |response| response.status().as_u16())
}

fn answered(status: u16, code: &str) -> (Kind, String) {
    let told = |kind, why: &str| (kind, format!("{why} ({status} {code})"));
    match (status, code) {
        (_, "NoSuchBucket") => told(Kind::Fail, "there is no such bucket; make it, or correct blobs.url"),
        (_, "InvalidAccessKeyId") => {
            told(Kind::Fail, "the store does not know the key; check blobs.access_key")
        }
        (_, "SignatureDoesNotMatch") => {
            told(Kind::Fail, "the store refuses the signature; check blobs.secret_key")
        }
        (_, "RequestTimeTooSkewed" | "RequestExpired") => {
            told(Kind::Fail, "this machine's clock and the store's are apart; set this machine's clock right")
        }
        (_, "ExpiredToken" | "InvalidToken") => {
            told(Kind::Fail, "the session token is not good any more; renew the credentials")
        }
        (_, "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException") => {
            told(Kind::Fail, "the bucket is in another region; correct region= in blobs.url")
        }
        (507, _) | (_, "QuotaExceeded" | "XMinioStorageFull") => {
            told(Kind::Full, "the store has no room left")
        }
        (_, "BadDigest" | "IncompleteBody" | "XAmzContentSHA256Mismatch") => {
            told(Kind::Retry, "the bytes changed on their way")
        }
        (429 | 408 | 409 | 500..=599, _) | (_, "SlowDown" | "RequestTimeout" | "NoSuchUpload") => {
            told(Kind::Retry, "the store is not able to just now")
        }
        (401 | 403, _) => {
            told(Kind::Fail, "the store does not allow it; check the rights of blobs.access_key")
        }
        _ => told(Kind::Fail, "the store refused"),
    }
}

/// The causes, the service's own words among them, without headers or requests.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_go_through_later_and_what_cannot() {
        let cases = [
            (500, "InternalError", Kind::Retry),
            (503, "SlowDown", Kind::Retry),
            (429, "", Kind::Retry),
            (404, "NoSuchUpload", Kind::Retry),
            (400, "XAmzContentSHA256Mismatch", Kind::Retry),
            (507, "InsufficientStorage", Kind::Full),
            (403, "QuotaExceeded", Kind::Full),
            (403, "AccessDenied", Kind::Fail),
            (403, "RequestTimeTooSkewed", Kind::Fail),
            (404, "NoSuchBucket", Kind::Fail),
            (400, "InvalidArgument", Kind::Fail),
        ];
        for (status, code, kind) in cases {
            assert_eq!(answered(status, code).0, kind, "{status} {code}");
        }
    }
}
