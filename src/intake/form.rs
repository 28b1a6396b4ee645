//! `multipart/form-data`: the one file of a form. The parser reads as far ahead as it is let, so the body is dealt out
//! to it: one piece at a time, and no more than [`FORM_OVERHEAD`] that is not of the file.

use super::{
    create::check_uploader,
    digest::Expected,
    external::UPLOADER_BYTES,
    receive::{
        FORM_OVERHEAD, Head, Received, SharedSums, content_digest, digest_mismatch, incomplete, media_type,
        take, too_large,
    },
    spool::Spool,
};
use crate::http::{Api, Problem, codes};
use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest, Multipart, Request, multipart::Field},
};
use bytes::Bytes;
use futures_util::Stream;
use std::{
    fs::File,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

pub async fn receive(api: &Api, head: Head, file: File, request: Request) -> Result<Received, Problem> {
    let taken = Arc::new(AtomicU64::new(0));
    let whole: SharedSums = Arc::new(Mutex::new(head.digest.sums()));
    let summed = (!head.digest.is_empty()).then(|| whole.clone());
    let request =
        request.map(|body| Body::from_stream(Dealt::new(body.into_data_stream(), taken.clone(), summed)));
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|rejection| bad_form(&rejection.body_text()))?;
    let (mut file, mut received, mut uploader) = (Some(file), None, None);
    while let Some(field) = idle(api, form.next_field()).await?.map_err(|e| broken(api, &e))? {
        if field.file_name().is_none() {
            if field.name() == Some("uploader") {
                uploader = Some(named(api, field).await?);
            }
            // Not a file. Its bytes go by as those of the next one are looked for.
            continue;
        }
        let Some(file) = file.take() else {
            return Err(bad_form("the form holds several files; send each as an upload of its own"));
        };
        received = Some(part(api, file, field, &taken).await?);
    }
    if !head.digest.is_empty() {
        let sums = whole.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !head.digest.agrees(&sums.finish()) {
            return Err(digest_mismatch());
        }
    }
    let received = received.ok_or_else(|| {
        bad_form("the form holds no file; name the part's file as in `filename=\"photo.jpg\"`")
    })?;
    Ok(Received { uploader, ..received })
}

/// Who sent it, as the field says. What is too long shows early: no more of it is kept.
async fn named(api: &Api, mut field: Field<'_>) -> Result<String, Problem> {
    let mut name = Vec::new();
    while name.len() <= UPLOADER_BYTES
        && let Some(bytes) = idle(api, field.chunk()).await?.map_err(|e| broken(api, &e))?
    {
        name.extend_from_slice(&bytes);
    }
    let name = String::from_utf8(name).map_err(|_| bad_form("the field `uploader` is not UTF-8"))?;
    check_uploader(Some(&name), codes::BODY_MALFORMED)?;
    Ok(name)
}

async fn part(api: &Api, file: File, mut field: Field<'_>, taken: &AtomicU64) -> Result<Received, Problem> {
    let digest: Expected = content_digest(field.headers())?;
    let filename = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned);
    let declared = media_type(field.headers())?;
    let mut spool = Spool::new(file, digest.sums());
    while let Some(bytes) = idle(api, field.chunk()).await?.map_err(|e| broken(api, &e))? {
        taken.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        take(api, &mut spool, &bytes).await?;
    }
    let spooled = spool.finish().await?;
    if !digest.agrees(&spooled.hashes) {
        return Err(digest_mismatch());
    }
    Ok(Received { spooled, filename, declared, uploader: None })
}

async fn idle<T>(api: &Api, next: impl Future<Output = T>) -> Result<T, Problem> {
    let late = |_| incomplete("no bytes came for a while; send the upload again");
    tokio::time::timeout(api.limits.body_idle, next).await.map_err(late)
}

fn bad_form(detail: &str) -> Problem {
    Problem::new(codes::BODY_MALFORMED, detail)
}

/// Too much beside the file, a lost connection, or bytes that are no form.
fn broken(api: &Api, error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<TooMuch>() {
            return too_large(api);
        }
        if error.is::<Lost>() {
            return incomplete("the body broke off; send the upload again");
        }
        cause = error.source();
    }
    bad_form("the body is not well-formed multipart/form-data, or broke off before its last boundary")
}

#[derive(Debug, thiserror::Error)]
#[error("the form holds too much beside its file")]
struct TooMuch;

#[derive(Debug, thiserror::Error)]
#[error("the connection was lost")]
struct Lost;

/// The body, dealt out.
struct Dealt {
    body: BodyDataStream,
    dealt: u64,
    last: u64,
    /// Of those dealt, bytes known to be of the file.
    taken: Arc<AtomicU64>,
    sums: Option<SharedSums>,
    pause: bool,
}

impl Dealt {
    fn new(body: BodyDataStream, taken: Arc<AtomicU64>, sums: Option<SharedSums>) -> Self {
        Self { body, dealt: 0, last: 0, taken, sums, pause: false }
    }
}

impl Stream for Dealt {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The parser polls until it is told to wait, and keeps all that it gets: make it work after each piece.
        if std::mem::take(&mut self.pause) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(piece) = std::task::ready!(Pin::new(&mut self.body).poll_next(context)) else {
            return Poll::Ready(None);
        };
        let Ok(piece) = piece else { return Poll::Ready(Some(Err(Lost.into()))) };
        // The last piece may be in the parser still; what came before it and was not taken is not of the file.
        let beside = (self.dealt - self.last).saturating_sub(self.taken.load(Ordering::Relaxed));
        if beside > FORM_OVERHEAD {
            return Poll::Ready(Some(Err(TooMuch.into())));
        }
        self.last = piece.len() as u64;
        self.dealt += self.last;
        if let Some(sums) = &self.sums {
            sums.lock().unwrap_or_else(PoisonError::into_inner).update(&piece);
        }
        self.pause = true;
        Poll::Ready(Some(Ok(piece)))
    }
}
