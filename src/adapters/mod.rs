//! Ports made real.

pub mod fs;
pub mod sqlite;
pub mod store_queue;
