//! The flagged queue in the hands of people: who may decide what, who looks at it now, what they said, and how it is
//! taken back. What a ruling brings about is the pipeline's (`pipeline/carry_out.rs`).

pub mod admit;
pub mod care;
pub mod desk;
pub mod episodes;
pub mod play;
pub mod preview;
pub mod together;
pub mod tryout;
mod views;
pub mod watching;

pub use admit::{Ask, Denied, Rules};
pub use desk::{Desk, Opened};
pub use play::Player;
pub use preview::{Preview, Previews};
pub use tryout::Tryouts;
pub use watching::Watching;
