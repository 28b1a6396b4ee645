//! How uploads come in over HTTP, and how their senders follow them.

mod accept;
pub mod create;
pub mod digest;
pub mod erase;
mod form;
pub mod list;
mod receive;
pub mod show;
pub mod source;
mod spool;
pub mod view;
