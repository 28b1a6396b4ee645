//! What the two SQL stores share: how values are written, what an event and an audit line say, who takes turns. Where
//! the engines differ, each has its own statements.

mod chain;
mod error;
mod row;
mod streams;
mod told;
mod turns;

pub(super) use chain::{GENESIS, Walk, as_hash, chained};
pub(super) use error::damaged;
pub(super) use row::*;
pub(super) use streams::*;
pub(super) use told::{accepted, decided, event, judged, received, refuse_nonsense, written};
pub(super) use turns::{asked, in_turns};
