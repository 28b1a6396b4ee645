//! What happened, told to whom it concerns.

pub mod cloud;
pub mod dead;
mod leader;
pub mod relay;
pub mod settled;
mod share;
pub mod webhook;

pub(crate) use leader::Leader;
pub use relay::Relay;
pub use settled::Settled;
