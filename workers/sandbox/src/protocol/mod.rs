//! What goes over the socket between the service and a child.
//!
//! A message is `"LZR1"`, a sequence number (u64), the length of the head (u32) and of the blob (u32), all big endian,
//! then the head (JSON, tagged by type) and the blob. A child's message carries the number of the request it answers,
//! so that it cannot answer a past one. Lengths are checked before a byte of memory is spent on them.

mod header;
mod messages;
pub(crate) mod parent;

pub use header::{HEAD_MAX, Header, LENGTH};
pub use messages::{FrameHead, FromChild, ShotHead, ToChild};
