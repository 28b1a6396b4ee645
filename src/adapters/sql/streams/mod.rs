//! Streams and their episodes, of which both engines understand the same.

mod calls;
mod rows;
mod statements;
mod values;

pub(in crate::adapters) use calls::stream_statements;
pub(in crate::adapters) use rows::{EpisodeRow, StreamRow};
pub(in crate::adapters) use statements::*;
pub(in crate::adapters) use values::{an_hour_before, changed, counts, json_text, listed, millis};
