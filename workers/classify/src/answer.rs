//! What a model says of one picture.

use lazaret_report::Region;

/// Scores by label, and the parts that a detector saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// From 0 to 1, in the order of the model's labels.
    pub scores: Vec<f32>,
    /// None of a model that looks at the picture as a whole. No more than [`Part::MOST`] a label, the likeliest first.
    pub parts: Vec<Part>,
}

/// A part of the picture for which a detector has a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Its index.
    pub label: usize,
    pub score: f32,
    pub region: Region,
}

impl Part {
    /// Of one label: what has more of it in a picture is plain without.
    pub const MOST: usize = 8;
}

impl From<Vec<f32>> for Answer {
    /// Of a model that looks at the picture as a whole.
    fn from(scores: Vec<f32>) -> Self {
        Self { scores, parts: Vec::new() }
    }
}
