//! A detector's boxes, of which many lie on one thing, to the parts of a picture that people are shown.

use crate::answer::Part;
use crate::manifest::Input;
use lazaret_report::Region;

/// Boxes that lie on each other so far are of one thing, and the likeliest is kept (greedy non-maximum suppression).
const SAME: f32 = 0.45;
/// From here on a box is shown, beside the likeliest one, which the label's score is of. As Ultralytics' own `predict`.
const SHOWN: f32 = 0.25;

/// A box's middle and size in pixels of the input, and the score of the label that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) middle: (f32, f32),
    pub(super) size: (f32, f32),
    pub(super) score: f32,
}

impl Seen {
    /// The whole picture is the model's input, whatever its proportions.
    fn region(&self, input: &Input) -> Option<Region> {
        let side = |middle: f32, long: f32, of: u32| {
            ((middle - long / 2.0) / of as f32, (middle + long / 2.0) / of as f32)
        };
        let (left, right) = side(self.middle.0, self.size.0, input.width);
        let (top, bottom) = side(self.middle.1, self.size.1, input.height);
        Region::clipped(left, top, right, bottom)
    }
}

/// The likeliest first. A box that has nothing in the picture is no part, and a label whose likeliest one has not may
/// have none.
pub(super) fn parts(label: usize, seen: impl Iterator<Item = Seen> + Clone, input: &Input) -> Vec<Part> {
    let highest = seen.clone().fold(0.0f32, |high, seen| high.max(seen.score));
    let mut likely: Vec<Seen> =
        seen.filter(|seen| seen.score > 0.0 && seen.score >= SHOWN.min(highest)).collect();
    likely.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut parts: Vec<Part> = Vec::new();
    for seen in likely {
        if parts.len() == Part::MOST {
            break;
        }
        let Some(region) = seen.region(input) else { continue };
        if parts.iter().all(|part| part.region.overlap(&region) < SAME) {
            parts.push(Part { label, score: seen.score, region });
        }
    }
    parts
}
