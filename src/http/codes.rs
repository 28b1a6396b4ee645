//! Every error there is. Codes are stable: clients match on them.

use axum::http::StatusCode;

/// One kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Dotted; the last part of the problem's `type`.
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
}

macro_rules! codes {
    ($($ident:ident = $name:literal, $status:ident, $title:literal;)*) => {
        $(pub const $ident: Code = Code { name: $name, status: StatusCode::$status, title: $title };)*
        pub const ALL: &[Code] = &[$($ident),*];
    };
}

codes! {
    ROUTE_UNKNOWN = "route.unknown", NOT_FOUND, "There is no such call";
    METHOD_NOT_ALLOWED = "method.not_allowed", METHOD_NOT_ALLOWED, "This call has other methods";
    QUERY_MALFORMED = "query.malformed", BAD_REQUEST, "The query was not understood";
    BODY_MALFORMED = "body.malformed", BAD_REQUEST, "The body was not understood";
    HEADER_MALFORMED = "header.malformed", BAD_REQUEST, "A header was not understood";
    KEY_REFUSED = "key.refused", UNAUTHORIZED, "An API key is needed";
    SCOPE_MISSING = "scope.missing", FORBIDDEN, "The API key does not allow this";
    UPLOAD_UNKNOWN = "upload.unknown", NOT_FOUND, "There is no such upload";
    UPLOAD_EMPTY = "upload.empty", BAD_REQUEST, "The upload holds no bytes";
    UPLOAD_INCOMPLETE = "upload.incomplete", BAD_REQUEST, "The upload ended early";
    UPLOAD_TOO_LARGE = "upload.too_large", PAYLOAD_TOO_LARGE, "The upload is too large";
    UPLOAD_NOT_PUBLISHED = "upload.not_published", CONFLICT, "The upload is not published";
    UPLOAD_NOT_PUT = "upload.not_put", CONFLICT, "The upload's bytes were not put yet";
    UPLOAD_NOT_AWAITED = "upload.not_awaited", CONFLICT, "The upload is not awaited any more";
    UPLOAD_HELD = "upload.held", CONFLICT, "The upload is held as evidence";
    UPLOAD_NOT_SETTLED = "upload.not_settled", CONFLICT, "The upload is not settled, or gone";
    UPLOAD_NOT_QUARANTINED = "upload.not_quarantined", CONFLICT, "The upload is not quarantined";
    APPEAL_SPENT = "appeal.spent", CONFLICT, "No other appeal is heard now";
    DIRECT_UNAVAILABLE = "direct.unavailable", NOT_IMPLEMENTED, "There are no direct uploads here";
    SOURCE_UNAVAILABLE = "source.unavailable", NOT_IMPLEMENTED, "There are no uploads by reference here";
    SOURCE_FORBIDDEN = "source.forbidden", FORBIDDEN, "The object is not in a place of this tenant";
    SOURCE_MISSING = "source.missing", UNPROCESSABLE_ENTITY, "There is no such object";
    SIZE_MISMATCH = "size.mismatch", UNPROCESSABLE_ENTITY, "The upload is not of the size that was said";
    DIGEST_MALFORMED = "digest.malformed", BAD_REQUEST, "Content-Digest was not understood";
    DIGEST_MISMATCH = "digest.mismatch", UNPROCESSABLE_ENTITY, "The bytes are not those that Content-Digest names";
    IDEMPOTENCY_CONFLICT = "idempotency.conflict", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for something else";
    RENDITION_UNKNOWN = "rendition.unknown", NOT_FOUND, "The upload has no such rendition";
    STREAM_UNKNOWN = "stream.unknown", NOT_FOUND, "There is no such stream";
    STREAM_CLOSED = "stream.closed", CONFLICT, "The stream is closed";
    STREAM_ELSEWHERE = "stream.elsewhere", CONFLICT, "Another process watches the stream";
    STREAM_NO_QUEUE = "stream.no_queue", NOT_IMPLEMENTED, "There is no broker here";
    STREAM_NO_SOURCE = "stream.no_source", NOT_IMPLEMENTED, "The source cannot be pulled";
    STREAM_SOURCE_FORBIDDEN = "stream.source_forbidden", FORBIDDEN, "The source may not be pulled from";
    STREAM_TOO_MANY = "stream.too_many", TOO_MANY_REQUESTS, "Too many streams are open";
    STREAMS_UNAVAILABLE = "streams.unavailable", NOT_IMPLEMENTED, "No frames are taken here";
    FRAME_MALFORMED = "frame.malformed", BAD_REQUEST, "The frame was not understood";
    FRAME_TOO_LARGE = "frame.too_large", PAYLOAD_TOO_LARGE, "The frame is too large";
    STORAGE_FULL = "storage.full", INSUFFICIENT_STORAGE, "There is no room left";
    UNAVAILABLE = "service.unavailable", SERVICE_UNAVAILABLE, "Try again later";
    INTERNAL = "service.internal", INTERNAL_SERVER_ERROR, "The service failed";
    LINK_REFUSED = "link.refused", FORBIDDEN, "This link does not work";
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_used_once() {
        let mut names: Vec<_> = super::ALL.iter().map(|code| code.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), super::ALL.len());
    }
}
