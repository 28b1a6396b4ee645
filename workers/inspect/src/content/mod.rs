//! The media type of a file by its content, held against what others say it is.

mod claim;
mod executable;
mod extension;
mod family;
mod identify;
mod magic;
mod model;
mod names;
mod reconcile;
mod text;

pub use identify::{Declared, Identified, identify, identify_by_magic, identify_picture};
pub use model::{ContentModel, ModelAnswer};

/// The media type of bytes that nobody knows.
pub const UNKNOWN: &str = "application/octet-stream";
