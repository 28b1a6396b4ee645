//! One binary for all tests of this crate but the one that must be alone in its process.

mod archives;
mod build;
mod containers;
mod corpus;
mod hostile;
mod markup;
mod pdfs;
mod share;
mod support;
mod types;
mod walks;
