//! Readers of ours that work on the bytes of a file alone: metadata, and the members of archives. The executable is built
//! on them; they stand here so that tests and fuzzing can call them without a child.

#[doc(hidden)]
pub mod meta;
#[doc(hidden)]
pub mod unpack;
