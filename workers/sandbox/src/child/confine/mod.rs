//! What a child gives up before it sees a hostile byte. All of it is done by the child itself, first thing in its `main`
//! and once it is set up, and never between fork and exec.

mod calls;
mod inherited;
mod landlock;
mod outward;
mod seccomp;

use crate::layers::{Confinement, Layer, Layers};
use crate::limits;
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use std::io;
use std::path::Path;

/// The first thing in a child's `main`: it dies with the service, gains no rights, shows its memory to nobody, has
/// nothing that it was not given, and lives under the limits that need no configuration. [`limits::Limits`] come with
/// the setup message.
pub(super) fn first() -> io::Result<()> {
    tied()?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limits::pin_fixed()?;
    die_of_panics();
    Ok(())
}

/// What outlives an exec, too.
pub(super) fn tied() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    inherited::close()
}

/// While the child is set up, which takes the operator's own fonts and nothing of an upload: files may be read, and
/// that is all.
pub(super) fn to_reading(confinement: &Confinement) -> io::Result<()> {
    if confinement.asks_for(Layer::Landlock) {
        // What there is of it is told by the last step, which comes to the same.
        drop(judge(confinement, "Landlock", landlock::restrict(landlock::To::Reading))?);
    }
    Ok(())
}

/// The last thing before the first file: no file, no network, no other process, and none but the few calls that
/// decoding takes. The error says what the kernel cannot enforce, and what to do.
pub(super) fn to_nothing(confinement: &Confinement) -> io::Result<Layers> {
    drop_capabilities()?;
    let unasked = || Err("left out".to_owned());
    let landlock = match confinement.asks_for(Layer::Landlock) {
        true => judge(confinement, "Landlock", landlock::restrict(landlock::To::Nothing))?,
        false => unasked(),
    };
    // Last, for it forbids what the other layers take.
    let seccomp = match confinement.asks_for(Layer::Seccomp) {
        true => judge(confinement, "seccomp", seccomp::restrict())?,
        false => unasked(),
    };
    Ok(Layers { landlock, seccomp })
}

/// The last thing before this process becomes `program`: libraries may be read, and datagrams sent.
pub(super) fn to_outpost(confinement: &Confinement, program: &Path) -> io::Result<()> {
    drop_capabilities()?;
    if confinement.asks_for(Layer::Landlock) {
        drop(judge(confinement, "Landlock", landlock::restrict(landlock::To::Becoming(program)))?);
    }
    if confinement.asks_for(Layer::Seccomp) {
        drop(judge(confinement, "seccomp", seccomp::restrict_outpost())?);
    }
    Ok(())
}

/// What is given up so is not given back by an exec either, not even to root: that is what `no_new_privs` means.
fn drop_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

fn judge(
    confinement: &Confinement,
    layer: &str,
    held: Result<String, String>,
) -> io::Result<Result<String, String>> {
    match held {
        Err(why) if *confinement != Confinement::BestEffort => Err(io::Error::other(format!(
            "this kernel does not enforce {layer} ({why}): enable it (Linux 5.13 or later, with landlock among its \
             security modules), or write media.sandbox = \"best-effort\" to decode without it"
        ))),
        held => Ok(held),
    }
}

/// A decoder that panicked may have left anything behind: nothing is caught, the child ends.
fn die_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::abort();
    }));
}
