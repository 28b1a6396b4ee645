//! The heart: what an upload is, which states it goes through, and how findings and coverage become a verdict. Pure:
//! nothing here reads a file, a clock or a socket.

pub mod check;
pub mod filename;
pub mod film;
pub mod id;
pub mod known;
pub mod likeness;
pub mod picture;
pub mod plan;
pub mod policy;
pub mod rendition;
pub mod report;
pub mod ruling;
pub mod standing;
pub mod state;
pub mod verdict;

pub use check::{Check, CheckResult, Outcome};
pub use id::{StreamId, TenantId, UploadId};
pub use known::KnownBad;
pub use likeness::Likeness;
pub use plan::Plan;
pub use standing::{Because, Standing};
pub use state::State;
pub use verdict::{Decision, Verdict};
