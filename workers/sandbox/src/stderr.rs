use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Bytes of stderr that are kept.
const KEPT: usize = 8 << 10;

/// The end of what a child wrote on stderr. All of it is drained, so that the child never blocks on it.
#[derive(Debug)]
pub(crate) struct Tail {
    kept: Arc<Mutex<Vec<u8>>>,
    drain: JoinHandle<()>,
}

impl Tail {
    pub(crate) fn of(mut stderr: ChildStderr) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&kept);
        let drain = tokio::spawn(async move {
            let mut piece = [0; 2048];
            while let Ok(read @ 1..) = stderr.read(&mut piece).await {
                let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&piece[..read]);
                let excess = kept.len().saturating_sub(KEPT);
                kept.drain(..excess);
            }
        });
        Self { kept, drain }
    }

    /// For a child that is dead: all that it said, as far as kept, and without control characters.
    pub(crate) async fn last_words(&mut self) -> String {
        let _ = timeout(Duration::from_secs(1), &mut self.drain).await;
        self.so_far()
    }

    pub(crate) fn so_far(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let plain = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
        String::from_utf8_lossy(&kept).trim_end().chars().map(plain).collect()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.drain.abort();
    }
}
