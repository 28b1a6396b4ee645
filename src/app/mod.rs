//! The composition root: settings → adapters → roles → run → drain.

mod console;
mod engines;
mod folder;
mod gauges;
mod janitor;
mod mark;
mod news;
mod readiness;
mod sandbox;
mod serve;
mod signer;
mod sources;
mod stores;
mod streams;
mod vault;

pub use console::people;
pub use engines::{caller, child, examiner, known_bad, models_folder, runtime, start_engines};
pub use folder::DataFolder;
pub use mark::mark;
pub use sandbox::prove_sandbox;
pub use serve::{App, Running};
pub use signer::signer;
pub use stores::{
    Bytes, blobs_path, migrate_store, open_accounts, open_blobs, open_broker, open_store, store_path,
};
pub use streams::{front, puller};
pub use vault::{Secrets, secrets};

/// As many as the machine has cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// `0` in the settings means `fallback`.
fn or(configured: usize, fallback: usize) -> usize {
    if configured == 0 { fallback } else { configured }
}
