//! A request that is refused before its body was read. Closing the connection on unread bytes resets it, and the
//! client may never see the answer; so the rest is read and thrown away for a short while.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// How much is read and thrown away, and for how long.
const BYTES: u64 = 16 << 20;
const TIME: Duration = Duration::from_secs(2);

pub async fn linger(request: Request, next: Next) -> Response {
    // A client that asked first (100-continue) sends nothing when it is refused.
    if request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(Lingering(body)))).await
}

struct Lingering(Body);

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.0.is_end_stream() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut rest = std::mem::take(&mut self.0);
        runtime.spawn(tokio::time::timeout(TIME, async move {
            let mut left = BYTES;
            while let Some(Ok(frame)) = rest.frame().await {
                let read = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(still) = left.checked_sub(read) else { break };
                left = still;
            }
        }));
    }
}
