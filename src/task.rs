//! What goes on beside, until it is told to stop.

use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A task at work. Dropped, it goes on by itself.
#[derive(Debug)]
pub struct Task {
    /// For people: "calling webhooks".
    what: &'static str,
    handle: JoinHandle<()>,
    stop: CancellationToken,
}

impl Task {
    /// The work is to end what is in flight, and itself, once the token is cancelled.
    pub(crate) fn start<W>(what: &'static str, work: impl FnOnce(CancellationToken) -> W) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self { what, handle: tokio::spawn(work(stop.clone())), stop }
    }

    /// Begins nothing new, and waits up to `grace` for what is in flight; what has not ended by then is broken off, and
    /// done again by whoever comes next.
    pub async fn drain(mut self, grace: Duration) {
        self.stop.cancel();
        match tokio::time::timeout(grace, &mut self.handle).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "{} broke off", self.what),
            Err(_) => {
                tracing::warn!("{} did not end in time; what is in flight is done again", self.what);
                self.handle.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_is_in_flight_ends_within_the_grace_and_what_hangs_is_broken_off() {
        let ended = Arc::new(AtomicBool::new(false));
        let task = Task::start("a test", |stop| {
            let ended = Arc::clone(&ended);
            async move {
                stop.cancelled().await;
                tokio::task::yield_now().await;
                ended.store(true, Ordering::SeqCst);
            }
        });
        task.drain(LONG).await;
        assert!(ended.load(Ordering::SeqCst));

        let (held, gone) = tokio::sync::oneshot::channel::<()>();
        let task = Task::start("a test", |_| async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        task.drain(Duration::ZERO).await;
        let gone = tokio::time::timeout(LONG, gone).await;
        assert!(gone.is_ok_and(|sent| sent.is_err()), "it was dropped");
    }
}
