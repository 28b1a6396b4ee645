//! The contact sheet: which frames go on it.

use super::{Frame, Frames};
use crate::upload::{
    Decision,
    film::{SheetDetail, SheetFrame},
};
use lazaret_sandbox::{Session, SheetRequest, Taken};
use std::collections::BTreeSet;

/// A JPEG, and what is on it.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub jpeg: Vec<u8>,
    pub frames: Vec<SheetFrame>,
}

/// Frames on it, and how many of them for being the worst.
const FRAMES: usize = 36;
const WORST: usize = 12;
/// Of labels: each has its worst frame on it, the worst of them first, whatever else is.
const WORST_OF_LABELS: usize = SheetRequest::MAX - WORST;

impl Sheet {
    pub(in crate::pipeline) fn detail(&self, key: String, sha256: String) -> SheetDetail {
        SheetDetail { key, sha256, size: self.jpeg.len() as u64, frames: self.frames.clone() }
    }
}

pub(super) async fn make(session: &mut Session, frames: &Frames<'_>) -> Option<Sheet> {
    let chosen = chosen(frames);
    let mut jpeg = Vec::new();
    let request = SheetRequest { frames: chosen.iter().map(|frame| frame.index).collect() };
    match session.sheet(&request, &mut jpeg).await {
        Ok(_) => {
            let frame = |frame: &&Frame| SheetFrame {
                frame: frame.index,
                at_ms: frame.at_ms,
                taken: frame.taken.map_or("each", Taken::as_str).to_owned(),
            };
            Some(Sheet { jpeg, frames: chosen.iter().map(frame).collect() })
        }
        Err(trouble) => {
            tracing::warn!(%trouble, "a film or an animation has no contact sheet");
            None
        }
    }
}

/// The worst, and of the others key frames from all over it, in the order of time: no more than the child draws.
fn chosen<'a>(frames: &'a Frames<'_>) -> Vec<&'a Frame> {
    let mut indices = BTreeSet::new();
    let mut worst: Vec<_> = frames.worst().into_iter().collect();
    worst.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    for (label, _) in &worst {
        if indices.len() == WORST_OF_LABELS {
            break;
        }
        let score = |frame: &&Frame| frame.labels.get(label).copied().unwrap_or(0.0);
        let worst = frames.by_index.values().max_by(|a, b| score(a).total_cmp(&score(b)));
        indices.extend(worst.map(|frame| frame.index));
    }
    let mut bad: Vec<&Frame> =
        frames.by_index.values().filter(|frame| frame.decision != Decision::Publish).collect();
    bad.sort_by_key(|frame| std::cmp::Reverse(frame.decision));
    indices.extend(bad.iter().take(WORST).map(|frame| frame.index));
    let plain = |keys: bool| {
        frames
            .by_index
            .values()
            .filter(move |frame| (frame.taken == Some(Taken::Key)) == keys)
            .map(|frame| frame.index)
    };
    for rest in [plain(true).collect::<Vec<_>>(), plain(false).collect()] {
        let room = FRAMES.saturating_sub(indices.len());
        let step = rest.len().div_ceil(room.max(1)).max(1);
        indices.extend(rest.into_iter().step_by(step).take(room));
    }
    let mut chosen: Vec<&Frame> = indices.iter().filter_map(|index| frames.by_index.get(index)).collect();
    chosen.sort_by_key(|frame| frame.at_ms);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::judge::Labels;
    use std::collections::BTreeMap;

    /// Frames, each the worst of a label of its own by so much.
    fn frames(scores: &[f32]) -> Frames<'static> {
        let frame = |(index, score): (u32, &f32)| {
            let labels = Labels::from([(format!("tiny.{index}"), *score)]);
            (index, Frame { labels, ..Frame::new(index, u64::from(index) * 1000, Some(Taken::Scene)) })
        };
        let by_index: BTreeMap<_, _> = (0..).zip(scores).map(frame).collect();
        Frames { judge: None, filename: None, media_type: "video/mp4", by_index }
    }

    /// Regression: with many labels the list named frames that the sheet did not show.
    #[test]
    fn no_more_are_chosen_than_are_drawn_and_the_worst_are() {
        let scores: Vec<f32> = (0..200).map(|n| if n % 3 == 0 { 0.9 } else { 0.1 }).collect();
        let mut frames = frames(&scores);
        for index in [1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20] {
            frames.by_index.get_mut(&index).unwrap().decision = Decision::Quarantine;
        }
        let chosen = chosen(&frames);
        assert_eq!(chosen.len(), SheetRequest::MAX);
        assert!(chosen.is_sorted_by_key(|frame| frame.at_ms));
        let count = |is: fn(&Frame) -> bool| chosen.iter().filter(|frame| is(frame)).count();
        assert_eq!(count(|frame| frame.decision == Decision::Quarantine), WORST);
        assert_eq!(count(|frame| frame.index % 3 == 0), WORST_OF_LABELS, "of labels the highest");
    }

    #[test]
    fn few_labels_leave_room_for_frames_from_all_over_it() {
        let mut frames = frames(&[0.1; 100]);
        for (index, frame) in &mut frames.by_index {
            frame.labels = Labels::from([("tiny.red".to_owned(), if *index == 50 { 0.9 } else { 0.1 })]);
        }
        let chosen: Vec<u32> = chosen(&frames).iter().map(|frame| frame.index).collect();
        assert!(chosen.contains(&50) && chosen.len() <= FRAMES, "{chosen:?}");
        assert!(
            chosen.iter().any(|index| *index < 10) && chosen.iter().any(|index| *index > 90),
            "{chosen:?}"
        );
    }
}
