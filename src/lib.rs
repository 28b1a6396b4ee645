//! Lazaret: every upload waits in quarantine until it is proven safe. See `ARCHITECTURE.md` for the tree.

pub mod access;
pub mod adapters;
pub mod app;
pub mod cli;
pub mod config;
pub mod console;
pub mod delivery;
pub mod events;
pub mod http;
pub mod intake;
pub mod pipeline;
pub mod ports;
pub mod review;
mod sabotage;
pub mod streams;
mod task;
pub mod telemetry;
pub mod upload;

pub use task::Task;

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        // Writing to a String cannot fail.
        let _ = write!(s, "{b:02x}");
        s
    })
}
