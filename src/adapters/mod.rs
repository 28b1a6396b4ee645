//! Ports made real.

pub mod fs;
pub mod sqlite;
