//! The child's end: what the executable with the decoders builds its `main` on.

mod channel;
pub mod confine;
mod serve;

pub use crate::limits::Limits;
pub use channel::{Channel, Incoming};
pub(crate) use serve::CHUNK;
pub use serve::{FrameSink, Handler, run};
