//! Scores of many frames, and of each frame's variants (as it is, on black, on white), to the highest of each label.

use crate::{Answer, Classifier};
use lazaret_report::{Region, Why};
use std::collections::BTreeMap;

/// Gathers scores; pure.
#[derive(Debug, Clone)]
pub struct Tally {
    /// For each model its full labels, `nsfw-mobilenet-v2.porn`.
    models: Vec<Vec<String>>,
    /// For each frame and model the highest of each label over the frame's variants.
    frames: BTreeMap<u32, Vec<Option<Answer>>>,
}

/// The highest score of a label, and the first frame that has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    pub score: f32,
    /// Counted from 0.
    pub frame: u32,
}

/// The highest scores of one frame, by full label.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameScores {
    pub frame: u32,
    pub labels: BTreeMap<String, f32>,
    /// Where detectors saw a label, of the variant that has most of it.
    pub regions: BTreeMap<String, Vec<Region>>,
}

/// What the models saw in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// By full label. "Worst" is the highest, so a rule should ask for labels of which much is bad.
    pub worst: BTreeMap<String, Worst>,
    /// In the frames' order.
    pub frames: Vec<FrameScores>,
}

impl Tally {
    pub fn new(classifier: &Classifier) -> Self {
        Self::of(
            classifier.models().iter().map(|model| (model.name.as_str(), model.output.labels.as_slice())),
        )
    }

    /// `models`: name and labels, in the order of their indices.
    pub fn of<'a>(models: impl IntoIterator<Item = (&'a str, &'a [String])>) -> Self {
        let full = |(name, labels): (&str, &[String])| {
            labels.iter().map(|label| format!("{name}.{label}")).collect()
        };
        Self { models: models.into_iter().map(full).collect(), frames: BTreeMap::new() }
    }

    /// Adds what a model said of one variant of a frame.
    ///
    /// # Errors
    /// `model.output`: not one finite score a label, or no such model. The frame then counts as not scored.
    pub fn add(&mut self, frame: u32, model: usize, answer: Answer) -> Result<(), Why> {
        let scores = &answer.scores;
        let labels = self.models.get(model).map_or(0, Vec::len);
        if labels == 0 || scores.len() != labels || !scores.iter().all(|score| score.is_finite()) {
            let detail =
                format!("model {model} gave {} usable scores of {labels} for frame {frame}", scores.len());
            return Err(Why::new("model.output", detail));
        }
        let slot = &mut self.frames.entry(frame).or_insert_with(|| vec![None; self.models.len()])[model];
        match slot {
            Some(highest) => raise(highest, &answer),
            None => *slot = Some(answer),
        }
        Ok(())
    }

    /// The result, where every one of the `expected` frames was scored by every model.
    ///
    /// # Errors
    /// `frames.unscored` names the first gap; `frames.none` where nothing was expected, as no frames are no picture.
    pub fn finish(self, expected: impl IntoIterator<Item = u32>) -> Result<Scores, Why> {
        let mut any = false;
        for frame in expected {
            any = true;
            let scored = self.frames.get(&frame);
            if let Some(gap) =
                (0..self.models.len()).find(|&model| scored.is_none_or(|models| models[model].is_none()))
            {
                return Err(Why::new(
                    "frames.unscored",
                    format!("frame {frame} was not scored by model {gap}"),
                ));
            }
        }
        if !any || self.models.is_empty() {
            return Err(Why::new("frames.none", "no frame was scored"));
        }
        let mut scores = Scores { worst: BTreeMap::new(), frames: Vec::with_capacity(self.frames.len()) };
        for (frame, by_model) in self.frames {
            let (mut labels, mut regions) = (BTreeMap::new(), BTreeMap::<String, Vec<Region>>::new());
            for (names, values) in self.models.iter().zip(by_model) {
                let Some(Answer { scores: values, parts }) = values else { continue };
                for part in parts {
                    if let Some(name) = names.get(part.label) {
                        regions.entry(name.clone()).or_default().push(part.region);
                    }
                }
                for (name, score) in names.iter().zip(values) {
                    let worst = scores.worst.entry(name.clone()).or_insert(Worst { score, frame });
                    if score > worst.score {
                        *worst = Worst { score, frame };
                    }
                    labels.insert(name.clone(), score);
                }
            }
            scores.frames.push(FrameScores { frame, labels, regions });
        }
        Ok(scores)
    }
}

