//! Streams that were left because there was no place for their sources: another process may have one, and this one takes
//! them again no sooner than it has.

use crate::upload::StreamId;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For so long a stream that was left is not taken again where there is no place: two processes that are full would hand it to
/// and fro.
const ENOUGH: Duration = Duration::from_secs(60);

/// Copies share what they know: when which streams were left.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<StreamId, Instant>>>);

impl Crowd {
    pub(super) fn left(&self, id: StreamId, now: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, now);
    }

    /// Those of `found`, which nobody watches, that are not to be taken again, where so many places are free.
    pub(super) fn of(&self, found: &[StreamId], free: usize, now: Instant) -> HashSet<StreamId> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|_, at| now.saturating_duration_since(*at) < ENOUGH);
        found.iter().copied().filter(|id| left.contains_key(id)).skip(free).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_taken_again_where_there_is_a_place() {
        let [a, b, c] = [1, 2, 3].map(|n| StreamId::new(jiff::Timestamp::UNIX_EPOCH, &[n; 10]));
        let (crowd, now) = (Crowd::default(), Instant::now());
        assert_eq!(crowd.of(&[a, b, c], 0, now), HashSet::new(), "each is tried once");
        for id in [a, b] {
            crowd.left(id, now);
        }
        assert_eq!(crowd.of(&[a, b, c], 0, now), [a, b].into());
        assert_eq!(crowd.of(&[a, b, c], 1, now), [b].into());
        assert_eq!(crowd.of(&[a, b, c], 2, now), HashSet::new());
        // Somebody else had no place for the other one either.
        assert_eq!(crowd.of(&[b], 0, now), [b].into());
        assert_eq!(crowd.of(&[a, b], 0, now + ENOUGH / 2), [a, b].into());
        assert_eq!(crowd.of(&[a, b], 0, now + ENOUGH), HashSet::new(), "it is tried now and then");
    }
}
