//! How uploads come in, over HTTP and through a broker, and how their senders follow them.

pub mod accept;
pub mod appeal;
pub mod by_reference;
pub mod create;
pub mod digest;
pub mod direct;
pub mod erase;
pub mod external;
mod form;
pub mod list;
mod receive;
pub mod report;
pub mod show;
pub mod source;
mod spool;
pub mod submitted;
pub mod view;
