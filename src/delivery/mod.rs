//! Signed URLs: made, verified, and served from the published zone, which is all that this module can open.

pub(crate) mod body;
pub mod conditional;
pub mod disposition;
pub mod kept;
pub mod mint;
mod redirect;
pub mod serve;
pub mod signer;

pub use kept::Kept;
pub use signer::Signer;
