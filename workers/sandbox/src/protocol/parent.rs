//! The service's end of the socket.

use super::{FromChild, Header, LENGTH, ToChild};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

/// What can go wrong while a child is heard.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The other end is gone.
    Gone,
    /// It says more than it may.
    TooMuch,
    /// It says something that it may not.
    Nonsense(String),
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

pub(crate) fn encode(sequence: u64, message: &ToChild) -> Result<Vec<u8>, Broken> {
    let head = serde_json::to_vec(message).map_err(|e| Broken::Nonsense(e.to_string()))?;
    let head_length = u32::try_from(head.len()).map_err(|e| Broken::Nonsense(e.to_string()))?;
    let mut bytes = Header { sequence, head_length, blob_length: 0 }.encode().to_vec();
    bytes.extend_from_slice(&head);
    Ok(bytes)
}

/// Sends a message, and a descriptor along with its first byte.
pub(crate) async fn tell(
    socket: &mut UnixStream,
    sequence: u64,
    message: &ToChild,
    file: Option<BorrowedFd<'_>>,
) -> Result<(), Broken> {
    let bytes = encode(sequence, message)?;
    let mut sent = 0;
    if let Some(file) = file {
        sent = socket.async_io(Interest::WRITABLE, || send_with(socket, &bytes, file)).await?;
    }
    socket.write_all(&bytes[sent..]).await?;
    Ok(())
}

fn send_with(socket: &UnixStream, bytes: &[u8], file: BorrowedFd<'_>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let files = [file];
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

/// Hears one message up to its blob, whose length is returned and whose bytes are still to be read.
/// `heads` are the bytes of heads that this and what follows may have: a child whose every byte of an answer had its own,
/// padded message would keep us reading for good.
pub(crate) async fn hear(
    socket: &mut UnixStream,
    sequence: u64,
    heads: &mut u64,
) -> Result<(FromChild, usize), Broken> {
    let mut bytes = [0; LENGTH];
    socket.read_exact(&mut bytes).await?;
    let header = Header::decode(&bytes).ok_or_else(|| Broken::Nonsense("not a message".into()))?;
    if header.sequence != sequence {
        return Err(Broken::Nonsense(format!("answer to request {} of {sequence}", header.sequence)));
    }
    let spent = LENGTH as u64 + u64::from(header.head_length);
    *heads = heads.checked_sub(spent).ok_or(Broken::TooMuch)?;
    let mut head = vec![0; header.head_length as usize];
    socket.read_exact(&mut head).await?;
    let message = serde_json::from_slice(&head).map_err(|e| Broken::Nonsense(e.to_string()))?;
    Ok((message, header.blob_length as usize))
}
