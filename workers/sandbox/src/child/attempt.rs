//! What the self-test has a child try. Each of it would be harmless if it came about.

use crate::layers::Act;
use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// A program that every system has.
const PROGRAM: &str = "/bin/true";

/// Returns where the act came about; a child that is confined ends in here. `file` is open for writing.
pub(super) fn attempt(act: Act, file: Option<File>) -> io::Result<()> {
    match act {
        Act::OpenFile => File::open("/etc/passwd").map(drop),
        Act::WriteFile => file.ok_or(io::ErrorKind::NotFound)?.write_all(b"x"),
        // Nobody listens there, and to hear so is to have reached the network.
        Act::Connect => match TcpStream::connect((Ipv4Addr::LOCALHOST, 9)) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            connected => connected.map(drop),
        },
        Act::Exec => Err(Command::new(PROGRAM).exec()),
        Act::Fork => Command::new(PROGRAM).stdin(Stdio::inherit()).status().map(drop),
        Act::Ptrace => Ok(nix::sys::ptrace::traceme()?),
        Act::ExecutableMemory => memmap2::MmapMut::map_anon(1)?.make_exec().map(drop),
        // Signal 0 is none: it asks whether one could be sent.
        Act::SignalParent => {
            let parent = rustix::process::getppid().ok_or(io::ErrorKind::NotFound)?;
            Ok(rustix::process::test_kill_process(parent)?)
        }
    }
}
