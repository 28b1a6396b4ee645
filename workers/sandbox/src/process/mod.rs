//! One running child, as the service holds it.

mod spawn;

pub(crate) use spawn::Spawner;

use crate::layers::Layers;
use crate::protocol::parent::{self, Broken};
use crate::protocol::{FromChild, ToChild};
use crate::stderr::Tail;
use crate::trouble::Trouble;
use std::os::fd::BorrowedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::time::{Instant, timeout};

/// How long a child whose socket is closed may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    socket: UnixStream,
    sequence: u64,
    stderr: Tail,
    pub(crate) version: String,
    pub(crate) layers: Layers,
    /// Bytes of heads that the answer to one request may have, and how many of them are left.
    heads: u64,
    heads_left: u64,
    /// Files it was given so far.
    pub(crate) jobs: u32,
}

/// Wall clock time left to a request. Only waiting for the child counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wall(pub(crate) Duration);

impl Process {
    /// Sends a request. What is heard from now on answers it.
    pub(crate) async fn tell(
        &mut self,
        message: &ToChild,
        file: Option<BorrowedFd<'_>>,
        wall: &mut Wall,
    ) -> Result<(), Trouble> {
        self.sequence += 1;
        self.heads_left = self.heads;
        let told = wall.bound(parent::tell(&mut self.socket, self.sequence, message, file)).await;
        self.judge(told).await
    }

    /// The next answer and the length of its blob, which [`Self::blob`] must take if it is not 0.
    pub(crate) async fn hear(&mut self, wall: &mut Wall) -> Result<(FromChild, usize), Trouble> {
        let heard = wall.bound(parent::hear(&mut self.socket, self.sequence, &mut self.heads_left)).await;
        self.judge(heard).await
    }

    /// Reads a blob whose length the caller found right.
    pub(crate) async fn blob(
        &mut self,
        blob: &mut Vec<u8>,
        length: usize,
        wall: &mut Wall,
    ) -> Result<(), Trouble> {
        blob.resize(length, 0);
        let read = wall.bound(async { Ok(self.socket.read_exact(blob).await.map(|_| ())?) }).await;
        self.judge(read).await
    }

    /// A message that is not answered, sent only if that takes no waiting. False: the child is no longer in step.
    pub(crate) fn whisper(&mut self, message: &ToChild) -> bool {
        self.sequence += 1;
        let Ok(bytes) = parent::encode(self.sequence, message) else { return false };
        matches!(self.socket.try_write(&bytes), Ok(n) if n == bytes.len())
    }

    /// A word in the middle of an answer, which begins no new request. It is lost where there is no room for it.
    pub(crate) fn remark(&mut self, message: &ToChild) {
        if let Ok(bytes) = parent::encode(self.sequence, message) {
            // Half a message would break the protocol, which kills; the socket of a child that listens has room.
            let _ = self.socket.try_write(&bytes);
        }
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    async fn judge<T>(&mut self, heard: Option<Result<T, Broken>>) -> Result<T, Trouble> {
        match heard {
            Some(Ok(heard)) => Ok(heard),
            Some(Err(Broken::Nonsense(what))) => {
                self.kill().await;
                Err(Trouble::Protocol(what))
            }
            Some(Err(Broken::TooMuch)) => {
                self.kill().await;
                Err(Trouble::OutputLimit)
            }
            Some(Err(Broken::Gone)) => Err(self.autopsy().await),
            None => {
                self.kill().await;
                Err(Trouble::WallDeadline)
            }
        }
    }

    /// How a child that closed its socket ended; `None` where it has not.
    pub(crate) async fn status(&mut self) -> Option<ExitStatus> {
        timeout(LAST_BREATH, self.child.wait()).await.ok()?.ok()
    }

    pub(crate) async fn kill(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.start_kill();
        let _ = timeout(LAST_BREATH, self.child.wait()).await;
    }

    /// Why a child that closed its socket did so.
    async fn autopsy(&mut self) -> Trouble {
        let Some(status) = self.status().await else {
            self.kill().await;
            return Trouble::Protocol("closed its socket and lived on".into());
        };
        let said = self.stderr.last_words().await;
        cause_of_death(status, &said)
    }
}

fn cause_of_death(status: ExitStatus, said: &str) -> Trouble {
    const SIGABRT: i32 = 6;
    const SIGXCPU: i32 = 24;
    const SIGSYS: i32 = 31;
    let last = said.lines().last().unwrap_or_default();
    match status.signal() {
        Some(SIGXCPU) => Trouble::CpuDeadline,
        Some(SIGSYS) => Trouble::Forbidden,
        // What Rust's allocator error handler writes before it aborts.
        Some(SIGABRT) if said.contains("memory allocation of") => Trouble::OutOfMemory,
        Some(signal) => Trouble::Crashed { how: format!("signal {signal}: {last}") },
        None => Trouble::Crashed { how: format!("{status}: {last}") },
    }
}

impl Wall {
    /// `None` when the time is up.
    async fn bound<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let begun = Instant::now();
        let done = timeout(self.0, work).await.ok();
        self.0 = self.0.saturating_sub(begun.elapsed());
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_child_died_says_what_the_trouble_was() {
        let cases = [
            (24, "", Trouble::CpuDeadline),
            (31, "", Trouble::Forbidden),
            (6, "memory allocation of 99 bytes failed\n", Trouble::OutOfMemory),
            (6, "x\npanicked at y", Trouble::Crashed { how: "signal 6: panicked at y".into() }),
            (11, "", Trouble::Crashed { how: "signal 11: ".into() }),
            (3 << 8, "so", Trouble::Crashed { how: "exit status: 3: so".into() }),
        ];
        for (raw, said, trouble) in cases {
            assert_eq!(cause_of_death(ExitStatus::from_raw(raw), said), trouble);
        }
    }
}
