//! The child's end: what the executable with the decoders builds its `main` on.

mod attempt;
mod channel;
mod confine;
mod heap;
mod members;
pub mod outpost;
mod rendition;
mod serve;

pub use crate::limits::Limits;
pub use channel::{Channel, Incoming};
pub use members::MemberSink;
pub(crate) use serve::CHUNK;
pub use serve::{FrameSink, Handler, RenditionSink, ShotSink, run};
