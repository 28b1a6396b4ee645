//! The HTTP API through its public door.

#[path = "../common/mod.rs"]
mod common;

mod access;
mod bodies;
mod description;
mod documents;
mod idempotency;
mod links;
mod lost;
mod operations;
mod packaging;
mod reports;
mod serving;
mod storage;
mod uploads;
mod working;
