//! Rules that turn findings and coverage into an opinion. Law 2 is not in their power: see [`super::Verdict::reach`].

mod compile;
mod evaluate;
mod forecast;
mod scope;
#[cfg(test)]
mod tests;

pub use compile::{Policy, PolicyError};
pub use evaluate::Opinion;
pub use forecast::Forecast;

/// The policy that serves until a tenant has its own. Version 1.
pub const DEFAULT: &str = include_str!("default.toml");
/// The version under which [`DEFAULT`] is known.
pub const DEFAULT_VERSION: u32 = 1;
/// The longest policy that is taken, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
