//! Which frames of a film are looked at, and the look at them.
//!
//! A first pass reads the packets' times and nothing else, and makes an [`index::Index`]. [`need`] says what must be seen
//! of each group of pictures (a key frame and what depends on it). A second pass decodes from key frames no farther
//! than that, leaving out frames that no other depends on, and [`picker::Picker`] chooses among what comes.

mod index;
mod look;
mod need;
mod picker;
mod scene;

pub(crate) use look::look;

use index::Index;
use lazaret_media::sheet::Thumbnail;

/// What is kept of a film between requests.
#[derive(Default)]
pub(crate) struct Looked {
    index: Option<Index>,
    /// Of all frames that were shown, by their number.
    pub(crate) thumbnails: Vec<Thumbnail>,
}
