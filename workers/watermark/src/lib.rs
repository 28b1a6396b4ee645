//! Marks on pictures, and the strip of their metadata.
//!
//! A [`MarkSpec`] says what the mark is and how it sits; [`Mark::prepare`] turns it once into pixels, and
//! [`Mark::apply_rgb`] or [`Mark::apply_rgba`] puts it on a picture or on each frame of an animation. [`strip`] rewrites
//! a file without its metadata and leaves its pixels, colour profile and animation as they were.
//!
//! This crate reads hostile bytes and belongs into the decoder child. `prepare` opens font files: call it before the
//! child gives up the file system.

mod art;
mod error;
mod mark;
mod sign;
mod spec;
pub mod strip;

pub use art::default_fonts;
pub use error::MarkError;
pub use mark::Mark;
pub use sign::{sign_rgb, sign_rgba};
pub use spec::{Content, MarkSpec, Position, Style};
