//! The time of a source, as far as it is to be believed. Pure.

/// Shortest time that a frame counts for, in microseconds: 120 a second.
const FASTEST: i64 = 1_000_000 / 120;
/// The longest. What leaps beyond it gains no time in which nobody looks.
const SLOWEST: i64 = 2_000_000;

/// Runs as the frames' times do, but never stands still, runs back or leaps.
#[derive(Debug, Default)]
pub(super) struct Steady {
    last: Option<i64>,
    /// Microseconds from the first frame.
    pub(super) at: i64,
    /// When a frame was shown last.
    shown: Option<i64>,
}

impl Steady {
    /// A frame with this time, in microseconds, is here.
    pub(super) fn step(&mut self, time: Option<i64>) {
        if let Some(last) = self.last {
            let since = time.map_or(FASTEST, |time| time.saturating_sub(last));
            self.at = self.at.saturating_add(since.clamp(FASTEST, SLOWEST));
        }
        self.last = time.or(self.last.map(|last| last.saturating_add(FASTEST))).or(Some(0));
    }

    /// If it is to be shown, from now on it was.
    pub(super) fn is_due(&mut self, pause: i64) -> bool {
        let due = self.shown.is_none_or(|shown| self.at - shown >= pause);
        if due {
            self.shown = Some(self.at);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of frames with these times, in milliseconds, those that are shown, and the time at the end.
    fn shown(times: &[Option<i64>], pause_ms: i64) -> (usize, i64) {
        let mut steady = Steady::default();
        let mut shown = 0;
        for time in times {
            steady.step(time.map(|ms| ms * 1000));
            shown += usize::from(steady.is_due(pause_ms * 1000));
        }
        (shown, steady.at / 1000)
    }

    #[test]
    fn frames_are_shown_by_their_times() {
        let steady: Vec<_> = (0..250).map(|n| Some(n * 40)).collect();
        assert_eq!(shown(&steady, 1000), (10, 9960));
        assert_eq!(shown(&steady, 40), (250, 9960));
        assert_eq!(shown(&[], 40), (0, 0));
    }

    #[test]
    fn wrong_times_do_not_blind() {
        let still = [Some(5); 1200];
        assert_eq!(shown(&still, 1000), (10, 9991));
        assert_eq!(shown(&[None; 1200], 1000), (10, 9991));
        let back: Vec<_> = (0..1200).map(|n| Some(-n * 1000)).collect();
        assert_eq!(shown(&back, 1000).0, 10);
        let leaps: Vec<_> = (0..10).map(|n| Some(n * 3_600_000)).collect();
        assert_eq!(shown(&leaps, 1000), (10, 18_000));
        let ends = [Some(i64::MIN / 1000), Some(i64::MAX / 1000), Some(i64::MIN / 1000)];
        assert_eq!(shown(&ends, 1000).0, 2);
    }
}
