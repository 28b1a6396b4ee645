//! One request to a clamd. No time-outs here: the callers set them.

use crate::{
    address::Address,
    reply::{self, Asked, Nonsense, Reply, shown},
    version::Version,
};
use clamav_client::tokio::TransportProtocol;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::{
    fs::File,
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};

const CHUNK_BYTES: usize = 256 * 1024;

/// Replies are one line; a server that talks on is cut off here.
const LONGEST_REPLY: usize = 16 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the connection was closed without an answer")]
    Closed,
    #[error(transparent)]
    Nonsense(#[from] Nonsense),
    /// The file's trouble, not the daemon's.
    #[error("the file cannot be read: {0}")]
    File(io::Error),
}

pub(crate) async fn ping(address: &Address) -> Result<(), WireError> {
    let link = Link::to(address);
    let answer = clamav_client::tokio::ping(&link).await.map_err(|e| link.error(e))?;
    if answer == clamav_client::PONG { Ok(()) } else { Err(unexpected(&answer)) }
}

pub(crate) async fn version(address: &Address) -> Result<Version, WireError> {
    let link = Link::to(address);
    let answer = clamav_client::tokio::get_version(&link).await.map_err(|e| link.error(e))?;
    Version::parse(&answer).ok_or_else(|| unexpected(&answer))
}

/// Scans the whole of `file`, which keeps its offset: by descriptor over a Unix socket, else over INSTREAM.
pub(crate) async fn scan(address: &Address, file: &File) -> Result<Reply, WireError> {
    // clamd seeks a passed descriptor to 0, and reading moves ours, so the daemon gets an open file of its own.
    let own = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(WireError::File)?;
    if let Address::Unix(socket) = address {
        let stream = UnixStream::connect(socket).await.map_err(WireError::Connect)?;
        let answer = by_descriptor(stream, &own).await.map_err(WireError::Broken)?;
        return answered(Asked::Descriptor, &answer);
    }
    let link = Link::to(address);
    let path = format!("/proc/self/fd/{}", own.as_raw_fd());
    let sent = clamav_client::tokio::scan_file(&path, &link, Some(CHUNK_BYTES)).await;
    answered(Asked::Stream, &sent.map_err(|e| link.error(e))?)
}

/// Scans bytes that are in memory, over INSTREAM on either kind of socket.
pub(crate) async fn scan_bytes(address: &Address, bytes: &[u8]) -> Result<Reply, WireError> {
    let link = Link::to(address);
    let sent = clamav_client::tokio::scan_buffer(bytes, &link, Some(CHUNK_BYTES)).await;
    answered(Asked::Stream, &sent.map_err(|e| link.error(e))?)
}

fn answered(asked: Asked, answer: &[u8]) -> Result<Reply, WireError> {
    if answer.is_empty() {
        return Err(WireError::Closed);
    }
    Ok(reply::parse(asked, answer)?)
}

fn unexpected(answer: &[u8]) -> WireError {
    if answer.is_empty() { WireError::Closed } else { Nonsense(shown(answer)).into() }
}

async fn by_descriptor(mut stream: UnixStream, file: &File) -> io::Result<Vec<u8>> {
    stream.write_all(b"zFILDES\0").await?;
    let fds = [file.as_fd()];
    stream
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&fds));
            // A descriptor travels with at least one byte of data.
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            Ok(sendmsg(&stream, &[IoSlice::new(&[0])], &mut control, flags)?)
        })
        .await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_REPLY as u64).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// A way to one daemon for `clamav-client`, which remembers whether it was the connection that failed.
struct Link<'a> {
    address: &'a Address,
    connected: AtomicBool,
    broke: Arc<AtomicBool>,
}

impl<'a> Link<'a> {
    fn to(address: &'a Address) -> Self {
        Self { address, connected: AtomicBool::new(false), broke: Arc::default() }
    }

    fn error(&self, error: io::Error) -> WireError {
        if self.broke.load(Ordering::Relaxed) {
            WireError::Broken(error)
        } else if self.connected.load(Ordering::Relaxed) {
            WireError::File(error)
        } else {
            WireError::Connect(error)
        }
    }
}

impl TransportProtocol for Link<'_> {
    type Stream = Guarded;

    async fn connect(&self) -> io::Result<Guarded> {
        let inner: Pin<Box<dyn Duplex>> = match self.address {
            Address::Unix(path) => Box::pin(UnixStream::connect(path).await?),
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Box::pin(stream)
            }
        };
        self.connected.store(true, Ordering::Relaxed);
        Ok(Guarded { inner, broke: Arc::clone(&self.broke), deaf: false, left: LONGEST_REPLY })
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A connection whose reply is bounded, and readable even where the daemon stopped listening: on `StreamMaxLength` it
/// answers and closes while the client is still writing.
struct Guarded {
    inner: Pin<Box<dyn Duplex>>,
    broke: Arc<AtomicBool>,
    deaf: bool,
    left: usize,
}

impl Guarded {
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.broke.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(self.inner.as_mut().poll_read(cx, buf));
        let read = buf.filled().len() - before;
        let result = match self.left.checked_sub(read) {
            Some(left) => {
                self.left = left;
                result
            }
            // Taken back, since tokio asserts that a failed read filled nothing.
            None => {
                buf.set_filled(before);
                Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"))
            }
        };
        Poll::Ready(self.note(result))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Ready(Ok(buf.len()));
        }
        match ready!(self.inner.as_mut().poll_write(cx, buf)) {
            Err(e) if matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                self.deaf = true;
                Poll::Ready(Ok(buf.len()))
            }
            result => Poll::Ready(self.note(result)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(self.inner.as_mut().poll_flush(cx));
        Poll::Ready(if self.deaf { Ok(()) } else { self.note(result) })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_shutdown(cx)
    }
}
