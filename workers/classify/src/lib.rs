//! Scores pictures with ONNX models, each described by a manifest.
//!
//! [`runtime::init`] loads the ONNX Runtime, [`load_all`] reads the manifests under `models/`, [`Classifier::start`]
//! proves every model (SHA-256, shapes, a warm-up) and keeps one session a model on each of its threads. Pictures come
//! in as pixels that somebody else has decoded and sampled to a [`Target`]; scores go out by label, and a [`Tally`]
//! folds those of many frames into the highest of each label.
//!
//! A model that says NaN, the wrong number of values or no distribution at all has not looked at the picture: that is
//! a [`ScoreError`], never a low score.

mod answer;
mod classifier;
mod error;
mod manifest;
mod model;
mod pool;
pub mod runtime;
mod tally;

pub use answer::{Answer, Part};
pub use classifier::Classifier;
pub use error::ScoreError;
pub use manifest::{
    AppliesTo, Color, Input, Layout, Manifest, ManifestError, Output, OutputKind, Resize, Scaling, Source,
    SourceFile, SourceKind, Target, load_all,
};
pub use tally::{FrameScores, Scores, Tally, Worst};
