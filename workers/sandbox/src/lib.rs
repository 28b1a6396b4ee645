//! The pool of killable children, their limits and the protocol with them.
//!
//! Hostile bytes are opened in children only. This crate has both ends: [`Pool`] and [`Session`] are the service's,
//! which links no decoder; [`child`] is what the executable with the decoders builds its `main` on. One child serves
//! one file at a time. Whatever goes wrong in it (a crash, a hang, a bomb, nonsense on the wire) is a [`Trouble`] of
//! that one file: the child is killed and the next file gets a fresh one.
//!
//! What has to speak to the network itself is an [`Outpost`]: a program of others, confined by the child before it becomes it.

pub mod child;
mod film;
#[doc(hidden)]
pub mod fuzzing;
mod glimpse;
mod keeper;
mod layers;
mod limits;
mod members;
mod outpost;
mod picture;
mod pool;
mod process;
pub mod protocol;
mod self_test;
mod session;
mod stderr;
mod trouble;

pub use film::{Film, FilmRequest, SheetRequest, Shot, Taken};
pub use glimpse::{Glimpse, GlimpseRequest, Glimpsed, Unseen, UnseenKind};
pub use layers::{Act, Confinement, Layer, Layers};
pub use lazaret_report::{Coverage, Report, Unavailable, Why};
pub use members::{Member, MemberHead, MemberTail, Members, MembersRequest, MembersSummary};
pub use outpost::{Outpost, Posted};
pub use picture::{
    Budget, Frame, Metadata, Name, Picture, PictureRequest, Rendition, RenditionSpec, Resize, Target, Variant,
};
pub use pool::{ChildSetup, Pool, PoolConfig};
pub use self_test::{Attempt, Outcome, SelfTest};
pub use session::Session;
pub use trouble::Trouble;
