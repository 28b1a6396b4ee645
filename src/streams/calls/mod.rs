//! The calls about live streams.

pub mod admit;
pub mod close;
pub mod episodes;
pub mod frames;
pub mod open;
pub mod rotate;
pub mod show;
pub mod socket;
pub mod view;
