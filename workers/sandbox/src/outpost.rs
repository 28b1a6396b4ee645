//! Programs of others that speak to the network for the service, and hand on what they hear through a pipe.

use crate::child::outpost::FLAG;
use crate::keeper::Keeper;
use crate::layers::Confinement;
use crate::stderr::Tail;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long one that has closed its pipe may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// Starts them. Clones share a thread, which lives as long as any of them and all that they started.
#[derive(Debug, Clone)]
pub struct Outpost {
    /// What confines itself and then becomes the program: the executable of a child.
    child: PathBuf,
    confinement: Confinement,
    keeper: Arc<OnceLock<Keeper<()>>>,
}

impl Outpost {
    pub fn new(child: PathBuf, confinement: Confinement) -> Self {
        Self { child, confinement, keeper: Arc::default() }
    }

    /// Runs `program`, an absolute path, with no environment and none of the service's rights but these: it may send and
    /// receive datagrams, read libraries, and start threads. It is killed when it is dropped, and ends with the service.
    pub async fn start(&self, program: &Path, arguments: &[String]) -> io::Result<Posted> {
        if self.keeper.get().is_none() {
            // Where somebody else was quicker, theirs is taken.
            let _ = self.keeper.set(Keeper::new(spawn)?);
        }
        let keeper = self.keeper.get().ok_or_else(|| io::Error::other("nothing starts children"))?;
        let confinement = serde_json::to_string(&self.confinement)?;
        let own = std::process::id().to_string();
        let head = [FLAG.as_ref(), OsStr::new(&confinement), OsStr::new(&own), program.as_os_str()];
        let all = head.into_iter().map(OsString::from).chain(arguments.iter().map(OsString::from));
        let mut command = Command::new(&self.child);
        command.args(all).env_clear();
        let (mut child, ()) = keeper.start(command).await?;
        let none = || io::Error::other("the child has no pipes");
        let out = child.stdout.take().ok_or_else(none)?;
        let stderr = Tail::of(child.stderr.take().ok_or_else(none)?);
        Ok(Posted { child, out, stderr, _keeper: Arc::clone(&self.keeper) })
    }
}

fn spawn(mut command: Command) -> io::Result<(Child, ())> {
    let child = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for the service, which drains.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, ()))
}

/// One that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Posted {
    child: Child,
    out: ChildStdout,
    stderr: Tail,
    /// The thread that it would die with.
    _keeper: Arc<OnceLock<Keeper<()>>>,
}

impl Posted {
    /// Waits for more of what it writes; how many bytes, 0 at its end. While nobody reads, it waits.
    pub async fn more(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.out.read(into).await
    }

    /// The end of what it complained of so far, which may hold whatever it was told or heard.
    pub fn complaints(&self) -> String {
        self.stderr.so_far()
    }

    /// As [`Self::ended`], of one that lives.
    pub async fn end(mut self) -> (Option<ExitStatus>, String) {
        // It may be gone by now, which is as good.
        let _ = self.child.start_kill();
        self.ended().await
    }

    /// For one that has closed its pipe: how it ended, and the end of what it complained of. One that lives on is killed.
    pub async fn ended(mut self) -> (Option<ExitStatus>, String) {
        let mut status = timeout(LAST_BREATH, self.child.wait()).await.ok().and_then(Result::ok);
        if status.is_none() {
            // It may be gone by now, which is as good.
            let _ = self.child.start_kill();
            status = timeout(LAST_BREATH, self.child.wait()).await.ok().and_then(Result::ok);
        }
        (status, self.stderr.last_words().await)
    }
}
