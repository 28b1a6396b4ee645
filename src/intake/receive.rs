//! A request's body into a spool: raw, or the file of a form. Whatever goes wrong, nothing is kept.

use super::{
    digest::{Expected, Sums},
    form,
    spool::{Spool, Spooled},
};
use crate::http::{Api, Problem, codes};
use axum::{body::Body, extract::Request, http::HeaderMap, http::header};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::time::Duration;

/// Bytes of a form that are not of its file: other fields, part headers, boundaries.
pub const FORM_OVERHEAD: u64 = 256 * 1024;
/// The longest Content-Type kept.
const DECLARED_BYTES: usize = 255;

pub struct Received {
    pub spooled: Spooled,
    /// As the form said.
    pub filename: Option<String>,
    pub declared: Option<String>,
    pub uploader: Option<String>,
}

/// What the request's head says of its body.
pub struct Head {
    pub digest: Expected,
    pub length: Option<u64>,
    pub is_form: bool,
    pub declared: Option<String>,
}

impl Head {
    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let content_type = media_type(headers)?;
        let is_form =
            content_type.as_deref().is_some_and(|t| essence(t).eq_ignore_ascii_case("multipart/form-data"));
        let length =
            headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        // What `curl --data-binary` says of every file: a statement about the tool, not about the bytes.
        let by_default =
            |t: &String| is_form || essence(t).eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let declared = content_type.filter(|t| !by_default(t));
        Ok(Self { digest: content_digest(headers)?, length, is_form, declared })
    }

    /// Refuses by the head alone what cannot be taken.
    pub async fn admit(&self, api: &Api) -> Result<(), Problem> {
        let allowed = api.limits.max_upload_bytes + if self.is_form { FORM_OVERHEAD } else { 0 };
        if self.length.is_some_and(|length| length > allowed) {
            return Err(too_large(api));
        }
        let needed = self.length.unwrap_or(0).saturating_add(api.limits.reserve_bytes);
        if api.blobs.free_bytes().await?.is_some_and(|free| free < needed) {
            return Err(Problem::new(
                codes::STORAGE_FULL,
                "nothing was kept; the operator has to make room first",
            ));
        }
        Ok(())
    }
}

pub async fn receive(api: &Api, head: Head, request: Request) -> Result<Received, Problem> {
    let file = api.blobs.spool().await?;
    if head.is_form {
        return form::receive(api, head, file, request).await;
    }
    let mut spool = Spool::new(file, head.digest.sums());
    let mut body = request.into_body();
    while let Some(bytes) = next(&mut body, api.limits.body_idle).await? {
        take(api, &mut spool, &bytes).await?;
    }
    let spooled = spool.finish().await?;
    if !head.digest.agrees(&spooled.hashes) {
        return Err(digest_mismatch());
    }
    Ok(Received { spooled, filename: None, declared: head.declared, uploader: None })
}

/// Adds to the spool what is still allowed.
pub async fn take(api: &Api, spool: &mut Spool, bytes: &[u8]) -> Result<(), Problem> {
    if spool.size() + bytes.len() as u64 > api.limits.max_upload_bytes {
        return Err(too_large(api));
    }
    Ok(spool.write(bytes).await?)
}

/// The next bytes; `None` at the proper end of the body.
async fn next(body: &mut Body, idle: Duration) -> Result<Option<Bytes>, Problem> {
    loop {
        match tokio::time::timeout(idle, body.frame()).await {
            Err(_) => return Err(incomplete("no bytes came for a while; send the upload again")),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(incomplete("the body broke off; send the upload again")),
            // Trailers say nothing that is needed.
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(_) => continue,
            },
        }
    }
}

pub fn incomplete(detail: &str) -> Problem {
    Problem::new(codes::UPLOAD_INCOMPLETE, detail)
}

pub fn digest_mismatch() -> Problem {
    Problem::new(codes::DIGEST_MISMATCH, "the bytes changed on their way; send the upload again")
}

pub fn too_large(api: &Api) -> Problem {
    Problem::new(codes::UPLOAD_TOO_LARGE, format!("at most {} bytes are taken", api.limits.max_upload_bytes))
}

/// The Content-Type as the sender wrote it; of a part of a form, too.
pub fn media_type(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim).filter(|text| text.len() <= DECLARED_BYTES);
    let text =
        text.ok_or_else(|| Problem::new(codes::HEADER_MALFORMED, "Content-Type is too long or not ASCII"))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

pub fn content_digest(headers: &HeaderMap) -> Result<Expected, Problem> {
    let lines: Result<Vec<_>, _> =
        headers.get_all("content-digest").iter().map(|line| line.to_str()).collect();
    let malformed = || Problem::new(codes::DIGEST_MALFORMED, "write it as `sha-256=:<base64>:` (RFC 9530)");
    match lines.map_err(|_| malformed())?.as_slice() {
        [] => Ok(Expected::default()),
        lines => Expected::parse(&lines.join(",")).map_err(|_| malformed()),
    }
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// Sums of a whole body that something else consumes.
pub type SharedSums = std::sync::Arc<std::sync::Mutex<Sums>>;
