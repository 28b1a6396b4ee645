//! One binary for all tests of this crate but the one that must be alone in its process.

mod build;
mod corpus;
mod hostile;
mod support;
mod types;
mod walks;
