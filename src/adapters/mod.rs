//! Ports made real.

pub mod fs;
mod keys;
pub mod s3;
mod spools;
pub mod sqlite;
pub mod store_queue;
