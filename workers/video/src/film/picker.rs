//! Chooses among decoded frames, which come in the order in which they are shown. Pure.

use lazaret_sandbox::Taken;

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Show it.
    Show(Taken),
    /// Show the one that was kept before, then decide about this one again.
    ShowKept,
    /// Keep it instead of the one that was kept: it may be shown later.
    Keep,
    /// It is not wanted.
    Drop,
}

/// A frame, by its rank and its time on [`super::index::Index::clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) rank: usize,
    pub(super) clock: i64,
}

/// What was shown last, and which frame is kept in case it is needed.
#[derive(Debug, Default)]
pub(super) struct Picker {
    pub(super) shown: Option<Seen>,
    pub(super) kept: Option<Seen>,
}

/// How a frame stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) is_key: bool,
    /// The reason for which this frame, or one before it, was asked for.
    pub(super) wanted: Option<Taken>,
    pub(super) another_scene: bool,
}

impl Picker {
    pub(super) fn choose(&self, frame: Seen, standing: Standing, gap: i64) -> Choice {
        let Some(shown) = self.shown else { return Choice::Show(standing.wanted.unwrap_or(Taken::Key)) };
        if frame.rank <= shown.rank {
            return Choice::Drop;
        }
        let too_far = frame.clock - shown.clock > gap;
        let kept = self.kept.filter(|kept| kept.rank > shown.rank && kept.rank < frame.rank);
        if too_far && kept.is_some() {
            return Choice::ShowKept;
        }
        if standing.is_key {
            return Choice::Show(Taken::Key);
        }
        match standing.wanted {
            Some(taken) => Choice::Show(taken),
            None if too_far => Choice::Show(Taken::Gap),
            // Not every flash of a film that does nothing but flash.
            None if standing.another_scene && frame.clock - shown.clock >= gap / 8 => {
                Choice::Show(Taken::Scene)
            }
            None => Choice::Keep,
        }
    }

    pub(super) fn show(&mut self, frame: Seen) {
        self.shown = Some(frame);
        self.kept = None;
    }

    /// Whether a frame at `clock` can be the next one without too large a gap.
    pub(super) fn reaches(&self, clock: i64, gap: i64) -> bool {
        self.kept.or(self.shown).is_some_and(|newest| clock - newest.clock <= gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Standing = Standing { is_key: false, wanted: None, another_scene: false };

    fn seen(rank: usize) -> Seen {
        Seen { rank, clock: rank as i64 * 40 }
    }

    /// Ranks that are shown of frames that come every `step`-th, after the first.
    fn shown(step: usize, gap: i64, standing: impl Fn(usize) -> Standing) -> Vec<(usize, Taken)> {
        let (mut picker, mut all) = (Picker::default(), Vec::new());
        for rank in (0..100).step_by(step) {
            loop {
                match picker.choose(seen(rank), standing(rank), gap) {
                    Choice::Show(taken) => {
                        all.push((rank, taken));
                        picker.show(seen(rank));
                        break;
                    }
                    Choice::ShowKept => {
                        let kept = picker.kept.unwrap();
                        all.push((kept.rank, Taken::Gap));
                        picker.show(kept);
                    }
                    Choice::Keep => {
                        picker.kept = Some(seen(rank));
                        break;
                    }
                    Choice::Drop => break,
                }
            }
        }
        all
    }

    #[test]
    fn no_gap_is_larger_than_asked_where_frames_allow_it_and_no_frame_is_wasted() {
        for step in 1..=10 {
            let all = shown(step, 400, |_| PLAIN);
            let far = all.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
            assert!(far <= 10 && far > 10 - step, "{step}: {all:?}");
        }
        // Farther apart than the gap: each is shown.
        assert_eq!(shown(20, 400, |_| PLAIN).len(), 5);
    }

    #[test]
    fn what_is_wanted_is_shown_and_scenes_are_preferred_but_not_all_of_them() {
        let wanted = |rank| Standing { wanted: (rank == 33).then_some(Taken::Random), ..PLAIN };
        assert!(shown(1, 1000, wanted).contains(&(33, Taken::Random)));
        let cut = |rank| Standing { another_scene: rank == 17, ..PLAIN };
        assert!(shown(1, 1600, cut).contains(&(17, Taken::Scene)));
        let strobe = |_| Standing { another_scene: true, ..PLAIN };
        assert_eq!(shown(1, 1600, strobe).len(), 20);
        let key = |rank| Standing { is_key: rank % 50 == 0, ..PLAIN };
        assert_eq!(shown(1, 4000, key), [(0, Taken::Key), (50, Taken::Key)]);
    }
}
