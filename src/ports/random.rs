//! Randomness, injected so that tests can seed it.

use super::{Kind, PortError, Result};

pub trait Random: Send + Sync + 'static {
    /// Fills the whole of `bytes` with bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The operating system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes)
            .map_err(|e| PortError::new(Kind::Fail, "the system gave no random bytes").because(e))
    }
}
