//! How long submissions have waited, as far as one process can know: a broker tells how many wait, and not since when.

use crate::ports::publisher::Lane;
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Shared by the desk, which knows what it takes, and those who ask.
#[derive(Debug, Default)]
pub struct Line(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    main: Queue,
    slow: Queue,
    /// By when they were submitted; how many of each.
    in_hand: BTreeMap<Timestamp, u64>,
}

#[derive(Debug, Default)]
struct Queue {
    /// At the broker, as last asked.
    waiting: u64,
    /// When the one that was taken last was submitted: those behind it came later.
    last: Option<Timestamp>,
}

/// A message that is not answered yet.
pub(super) struct InHand {
    line: Arc<Line>,
    at: Timestamp,
}

impl Line {
    /// Messages that wait in each lane, and that no process has.
    pub fn waits(&self, main: u64, slow: u64) {
        let mut known = self.known();
        (known.main.waiting, known.slow.waiting) = (main, slow);
    }

    /// One was taken. `at` says when it was submitted; one that comes again says nothing of those behind it.
    pub(super) fn take(self: &Arc<Self>, lane: Lane, at: Timestamp, again: bool) -> InHand {
        let mut known = self.known();
        *known.in_hand.entry(at).or_default() += 1;
        let queue = match lane {
            Lane::Main => &mut known.main,
            Lane::Bulk => &mut known.slow,
        };
        if !again {
            queue.last = Some(at);
        }
        drop(known);
        InHand { line: Arc::clone(self), at }
    }

    /// How many wait, those in this process's hands as well, and since when the oldest does, at most.
    pub fn backlog(&self) -> (u64, Option<Timestamp>) {
        let known = self.known();
        let queues = [&known.main, &known.slow];
        let behind = queues.into_iter().filter(|queue| queue.waiting > 0).filter_map(|queue| queue.last);
        let oldest = behind.chain(known.in_hand.keys().next().copied()).min();
        (known.main.waiting + known.slow.waiting + known.in_hand.values().sum::<u64>(), oldest)
    }

    /// Nothing here can panic half-way through a change.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut known = self.line.known();
        if let Some(count) = known.in_hand.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                known.in_hand.remove(&self.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_waits_is_older_than_what_was_taken_before_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let line = Arc::new(Line::default());
        assert_eq!(line.backlog(), (0, None));
        let [first, second] = [10, 20].map(|second| line.take(Lane::Main, at(second), false));
        let again = line.take(Lane::Main, at(5), true);
        assert_eq!(line.backlog(), (3, Some(at(5))));
        drop((first, again));
        line.waits(7, 0);
        assert_eq!(line.backlog(), (8, Some(at(20))));
        drop(second);
        assert_eq!(line.backlog(), (7, Some(at(20))), "those behind it may be as old");
        drop(line.take(Lane::Bulk, at(15), false));
        assert_eq!(line.backlog(), (7, Some(at(20))), "nobody stands behind it in the slow lane");
        line.waits(7, 1);
        assert_eq!(line.backlog(), (8, Some(at(15))));
        line.waits(0, 0);
        assert_eq!(line.backlog(), (0, None));
    }
}
