//! The daemon's process. It must not outlive us, not even `kill -9`: it is started with a parent-death signal, and a
//! daemon that an owner before left behind is ended at the next start.

use super::folder::Folder;
use rustix::{
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
    thread::{CapabilitySet, capabilities},
};
use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, PipeReader, Read},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};

const LINES_KEPT: usize = 5;
const GRACE: Duration = Duration::from_secs(3);

/// A running clamd; dropping it kills it.
pub(super) struct Clamd {
    pidfd: OwnedFd,
    /// The daemon's last words, once it ended.
    ended: watch::Receiver<Option<String>>,
}

impl Clamd {
    pub(super) async fn start(clamd: &Path, folder: &Folder) -> Result<Self, String> {
        let setpriv = find(Path::new("setpriv")).ok_or("setpriv is not found: install util-linux")?;
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL", "--no-new-privs"]);
        // As root it keeps the user, whose files these are, but none of root's powers.
        if capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SETPCAP)) {
            command.args(["--bounding-set=-all", "--inh-caps=-all"]);
        }
        command.arg("--").arg(clamd).arg("--config-file").arg(folder.config());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // VERSION tells the signatures' date in local time, and errors in the local language.
        command.env("TZ", "UTC").env("LC_ALL", "C");
        command.stdin(Stdio::null());

        // A parent-death signal is sent when the *thread* that started the child ends, so that thread stays with it.
        let (told, started) = oneshot::channel();
        let (tell_end, ended) = watch::channel(None);
        std::thread::Builder::new()
            .name("clamd-keeper".to_owned())
            .spawn(move || keep(command, told, &tell_end))
            .map_err(|error| format!("cannot start a thread for clamd: {error}"))?;
        match started.await {
            Ok(Ok((pid, pidfd))) => {
                let clamd = Self { pidfd, ended };
                // clamd writes its own, but only after it has loaded its signatures.
                folder.write_pid(pid)?;
                Ok(clamd)
            }
            Ok(Err(error)) => Err(format!("cannot start {}: {error}", clamd.display())),
            Err(_) => Err("cannot start clamd: its thread ended".to_owned()),
        }
    }

    /// Waits for its end and gives its last words.
    pub(super) async fn ended(&mut self) -> String {
        match self.ended.wait_for(Option::is_some).await {
            Ok(words) => words.clone().unwrap_or_default(),
            Err(_) => "its keeper is gone".to_owned(),
        }
    }

    /// Asks it to end, then makes it.
    pub(super) async fn end(mut self) {
        if self.ended.borrow().is_none() {
            let _gone_already = pidfd_send_signal(&self.pidfd, Signal::TERM);
            if timeout(GRACE, self.ended()).await.is_err() {
                let _gone_already = pidfd_send_signal(&self.pidfd, Signal::KILL);
                let _last_words = timeout(GRACE, self.ended()).await;
            }
        }
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _gone_already = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

fn keep(
    mut command: Command,
    told: oneshot::Sender<io::Result<(Pid, OwnedFd)>>,
    tell_end: &watch::Sender<Option<String>>,
) {
    let started = (|| {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn()?;
        drop(command); // and with it our writing ends of the pipe
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok((child, reader, (pid, pidfd))),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error.into())
            }
        }
    })();
    let (mut child, reader, handles) = match started {
        Ok(started) => started,
        Err(error) => {
            let _nobody_waits = told.send(Err(error));
            return;
        }
    };
    if let Err(Ok((_, pidfd))) = told.send(Ok(handles)) {
        // Nobody waits for it any more.
        let _gone_already = pidfd_send_signal(&pidfd, Signal::KILL);
    }
    let last = drain(reader);
    let status = child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
    tell_end.send_replace(Some(if last.is_empty() { status } else { format!("{status}: {last}") }));
}

/// Passes its log on, and keeps the last complaints, or else the last lines.
fn drain(reader: PipeReader) -> String {
    let (mut lines, mut complaints) = (VecDeque::new(), VecDeque::new());
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(8192).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let text = line.trim_ascii().escape_ascii().to_string();
        let kept = if text.contains("ERROR:") || text.contains("Error:") || text.starts_with("setpriv:") {
            tracing::warn!(target: "clamd", "{text}");
            &mut complaints
        } else {
            tracing::debug!(target: "clamd", "{text}");
            &mut lines
        };
        kept.push_back(text);
        if kept.len() > LINES_KEPT {
            kept.pop_front();
        }
    }
    let kept = if complaints.is_empty() { lines } else { complaints };
    Vec::from(kept).join(" | ")
}

/// A path as it is, a bare name on `PATH` and where daemons live.
pub(super) fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(program)).find(|p| p.is_file())
}

/// Kills the process if it was started with this very configuration.
pub(super) fn end_stale(pid: &str, config: &Path) {
    let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) else { return };
    // The descriptor first: what is looked at after is surely that process, or nothing.
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let ours = || {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|b| *b == 0).any(|word| word == config.as_os_str().as_bytes())
    };
    if !ours() {
        return;
    }
    tracing::warn!(clamd.pid = pid.as_raw_nonzero().get(), "ending a clamd that was left behind");
    let _gone_already = pidfd_send_signal(&pidfd, Signal::KILL);
    let began = Instant::now();
    while ours() && began.elapsed() < GRACE {
        std::thread::sleep(Duration::from_millis(5));
    }
}
