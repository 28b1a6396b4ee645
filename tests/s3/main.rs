//! S3, on a real server over real HTTP, through a proxy that breaks connections.

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the HTTP tests use the rest")]
mod common;
#[path = "../servers/proxy.rs"]
#[expect(dead_code, reason = "the tests of other connections use the rest")]
mod proxy;
#[path = "../servers/s3.rs"]
mod server;

mod delivery;
mod direct;
mod place;
mod reference;
mod settings;
mod swapped;
mod transfers;
