//! Ports made real.

pub mod amqp;
pub mod fs;
mod keys;
pub mod postgres;
pub mod s3;
mod spools;
mod sql;
pub mod sqlite;
pub mod store_queue;
