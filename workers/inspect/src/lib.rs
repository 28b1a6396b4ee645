//! What a file really is.
//!
//! Two halves that know nothing of each other:
//!
//! - [`content`] runs in the service. It reads only the head and the tail of a file, asks the magic bytes (`infer`) and
//!   a content model (`magika`), reconciles them into one canonical media type, and holds that against what the sender
//!   declared and against the name's extension. Its findings begin with `type.`.
//! - [`structure`] runs in the sandboxed child. It walks a container to its real end and looks for bytes and formats
//!   that have no business there. Its findings begin with `structure.`.

pub mod content;
mod quote;
pub mod structure;

pub use content::{
    ContentModel, Declared, Identified, ModelAnswer, identify, identify_by_magic, identify_picture,
};
pub use structure::{has_walk, walk};

/// The name under which this crate's reports appear.
pub const ENGINE: &str = "inspect";
