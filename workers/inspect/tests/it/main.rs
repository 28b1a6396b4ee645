//! One binary for all tests of this crate but the one that must be alone in its process.

mod archives;
mod build;
mod containers;
mod corpus;
mod heif;
mod hostile;
mod markup;
mod parts;
mod pdfs;
mod records;
mod share;
mod slack;
mod support;
mod texts;
mod told;
mod types;
mod walks;
