//! What a child gives up before it sees a hostile byte.

use crate::limits;
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
use std::io;

/// The first thing in a child's `main`: it dies with the service, gains no rights, shows its memory to nobody, and
/// lives under the limits that need no configuration. [`limits::Limits`] come with the setup message.
pub fn first() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limits::pin_fixed()?;
    die_of_panics();
    Ok(())
}

/// A decoder that panicked may have left anything behind: nothing is caught, the child ends.
fn die_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::abort();
    }));
}