/// Of each label the higher score, and the parts that go with it.
fn raise(highest: &mut Answer, answer: &Answer) {
    for (label, (high, &score)) in highest.scores.iter_mut().zip(&answer.scores).enumerate() {
        if score > *high {
            *high = score;
            highest.parts.retain(|part| part.label != label);
            highest.parts.extend(answer.parts.iter().filter(|part| part.label == label));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Part;

    fn tally(models: usize) -> Tally {
        let labels = ["good".to_owned(), "bad".to_owned()];
        let names = ["m0", "m1"];
        Tally::of(names[..models].iter().map(|name| (*name, labels.as_slice())))
    }

    #[test]
    fn the_highest_over_variants_and_frames_wins_with_its_first_frame() {
        let mut tally = tally(1);
        let said = [(0, [0.9, 0.1]), (0, [0.4, 0.6]), (2, [0.1, 0.8]), (1, [0.2, 0.8]), (1, [0.9, 0.1])];
        for (frame, scores) in said {
            tally.add(frame, 0, scores.to_vec().into()).unwrap();
        }
        let scores = tally.finish([0, 1, 2]).unwrap();
        assert_eq!(scores.worst["m0.good"], Worst { score: 0.9, frame: 0 });
        assert_eq!(scores.worst["m0.bad"], Worst { score: 0.8, frame: 1 });
        let frames: Vec<_> =
            scores.frames.iter().map(|f| (f.frame, f.labels["m0.good"], f.labels["m0.bad"])).collect();
        assert_eq!(frames, [(0, 0.9, 0.6), (1, 0.9, 0.8), (2, 0.1, 0.8)]);
    }

    #[test]
    fn parts_go_with_the_variant_that_has_most_of_their_label() {
        let part =
            |label, score, x| Part { label, score, region: Region { x, y: 0.0, width: 0.1, height: 0.1 } };
        let answer = |scores: [f32; 2], parts: &[Part]| Answer { scores: scores.into(), parts: parts.into() };
        let mut tally = tally(1);
        tally.add(0, 0, answer([0.9, 0.2], &[part(0, 0.9, 0.1), part(1, 0.2, 0.2)])).unwrap();
        let other = [part(0, 0.8, 0.3), part(1, 0.7, 0.4), part(1, 0.6, 0.5)];
        tally.add(0, 0, answer([0.8, 0.7], &other)).unwrap();
        tally.add(0, 0, answer([0.1, 0.7], &[part(1, 0.7, 0.6)])).unwrap();
        let scores = tally.finish([0]).unwrap();
        let places = |label: &str| scores.frames[0].regions[label].iter().map(|r| r.x).collect::<Vec<_>>();
        assert_eq!((places("m0.good"), places("m0.bad")), (vec![0.1], vec![0.4, 0.5]));
    }

    #[test]
    fn a_gap_is_no_result() {
        let mut tally = tally(2);
        tally.add(0, 0, vec![1.0, 0.0].into()).unwrap();
        assert_eq!(tally.clone().finish([0]).unwrap_err().code, "frames.unscored");
        tally.add(0, 1, vec![1.0, 0.0].into()).unwrap();
        assert_eq!(tally.clone().finish([0]).unwrap().worst.len(), 4);
        assert_eq!(tally.clone().finish([0, 1]).unwrap_err().code, "frames.unscored");
        assert_eq!(tally.finish([]).unwrap_err().code, "frames.none");
        assert_eq!(Tally::of([]).finish([0]).unwrap_err().code, "frames.none");
    }

    #[test]
    fn unusable_scores_are_refused_and_leave_the_gap() {
        let mut tally = tally(1);
        for (model, scores) in
            [(0, &[0.5][..]), (0, &[f32::NAN, 0.5]), (0, &[0.1, f32::INFINITY]), (1, &[0.5, 0.5])]
        {
            assert_eq!(
                tally.add(0, model, scores.to_vec().into()).unwrap_err().code,
                "model.output",
                "{model} {scores:?}"
            );
        }
        assert_eq!(tally.finish([0]).unwrap_err().code, "frames.unscored");
    }
}
