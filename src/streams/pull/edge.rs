//! How far behind the newest that a source brought its frames may be. While all that came is read there is nothing newer;
//! from when something waits to be read, the frames that are shown may be as old as that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::{Duration, Instant};

/// Less than this is how long a frame takes to be judged, and no lag.
const SLACK: Duration = Duration::from_millis(500);
/// So much is leapt over at a time: what is known is how far behind it may be, not how far it is.
const LEAP: Duration = Duration::from_secs(1);

/// Since when something waited to be read; `None` while nothing does.
#[derive(Debug, Default)]
pub(super) struct Edge(Mutex<Option<Instant>>);

impl Edge {
    /// All that came is read.
    pub(super) fn reached(&self) {
        *self.since() = None;
    }

    /// Something came that is not read yet.
    pub(super) fn left(&self, now: Instant) {
        self.since().get_or_insert(now);
    }

    /// At most. Zero where that is next to nothing.
    pub(super) fn behind(&self, now: Instant) -> Duration {
        let behind = self.since().map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if behind > SLACK { behind } else { Duration::ZERO }
    }

    /// What is left out beside what is asked for, to come nearer.
    pub(super) fn leap(&self, now: Instant) -> Duration {
        self.behind(now).min(LEAP)
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_all_that_came_is_not_behind() {
        let (edge, begun) = (Edge::default(), Instant::now());
        let at = |millis| begun + Duration::from_millis(millis);
        assert_eq!(
            (edge.behind(at(60_000)), edge.leap(at(60_000))),
            (Duration::ZERO, Duration::ZERO),
            "nothing came"
        );
        edge.left(at(60_000));
        assert_eq!(edge.behind(at(60_400)), Duration::ZERO, "as long as a frame takes");
        edge.left(at(60_400));
        assert_eq!(edge.behind(at(60_800)), Duration::from_millis(800), "from the first that waits on");
        assert_eq!(edge.leap(at(60_800)), Duration::from_millis(800));
        assert_eq!(
            (edge.behind(at(70_000)), edge.leap(at(70_000))),
            (Duration::from_secs(10), Duration::from_secs(1))
        );
        edge.reached();
        assert_eq!(edge.behind(at(70_000)), Duration::ZERO);
        edge.left(at(80_000));
        assert_eq!(edge.behind(at(80_100)), Duration::ZERO, "it is counted anew");
    }
}
