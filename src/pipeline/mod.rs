//! One upload through its checks to a verdict and its renditions.

mod carry_out;
mod content;
mod engines;
mod examine;
mod frames;
mod image;
mod judge;
mod members;
mod policies;
pub mod publish;
mod spool;
mod sweep;
mod types;
mod video;
mod worker;

pub use carry_out::CarryOut;
pub use content::ContentModels;
pub use engines::{Classifiers, Engines};
pub use examine::{Examination, Examine, Examiner, Patience, Subject};
pub use frames::Sheet;
pub use image::{is_coded_as_films, is_decodable};
pub use judge::Judge;
pub use members::Archives;
pub use policies::Policies;
pub use spool::{digest, sha256_of};
pub use sweep::{Company, sweep};
pub use types::TypeRules;
pub use video::{Films, is_decodable as is_film, is_sound};
pub use worker::{Work, Workers};
