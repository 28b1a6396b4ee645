use crate::protocol::{FromChild, Header, LENGTH, ToChild};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// A request, with its file where it is one that brings a file.
#[derive(Debug)]
pub struct Incoming {
    pub sequence: u64,
    pub message: ToChild,
    pub file: Option<File>,
}

/// The child's end of the socket, which is its standard input.
#[derive(Debug)]
pub struct Channel {
    socket: UnixStream,
    files: VecDeque<OwnedFd>,
}

impl Channel {
    pub fn from_stdin() -> io::Result<Self> {
        Ok(Self::over(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?)))
    }

    /// The child's end of this socket.
    pub fn over(socket: UnixStream) -> Self {
        Self { socket, files: VecDeque::new() }
    }

    /// The next request; `None` once the service is gone.
    pub fn receive(&mut self) -> io::Result<Option<Incoming>> {
        let mut bytes = [0; LENGTH];
        if !self.fill(&mut bytes)? {
            return Ok(None);
        }
        let header = Header::decode(&bytes).ok_or_else(|| io::Error::other("not a message"))?;
        let mut head = vec![0; header.head_length as usize];
        if header.blob_length != 0 || !self.fill(&mut head)? {
            return Err(io::Error::other("half a message"));
        }
        let message = serde_json::from_slice(&head)?;
        let file = match message {
            ToChild::Open { .. } | ToChild::Attempt(_) => self.files.pop_front().map(File::from),
            _ => None,
        };
        Ok(Some(Incoming { sequence: header.sequence, message, file }))
    }

    pub fn send(&mut self, sequence: u64, message: &FromChild, blob: &[u8]) -> io::Result<()> {
        let head = serde_json::to_vec(message)?;
        let length = |n: usize| u32::try_from(n).map_err(io::Error::other);
        let header = Header { sequence, head_length: length(head.len())?, blob_length: length(blob.len())? };
        let header = header.encode();
        let mut parts = [IoSlice::new(&header), IoSlice::new(&head), IoSlice::new(blob)];
        let mut parts = &mut parts[..];
        while !parts.is_empty() {
            match self.socket.write_vectored(parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => IoSlice::advance_slices(&mut parts, n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Whether the service says something while it is being answered. It can only be that this is enough.
    pub(super) fn is_spoken_to(&self) -> io::Result<bool> {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let mut control = RecvAncillaryBuffer::default();
        let peeked = recvmsg(&self.socket, &mut [IoSliceMut::new(&mut [0])], &mut control, flags);
        match peeked {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Fills `bytes`, and keeps the descriptors that come with them. False at the end of all messages.
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        let mut at = 0;
        while at < bytes.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let read = match recvmsg(
                &self.socket,
                &mut [IoSliceMut::new(&mut bytes[at..])],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            ) {
                Ok(message) => message.bytes,
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(e.into()),
            };
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(files) = message {
                    self.files.extend(files);
                }
            }
            if read == 0 {
                return if at == 0 { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            at += read;
        }
        Ok(true)
    }
}
