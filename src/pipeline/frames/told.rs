//! Findings: which label, from when to when, and the worst frame.

use super::{Frame, Frames};
use crate::{pipeline::judge::Labels, upload::Decision};
use lazaret_report::{Evidence, Finding};
use std::collections::BTreeMap;

/// Findings of one file: more tell nobody anything new.
const MOST: usize = 32;

/// A stretch of frames that follow each other, all of which have the label.
struct Stretch<'a> {
    label: &'a str,
    from_ms: u64,
    to_ms: u64,
    worst: &'a Frame,
}

impl Stretch<'_> {
    fn score(&self) -> f32 {
        self.worst.labels.get(self.label).copied().unwrap_or(0.0)
    }
}

pub(super) fn findings(frames: &Frames<'_>, code: &str) -> Vec<Finding> {
    let mut open: BTreeMap<&str, Stretch<'_>> = BTreeMap::new();
    let mut closed: Vec<Stretch<'_>> = Vec::new();
    for frame in frames.in_time() {
        let guilty = guilty(frames, frame);
        let ended: Vec<&str> = open.keys().copied().filter(|label| !guilty.contains(label)).collect();
        closed.extend(ended.into_iter().filter_map(|label| open.remove(label)));
        for label in guilty {
            let stretch = open.entry(label).or_insert(Stretch {
                label,
                from_ms: frame.at_ms,
                to_ms: frame.at_ms,
                worst: frame,
            });
            stretch.to_ms = frame.at_ms;
            if frame.labels.get(label) > stretch.worst.labels.get(label) {
                stretch.worst = frame;
            }
        }
    }
    closed.extend(open.into_values());
    closed.sort_by(|a, b| b.score().total_cmp(&a.score()));
    closed.truncate(MOST);
    closed.sort_by_key(|stretch| stretch.from_ms);
    closed.iter().map(|stretch| finding(stretch, code)).collect()
}

pub(super) fn placed(frames: &Frames<'_>, code: &str) -> Vec<Finding> {
    let placed = |(frame, label): (&Frame, &str)| {
        let (score, regions) = (frame.labels.get(label)?, frame.regions.get(label)?);
        let places = if regions.len() == 1 { "place" } else { "places" };
        let detail = format!("{label} {score:.2} in {} {places}", regions.len());
        let evidence = Evidence::Frame { index: frame.index };
        Some(Finding::new(code, detail).scored(*score).at(evidence).within(regions.clone()))
    };
    let guilty = frames
        .by_index
        .values()
        .flat_map(|frame| guilty(frames, frame).into_iter().map(move |label| (frame, label)));
    guilty.filter_map(placed).take(MOST).collect()
}

/// The labels that alone would keep the frame from being published.
fn guilty<'a>(frames: &Frames<'_>, frame: &'a Frame) -> Vec<&'a str> {
    if frame.decision == Decision::Publish {
        return Vec::new();
    }
    let alone = |label: &String| {
        let only =
            frame.labels.iter().map(|(name, score)| (name.clone(), if name == label { *score } else { 0.0 }));
        frames.judged(&only.collect::<Labels>()) != Decision::Publish
    };
    frame.labels.keys().filter(|label| alone(label)).map(String::as_str).collect()
}

fn finding(stretch: &Stretch<'_>, code: &str) -> Finding {
    let Stretch { label, from_ms, to_ms, worst } = stretch;
    let detail = format!(
        "{label} {:.2} at {}, seen from {} to {}",
        stretch.score(),
        seconds(worst.at_ms),
        seconds(*from_ms),
        seconds(*to_ms)
    );
    let finding = Finding::new(code, detail).scored(stretch.score()).at(Evidence::Time {
        from_ms: *from_ms,
        to_ms: *to_ms,
        at_ms: worst.at_ms,
        frame: worst.index,
    });
    finding.within(worst.regions.get(*label).cloned().unwrap_or_default())
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}
