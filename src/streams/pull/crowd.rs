//! Streams that were left because there was no place for their sources: another process may have one, and this one takes
//! them again no sooner than it has.

use crate::upload::StreamId;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Copies share what they know.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<HashSet<StreamId>>>);

impl Crowd {
    pub(super) fn left(&self, id: StreamId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// Those of `found`, which nobody watches, that are not to be taken again, where so many places are free. What is not
    /// found is watched or closed, and forgotten.
    pub(super) fn of(&self, found: &[StreamId], free: usize) -> HashSet<StreamId> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let again: Vec<StreamId> = found.iter().copied().filter(|id| left.contains(id)).collect();
        *left = again.iter().copied().collect();
        again.into_iter().skip(free).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_taken_again_where_there_is_a_place() {
        let [a, b, c] = [1, 2, 3].map(|n| StreamId::new(jiff::Timestamp::UNIX_EPOCH, &[n; 10]));
        let crowd = Crowd::default();
        assert_eq!(crowd.of(&[a, b, c], 0), HashSet::new(), "each is tried once");
        for id in [a, b] {
            crowd.left(id);
        }
        assert_eq!(crowd.of(&[a, b, c], 0), [a, b].into());
        assert_eq!(crowd.of(&[a, b, c], 1), [b].into());
        assert_eq!(crowd.of(&[a, b, c], 2), HashSet::new());
        assert_eq!(crowd.of(&[b], 0), [b].into());
        assert_eq!(crowd.of(&[a, b], 0), [b].into(), "somebody had a place for the other one");
    }
}
