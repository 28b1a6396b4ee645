//! What happened, told to whom it concerns.

pub mod settled;

pub use settled::Settled;
