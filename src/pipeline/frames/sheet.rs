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

/// The worst, and of the others key frames from all over it, in the order of time.
fn chosen<'a>(frames: &'a Frames<'_>) -> Vec<&'a Frame> {
    let mut indices = BTreeSet::new();
    for label in frames.worst().keys() {
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
