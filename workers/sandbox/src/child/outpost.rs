//! The child's end of an outpost: a process that gives up all but what a program of others needs, and becomes it. Started
//! anew for this, for what a service of many threads does between fork and exec is not to be relied on.

use super::confine;
use crate::layers::Confinement;
use crate::limits;
use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The first argument; then how to be confined, who asks, and the program with its arguments.
pub(crate) const FLAG: &str = "--outpost";
/// Arenas of the allocator, each of which takes address space: one will do.
const ENVIRONMENT: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

/// Whether this process was started to become a program of others; it returns only if it cannot.
pub fn become_one() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != FLAG {
        return None;
    }
    let error = match become_program(arguments) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    eprintln!("{error}");
    Some(ExitCode::FAILURE)
}

fn become_program(mut arguments: impl Iterator<Item = OsString>) -> io::Result<std::convert::Infallible> {
    let mut next = || arguments.next().ok_or_else(|| io::Error::other("this is started by lazaret"));
    let confinement: Confinement = serde_json::from_str(&next()?.to_string_lossy())?;
    let (parent, program) = (next()?, next()?);
    confine::tied()?;
    // Whoever asked may have ended before that held.
    let is_wanted = rustix::process::getppid().is_some_and(|now| *now.to_string() == *parent);
    if !is_wanted {
        return Err(io::Error::other("nobody waits for this"));
    }
    limits::pin_outpost()?;
    confine::to_outpost(&confinement, program.as_ref())?;
    let mut command = Command::new(&program);
    command.args(arguments).env_clear().env(ENVIRONMENT.0, ENVIRONMENT.1);
    let error = command.exec();
    Err(io::Error::new(error.kind(), format!("cannot start {}: {error}", program.to_string_lossy())))
}
