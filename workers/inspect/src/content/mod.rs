//! The media type of a file by its content, held against what others say it is.

mod claim;
mod executable;
mod extension;
mod family;
mod filename;
mod identify;
mod kinds;
mod magic;
mod model;
mod names;
mod reconcile;
mod script;
mod text;

pub(crate) use family::is_a as is_kind_of;
pub(crate) use filename::is_run;
pub use identify::{Declared, Identified, identify, identify_by_magic, identify_picture};
pub use model::{ContentModel, ModelAnswer};
pub(crate) use text::is_control;

/// The media type of bytes that nobody knows.
pub const UNKNOWN: &str = "application/octet-stream";
