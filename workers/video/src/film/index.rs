//! When every frame of a film is shown, as its container says.

use crate::clock::micros;
use crate::fault;
use crate::source::Source;
use lazaret_sandbox::{Coverage, Why};
use std::time::Duration;

/// A frame, in the order in which packets come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its place among all frames in the order in which they are shown.
    pub(super) rank: usize,
    pub(super) key: bool,
}

/// All frames of the track.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(super) entries: Vec<Entry>,
    /// By rank, in microseconds from the first frame.
    pub(super) at: Vec<i64>,
    /// By rank, in microseconds. Runs as [`Self::at`] does, and never slower than [`FASTEST`]: whoever squeezes a film
    /// into no time gains nothing.
    pub(super) clock: Vec<i64>,
    /// Timestamp of the first frame, in microseconds.
    pub(super) origin: i64,
    /// Why the times are not to be trusted, or the packets not all there.
    pub(super) flaw: Option<Why>,
}

/// Shortest time that a frame counts for, in microseconds: 120 a second.
const FASTEST: i64 = 1_000_000 / 120;
/// Frames by which a packet may come before or after its turn. H.264 and HEVC hold back 16 at most.
const REORDERED: usize = 32;
/// A day of 60 frames a second.
const MOST: usize = 6_000_000;

impl Index {
    pub(super) fn read(source: &mut Source) -> Result<Self, Why> {
        let mut raw: Vec<(Option<i64>, bool)> = Vec::new();
        let mut flaw = None;
        let mut failures = 0;
        while let Some(packet) = source.next() {
            let packet = match packet {
                Ok(packet) => packet,
                Err(error) => {
                    let why = fault::at("a packet")(error);
                    flaw.get_or_insert(Why::new("corrupt", why.detail));
                    failures += 1;
                    // What fails for good never ends.
                    if failures > 16 {
                        break;
                    }
                    continue;
                }
            };
            if packet.stream() != source.track {
                continue;
            }
            if raw.len() == MOST {
                return Err(Why::new("limit.frames", format!("more than {MOST} frames")));
            }
            if packet.is_corrupt() {
                flaw.get_or_insert(Why::new("corrupt", "a packet is damaged"));
            }
            let time = packet.pts().or(packet.dts()).map(|time| micros(time, source.unit));
            raw.push((time, packet.is_key()));
        }
        if raw.is_empty() {
            return Err(Why::new("video.none", "there are no frames in it"));
        }
        Ok(Self::of(&raw, flaw))
    }

    /// Times in microseconds and whether it is a key frame, of every packet.
    pub(super) fn of(raw: &[(Option<i64>, bool)], mut flaw: Option<Why>) -> Self {
        let mut wrong = |why: String| {
            flaw.get_or_insert(Why::new("timestamps", why));
        };
        let untimed = raw.iter().filter(|(time, _)| time.is_none()).count();
        if untimed > 0 {
            wrong(format!("{untimed} of {} frames have no time", raw.len()));
        }
        let mut last = raw.iter().find_map(|(time, _)| *time).unwrap_or(0);
        let times: Vec<i64> = raw
            .iter()
            .map(|(time, _)| {
                last = time.unwrap_or(last + FASTEST);
                last
            })
            .collect();
        let mut shown: Vec<usize> = (0..raw.len()).collect();
        shown.sort_by_key(|packet| times[*packet]);
        let origin = times[shown[0]];
        let mut entries: Vec<Entry> = raw.iter().map(|(_, key)| Entry { rank: 0, key: *key }).collect();
        let (mut at, mut clock): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
        for (rank, packet) in shown.iter().enumerate() {
            entries[*packet].rank = rank;
            let time = times[*packet].saturating_sub(origin);
            let since = at.last().map_or(0, |before| time - before);
            if rank > 0 && since == 0 {
                wrong(format!("two frames have the same time, {} ms", time / 1000));
            }
            if packet.abs_diff(rank) > REORDERED {
                wrong(format!("times run backwards at {} ms", time / 1000));
            }
            clock.push(clock.last().map_or(0, |before: &i64| before.saturating_add(since.max(FASTEST))));
            at.push(time);
        }
        // Where none says that it is one, decoding begins at the beginning.
        entries[0].key = true;
        Self { entries, at, clock, origin, flaw }
    }

    /// The rank of the frame that is shown at this time, in microseconds from the first.
    pub(super) fn rank_at(&self, at: i64) -> usize {
        self.at.partition_point(|time| *time <= at).saturating_sub(1)
    }

