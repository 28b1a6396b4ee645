//! What a file really is.
//!
//! Parts that know nothing of each other:
//!
//! - [`content`] runs in the service. It reads only the head and the tail of a file, asks the magic bytes (`infer`) and
//!   a content model (`magika`), reconciles them into one canonical media type, and holds that against what the sender
//!   declared and against the name's extension. Its findings begin with `type.`.
//! - [`structure`] runs in the sandboxed child. It walks a container to its real end and looks for bytes and formats
//!   that have no business there. Its findings begin with `structure.`.
//! - [`heif`] runs there too, and says which picture a HEIF or AVIF file shows and where its pieces lie.

pub mod archive;
pub mod content;
pub mod heif;
mod quote;
pub mod structure;

use lazaret_report::Report;
use std::io::{self, Read, Seek};

pub use content::{
    ContentModel, Declared, Identified, ModelAnswer, identify, identify_by_magic, identify_picture,
};
pub use quote::{quoted, quoted_bytes};

/// Whether structures of this canonical media type are known: here, or for [`archive::Format::is_stream`] to who
/// decompresses.
pub fn has_walk(media_type: &str) -> bool {
    archive::Format::of(media_type).is_some() || structure::has_walk(media_type)
}

/// As [`structure::walk`], for archives too.
///
/// # Errors
/// Only what reading gives.
pub fn walk(media_type: &str, input: &mut (impl Read + Seek), size: u64) -> io::Result<Report> {
    match archive::walk(media_type, input, size)? {
        Some(report) => Ok(report),
        None => structure::walk(media_type, input, size),
    }
}

/// The name under which this crate's reports appear.
pub const ENGINE: &str = "inspect";
