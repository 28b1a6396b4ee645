//! A clamd that costs nothing: it passes the canaries and calls everything else clean, unread. What is measured beside
//! it is the pipeline without its antivirus engine.

use anyhow::Context;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, recvmsg};
use std::{
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

pub struct Stub {
    socket: PathBuf,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl Stub {
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lazaret-clamd-").tempdir()?;
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).context("the stub's socket")?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A caller that went away is no trouble of this benchmark's; one that is not answered shows by itself.
                tokio::spawn(answer(stream));
            }
        });
        Ok(Self { socket, task, _folder: folder })
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: UnixStream) -> io::Result<()> {
    let mut command = Vec::new();
    while !command.ends_with(b"\0") {
        command.push(stream.read_u8().await?);
    }
    let reply: &[u8] = match command.as_slice() {
        b"zPING\0" => b"PONG\0",
        b"zVERSION\0" => b"ClamAV 1.4.3\0",
        b"zINSTREAM\0" => judge(&all_of(&mut stream).await?),
        b"zFILDES\0" => {
            take_descriptor(&stream).await?;
            b"fd[9]: OK\0"
        }
        _ => b"UNKNOWN COMMAND\0",
    };
    stream.write_all(reply).await
}

/// Only the canaries come as a stream over a Unix socket.
fn judge(body: &[u8]) -> &'static [u8] {
    match body {
        [b'P', b'K', ..] => b"stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0",
        _ if body.starts_with(b"X5O!") => b"stream: Eicar-Test-Signature FOUND\0",
        _ => b"stream: OK\0",
    }
}

async fn all_of(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = stream.read_u32().await? as usize;
        if length == 0 {
            return Ok(body);
        }
        let start = body.len();
        body.resize(start + length, 0);
        stream.read_exact(&mut body[start..]).await?;
    }
}

/// The descriptor is closed as soon as it came.
async fn take_descriptor(stream: &UnixStream) -> io::Result<()> {
    let take = || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        Ok(())
    };
    stream.async_io(Interest::READABLE, take).await
}
