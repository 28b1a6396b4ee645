//! Holes in the laws, made on purpose, so that it can be shown that the fault runs find them: the feature `sabotage` and
//! the variable LAZARET_SABOTAGE open one. Without the feature there is nothing here to open.

#[cfg(all(feature = "sabotage", not(debug_assertions)))]
compile_error!("the feature `sabotage` breaks the laws on purpose: a release build has none of it");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hole {
    /// A verdict commits without its event.
    Outbox,
    /// Who lost a lease settles all the same.
    Fencing,
    /// Messages are acknowledged as they come, and nobody looks after leases that ran out.
    Ack,
}

#[cfg(feature = "sabotage")]
pub(crate) fn opens(hole: Hole) -> bool {
    let name = match hole {
        Hole::Outbox => "outbox",
        Hole::Fencing => "fencing",
        Hole::Ack => "ack",
    };
    std::env::var_os("LAZARET_SABOTAGE").is_some_and(|opened| opened == name)
}

#[cfg(not(feature = "sabotage"))]
pub(crate) const fn opens(_: Hole) -> bool {
    false
}
