//! The HTTP face: one router of all calls, errors as RFC 9457 problems, request ids, health and metrics. The calls
//! themselves live with what they are about, in `intake`, `delivery` and
//! `streams`.

pub mod api;
pub mod caller;
pub mod codes;
pub mod duration;
pub mod extract;
pub mod front;
pub mod health;
pub mod linger;
pub mod observe;
pub mod openapi;
pub mod problem;
pub mod router;
pub mod server;

pub use api::{Api, Component, Limits, Readiness, Remote};
pub use caller::Allowed;
pub use front::Front;
pub use problem::Problem;
pub use router::{api_router, operations_router, streams_router};
pub use server::Server;
