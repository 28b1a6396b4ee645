//! Live streams: frames in, a decision in time. What decides is pure (`rules`, `window`, `pace`, `order`, `case`); the
//! `hub` has a `watcher` for each stream that this process holds the watch of; `snapshots` are what other processes see of it.

mod called;
pub mod calls;
pub mod case;
mod feed;
pub mod frame;
pub mod hub;
pub mod judge;
pub mod key;
pub mod kill;
pub mod live;
mod mailbox;
pub mod order;
pub mod outcome;
pub mod pace;
pub mod pull;
pub mod retention;
pub mod rules;
pub mod snapshots;
pub mod unseen;
mod untaken;
mod watcher;
pub mod window;

pub use frame::{BadFrame, Frame};
pub use hub::Hub;
pub use judge::{Eyes, Judge, Opinion, Unjudged};
pub use kill::Kill;
pub use live::Live;
pub use outcome::Outcome;
pub use rules::{Grade, Limit, Rules, Tuning};
pub use unseen::Unseen;
pub use window::{State, Window};

use crate::{access::Vault, upload::StreamId};
use std::{sync::Arc, time::Duration};

/// What the calls need to know.
#[derive(Clone)]
pub struct Front {
    pub book: hub::Book,
    /// How long a key is good where nobody says.
    pub key_expires: Duration,
    /// The largest frame, in bytes.
    pub max_frame: usize,
    /// Streams that a tenant has open at a time.
    pub max_open: u32,
    /// There is a broker that takes frames.
    pub queues: bool,
    /// What decodes frames that were kept, for who looks at them.
    pub pictures: Option<lazaret_sandbox::Pool>,
    /// Where sources may be.
    pub pull: pull::place::Rules,
    /// What seals the URLs of sources in the store, where there is a key.
    pub vault: Option<Arc<Vault>>,
    /// Of a process that watches streams.
    pub hub: Option<Hub>,
}

/// The queue that takes a stream's frames, and their routing key.
pub fn queue(id: StreamId) -> String {
    format!("stream.frame.{id}")
}