    pub(super) fn duration(&self) -> Duration {
        Duration::from_micros(self.at.last().copied().unwrap_or(0).unsigned_abs())
    }

    /// Whether nothing of the film lies farther than `gap` (microseconds) from one look to the next. `seen` are ranks in
    /// order.
    pub(super) fn coverage(&self, seen: &[usize], gap: i64) -> Coverage {
        let last = self.clock.len() - 1;
        let edges = std::iter::once((None, seen.first().copied()))
            .chain(seen.windows(2).map(|pair| (Some(pair[0]), Some(pair[1]))))
            .chain(std::iter::once((seen.last().copied(), None)));
        for (from, to) in edges {
            // Between neighbours there is nothing to see, however long the first of them stands.
            let (unseen, long) = match (from, to) {
                (Some(from), Some(to)) => (to > from + 1, self.clock[to] - self.clock[from]),
                (None, Some(to)) => (to > 0, self.clock[to]),
                (Some(from), None) => (from < last, self.clock[last] - self.clock[from]),
                (None, None) => (true, i64::MAX),
            };
            if unseen && long > gap {
                let shown = |rank: Option<usize>, other| rank.map_or(other, |rank| self.at[rank]) / 1000;
                let (from, to) = (shown(from, 0), shown(to, self.at[last]));
                let detail = format!("nothing was looked at between {from} ms and {to} ms");
                return Coverage::partial("gap", detail);
            }
        }
        Coverage::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(times_ms: &[i64]) -> Index {
        let raw: Vec<_> = times_ms.iter().enumerate().map(|(n, time)| (Some(time * 1000), n == 0)).collect();
        Index::of(&raw, None)
    }

    fn flaw(index: &Index) -> Option<&str> {
        index.flaw.as_ref().map(|why| why.code.as_str())
    }

    #[test]
    fn frames_that_come_out_of_order_are_ranked_and_not_complained_of() {
        let index = frames(&[0, 120, 40, 80, 240, 160, 200]);
        let ranks: Vec<_> = index.entries.iter().map(|entry| entry.rank).collect();
        assert_eq!((ranks, flaw(&index)), (vec![0, 3, 1, 2, 6, 4, 5], None));
        assert_eq!(index.clock, index.at);
        assert_eq!((index.rank_at(119_000), index.rank_at(120_000), index.rank_at(-5)), (2, 3, 0));
    }

    #[test]
    fn wrong_times_are_told_and_gain_nothing() {
        let same = frames(&[0; 1200]);
        assert_eq!((flaw(&same), *same.clock.last().unwrap() / 1_000_000), (Some("timestamps"), 9));
        let back: Vec<i64> = (0..100).chain(0..100).map(|n| n * 40).collect();
        assert_eq!(flaw(&frames(&back)), Some("timestamps"));
        assert_eq!(flaw(&Index::of(&[(None, true), (Some(5), false)], None)), Some("timestamps"));
        let squeezed: Vec<i64> = (0..1200).collect();
        let squeezed = frames(&squeezed);
        assert_eq!(flaw(&squeezed), None);
        assert!(!squeezed.coverage(&[0, 1199], 2_000_000).is_complete());
        let far = Index::of(&[(Some(i64::MIN / 4), true), (Some(i64::MAX / 4), false)], None);
        assert!(far.at[1] > 0);
    }

    #[test]
    fn a_gap_counts_where_there_is_something_in_it() {
        let steady: Vec<i64> = (0..250).map(|n| n * 40).collect();
        let steady = frames(&steady);
        let gap = 2_000_000;
        for seen in [&[0, 50, 100, 150, 200, 249][..], &[50, 100, 150, 200]] {
            assert!(steady.coverage(seen, gap).is_complete(), "{seen:?}");
        }
        for seen in
            [&[][..], &[0], &[0, 51, 100, 150, 200, 249], &[51, 100, 150, 200, 249], &[0, 50, 100, 150]]
        {
            assert!(!steady.coverage(seen, gap).is_complete(), "{seen:?}");
        }
        // Pictures that stand for ten seconds each.
        assert!(frames(&[0, 10_000, 20_000]).coverage(&[0, 1, 2], gap).is_complete());
        assert!(!frames(&[0, 10_000, 20_000]).coverage(&[0, 2], gap).is_complete());
    }
}
