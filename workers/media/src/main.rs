//! `lazaret-media`: the child process that alone links the decoders.
//!
//! It is started by the service's pool, speaks [`lazaret_sandbox::protocol`] on its standard input, and serves one file
//! at a time: container walk, frames for the classifiers, renditions for delivery. Nothing here tries to survive
//! trouble; a panic, an allocation that fails or a deadline ends the process, and the pool starts another.

use lazaret_media::{Media, VERSION};
use std::process::ExitCode;

fn main() -> ExitCode {
    // The smallest of our executables, so it is also what programs of others are confined by.
    if let Some(failed) = lazaret_sandbox::child::outpost::become_one() {
        return failed;
    }
    lazaret_sandbox::child::run(VERSION, Media::new)
}
