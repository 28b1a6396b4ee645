//! What the service tells of itself.

mod logs;
pub mod metrics;

pub use logs::init;
pub use metrics::Metrics;
